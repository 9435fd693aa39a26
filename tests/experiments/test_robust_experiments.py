"""The experiments on perturbation and regularisation: units, rows, agreement with theory, figures, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import perturbation, regularisation

SMALL = perturbation.Config(
    seeds=1,
    samples=200,
    strengths=(0.1, 0.2),
    kinds=("target noise", "worst targets"),
    regularisers=("none", "half step"),
    softmax_regularisers=("none",),
)
SMALL_KNOBS = regularisation.Config(seeds=1, samples=200, queries=2, every=4, knobs=("step size", "dropout"))


@pytest.fixture(scope="module")
def rows():
    return [row for unit in perturbation.units(SMALL) for row in perturbation.run_unit(SMALL, unit)]


@pytest.fixture(scope="module")
def knob_rows():
    return [row for unit in regularisation.units(SMALL_KNOBS) for row in regularisation.run_unit(SMALL_KNOBS, unit)]


def test_perturbations_agree_with_their_closed_forms(rows):
    found = perturbation.summary(SMALL, rows)
    assert len(rows) == found["grid_points"] == 2 * len(perturbation.units(SMALL))
    assert found["agreeing_fraction"] == 1
    assert found["ordered_pairs"] == 4
    assert found["regularised_below_in_theory"] == 1
    assert found["worst_targets_relative_gap"] <= 1e3 * np.finfo(float).eps


def test_bias_and_variance_agree_with_their_closed_forms(knob_rows):
    found = regularisation.summary(SMALL_KNOBS, knob_rows)
    assert found["agreeing_fraction"] == 1
    assert set(found["best"]) == {"step size", "dropout"}


@pytest.mark.parametrize(("module", "config"), [(perturbation, SMALL), (regularisation, SMALL_KNOBS)])
def test_a_unit_is_a_function_of_its_name(module, config):
    unit = module.units(config)[0]
    once = module.run_unit(config, unit)
    assert once == module.run_unit(config, unit)
    assert all(isinstance(x, int | float | str | bool) for row in once for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        module.run_unit(config, "other")


def test_figures_are_drawn(rows, knob_rows, tmp_path):
    for module, config, table in ((perturbation, SMALL, rows), (regularisation, SMALL_KNOBS, knob_rows)):
        path = tmp_path / f"{module.__name__}.png"
        module.figure(config, table).savefig(path)
        assert path.stat().st_size > 0


def test_wrong_theory_would_be_seen(rows):
    wrong = [{**row, "square_z": 50.0} if row["kind"] == "target noise" else row for row in rows]
    assert perturbation.summary(SMALL, wrong)["agreeing_fraction"] == 0


def test_nothing_to_summarise_is_no_error():
    assert perturbation.summary(SMALL, [])["agreeing_fraction"] is None
    assert regularisation.summary(SMALL_KNOBS, [])["agreeing_fraction"] is None


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(SMALL, kinds=("noise",)), "kinds must be among .* got 'noise'"),
        (lambda: replace(SMALL, regularisers=("lasso",)), "regularisers must be among .* got 'lasso'"),
        (lambda: replace(SMALL, softmax_regularisers=("ridge",)), "softmax_regularisers must be among"),
        (lambda: replace(SMALL, strengths=(0.0,)), r"strengths must lie in \(0, 1\]"),
        (lambda: replace(SMALL, samples=1), "at least two samples"),
        (lambda: replace(SMALL_KNOBS, knobs=("lasso",)), "knobs must be among .* got 'lasso'"),
        (lambda: replace(SMALL_KNOBS, noise=-1.0), "the noise must be positive and finite, got -1.0"),
        (lambda: replace(SMALL_KNOBS, every=0), "every = 1 or more"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
