"""The experiment on effects on real data, on a small generated catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import effect
from lrgd_jax.experiments.effect.measures import _without
from lrgd_jax.experiments.shared.recommender_data import SMALL, context_model


@pytest.fixture(scope="module")
def rows():
    return [row for unit in effect.units(effect.QUICK) for row in effect.run_unit(effect.QUICK, unit)]


def test_a_unit_is_a_function_of_its_name(rows):
    again = effect.run_unit(effect.QUICK, effect.units(effect.QUICK)[-1])
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        effect.run_unit(effect.QUICK, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    effect.figure(effect.QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_the_data_that_are_missing_are_named():
    config = replace(effect.QUICK, data="nowhere/at/all")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        effect.run_unit(config, effect.units(config)[0])


def test_effects_predict_the_loss_that_they_are_effects_on(rows):
    found = effect.summary(effect.QUICK, rows)
    assert found["demonstrations"]["valid"]["pearson"] > 0.9
    assert found["demonstrations"]["valid"]["spearman"] > found["demonstrations"]["test"]["spearman"]
    losses = {(line["which"], line["share"]): line["valid loss"] for line in found["shares"]}
    for share in effect.QUICK.shares:
        assert losses["worst", share] < losses["random", share] < losses["best", share]


def test_taking_one_out_is_a_model_without_it():
    model, out = context_model(SMALL), np.array([3, 50, 700])
    rates = np.ones(len(model.demonstrations))
    rates[out] = 0
    less = _without(model, out)
    np.testing.assert_array_equal(less.dual_weights.toarray(), model.with_rates(rates).dual_weights.toarray())
    assert not np.array_equal(less.dual_weights.toarray(), model.dual_weights.toarray())


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: effect.Config(removals=1), "removals must be at least 4"),
        (lambda: effect.Config(shares=(1.0,)), r"shares must lie in \(0, 1\)"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
