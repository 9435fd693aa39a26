"""The experiment on selection, on a small generated catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import selection
from lrgd_jax.experiments.shared.recommender_data import SMALL, context_model


@pytest.fixture(scope="module")
def rows():
    return [row for unit in selection.units(selection.QUICK) for row in selection.run_unit(selection.QUICK, unit)]


def test_a_unit_is_a_function_of_its_name(rows):
    again = selection.run_unit(selection.QUICK, selection.units(selection.QUICK)[-1])
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        selection.run_unit(selection.QUICK, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    selection.figure(selection.QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_the_data_that_are_missing_are_named():
    config = replace(selection.QUICK, data="nowhere/at/all")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        selection.run_unit(config, selection.units(config)[0])


def test_selection_has_its_ends_and_an_oracle_above(rows):
    found = selection.summary(selection.QUICK, rows)
    shared = {(line["selector"], line["budget"]): line for line in found["shared"]}
    assert shared["none", 0]["HR@10"] < shared["all", len(context_model(SMALL).demonstrations)]["HR@10"]
    for budget in selection.QUICK.budgets:
        assert shared["oracle", budget]["HR@10"] > shared["effect", budget]["HR@10"]
        assert shared["random", budget]["ratio"] == 1
    personal = {(line["selector"], line["budget"]): line["HR@10"] for line in found["personal"]}
    assert all(personal["oracle", k] >= personal[name, k] for name, k in personal if ("oracle", k) in personal)
    assert found["read the test items"] == ["oracle"]


def test_a_budget_beyond_the_pool_is_refused():
    config = replace(selection.QUICK, budgets=(10**6,))
    with pytest.raises(ValueError, match="a budget of 1000000 exceeds the pool"):
        selection.run_unit(config, "seed=0/random")


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: replace(selection.QUICK, selectors=("best",)), "selectors must be among .* got 'best'"),
        (lambda: replace(selection.QUICK, personal_selectors=("best",)), "personal_selectors must be among"),
        (lambda: replace(selection.QUICK, budgets=()), "budgets must be at least 1"),
        (lambda: replace(selection.QUICK, share=0.0), r"share must lie in \(0, 1\]"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
