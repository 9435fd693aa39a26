"""The experiment on regularisation: units, rows, agreement with theory, figure, refusals."""

from dataclasses import replace

import pytest

from lrgd_jax.experiments import regularisation

SMALL = regularisation.Config(seeds=1, samples=200, queries=2, every=4, knobs=("step size", "dropout"))


@pytest.fixture(scope="module")
def rows():
    return [row for unit in regularisation.units(SMALL) for row in regularisation.run_unit(SMALL, unit)]


def test_bias_and_variance_agree_with_their_closed_forms(rows):
    found = regularisation.summary(SMALL, rows)
    assert found["agreeing_fraction"] == 1
    assert set(found["best"]) == {"step size", "dropout"}


def test_a_unit_is_a_function_of_its_name():
    unit = regularisation.units(SMALL)[0]
    once = regularisation.run_unit(SMALL, unit)
    assert once == regularisation.run_unit(SMALL, unit)
    assert all(isinstance(x, int | float | str | bool) for row in once for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        regularisation.run_unit(SMALL, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    regularisation.figure(SMALL, rows).savefig(path)
    assert path.stat().st_size > 0


def test_nothing_to_summarise_is_no_error():
    assert regularisation.summary(SMALL, [])["agreeing_fraction"] is None


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(SMALL, knobs=("lasso",)), "knobs must be among .* got 'lasso'"),
        (lambda: replace(SMALL, noise=-1.0), "the noise must be positive and finite, got -1.0"),
        (lambda: replace(SMALL, every=0), "every = 1 or more"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
