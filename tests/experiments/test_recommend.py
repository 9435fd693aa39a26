"""The experiment on the in-context recommender, on a small generated catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import recommend
from lrgd_jax.experiments.recommend import measures
from lrgd_jax.experiments.recommend.measures import KNOWN, REFERENCE
from lrgd_jax.experiments.shared.recommender_data import SMALL


@pytest.fixture(scope="module")
def rows():
    return [row for unit in recommend.units(recommend.QUICK) for row in recommend.run_unit(recommend.QUICK, unit)]


def test_a_unit_is_a_function_of_its_name(rows):
    again = recommend.run_unit(recommend.QUICK, recommend.units(recommend.QUICK)[-1])
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        recommend.run_unit(recommend.QUICK, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    recommend.figure(recommend.QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_the_data_that_are_missing_are_named():
    config = replace(recommend.QUICK, data=("nowhere/at/all",))
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        recommend.run_unit(config, recommend.units(config)[0])


def test_every_recommender_is_compared_with_the_reference(rows):
    found = recommend.summary(recommend.QUICK, rows)[SMALL]
    by_name = {row["recommender"]: row for row in found["rows"]}
    assert set(by_name) == set(KNOWN)
    assert by_name[REFERENCE]["NDCG@10 gap"] == 0
    for name in found["above the reference, NDCG@10"]:
        assert by_name[name]["NDCG@10"] > by_name[REFERENCE]["NDCG@10"]


def test_a_recommender_that_is_too_large_is_left_out_openly(monkeypatch):
    monkeypatch.setattr(measures, "LIMITS", {"ridge": 10})
    config = replace(recommend.QUICK, recommenders=("ridge",))
    (row,) = recommend.run_unit(config, recommend.units(config)[0])
    assert row["left out"] == "needs items by items arrays for 100 items"
    assert recommend.summary(config, [row])[SMALL]["best"] is None


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: recommend.Config(data=()), "data must be folders"),
        (lambda: recommend.Config(data=("a/x", "b/x")), "folders with different names"),
        (lambda: recommend.Config(recommenders=("best",)), "recommenders must be among"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
