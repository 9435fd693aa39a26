"""The experiment on perturbation: units, rows, agreement with theory, figure, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import perturbation

SMALL = perturbation.Config(
    seeds=1,
    samples=200,
    strengths=(0.1, 0.2),
    kinds=("target noise", "worst targets"),
    regularisers=("none", "half step"),
    softmax_regularisers=("none",),
)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in perturbation.units(SMALL) for row in perturbation.run_unit(SMALL, unit)]


def test_perturbations_agree_with_their_closed_forms(rows):
    found = perturbation.summary(SMALL, rows)
    assert len(rows) == found["grid_points"] == 2 * len(perturbation.units(SMALL))
    assert found["agreeing_fraction"] == 1
    assert found["ordered_pairs"] == 4
    assert found["regularised_below_in_theory"] == 1
    assert found["worst_targets_relative_gap"] <= 1e3 * np.finfo(float).eps


def test_a_unit_is_a_function_of_its_name():
    unit = perturbation.units(SMALL)[0]
    once = perturbation.run_unit(SMALL, unit)
    assert once == perturbation.run_unit(SMALL, unit)
    assert all(isinstance(x, int | float | str | bool) for row in once for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        perturbation.run_unit(SMALL, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    perturbation.figure(SMALL, rows).savefig(path)
    assert path.stat().st_size > 0


def test_wrong_theory_would_be_seen(rows):
    wrong = [{**row, "square_z": 50.0} if row["kind"] == "target noise" else row for row in rows]
    assert perturbation.summary(SMALL, wrong)["agreeing_fraction"] == 0


def test_nothing_to_summarise_is_no_error():
    assert perturbation.summary(SMALL, [])["agreeing_fraction"] is None


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(SMALL, kinds=("noise",)), "kinds must be among .* got 'noise'"),
        (lambda: replace(SMALL, regularisers=("lasso",)), "regularisers must be among .* got 'lasso'"),
        (lambda: replace(SMALL, softmax_regularisers=("ridge",)), "softmax_regularisers must be among"),
        (lambda: replace(SMALL, strengths=(0.0,)), r"strengths must lie in \(0, 1\]"),
        (lambda: replace(SMALL, samples=1), "at least two samples"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
