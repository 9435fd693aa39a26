"""The experiment on attention and its dual on real data, on a small generated catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import equivalence_on_data
from lrgd_jax.experiments.equivalence_on_data.measures import DUALS
from lrgd_jax.experiments.shared.recommender_data import SMALL, ordered


@pytest.fixture(scope="module")
def rows():
    return [
        row
        for unit in equivalence_on_data.units(equivalence_on_data.QUICK)
        for row in equivalence_on_data.run_unit(equivalence_on_data.QUICK, unit)
    ]


def test_a_unit_is_a_function_of_its_name(rows):
    again = equivalence_on_data.run_unit(
        equivalence_on_data.QUICK, equivalence_on_data.units(equivalence_on_data.QUICK)[-1]
    )
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        equivalence_on_data.run_unit(equivalence_on_data.QUICK, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    equivalence_on_data.figure(equivalence_on_data.QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_the_data_that_are_missing_are_named():
    config = replace(equivalence_on_data.QUICK, data="nowhere/at/all")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        equivalence_on_data.run_unit(config, equivalence_on_data.units(config)[0])


def test_the_dual_gives_attention_s_lists_and_wrong_duals_do_not(rows):
    found = equivalence_on_data.summary(equivalence_on_data.QUICK, rows)
    right = found["one step"]
    assert right["difference/bound"] <= 1
    assert right["other lists"] == 0
    assert right["same lists"] + right["other order of ties"] == right["users"] == len(ordered(SMALL).test)
    for name in DUALS[1:]:
        assert found[name]["difference/bound"] > 1e6
        assert found[name]["other lists"] > 0


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: equivalence_on_data.Config(k=0), "k must be at least 1"),
        (lambda: equivalence_on_data.Config(starts=(5, 3)), "starts grow from 0"),
        (lambda: equivalence_on_data.Config(duals=("best",)), "duals must be among"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
