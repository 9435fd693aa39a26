"""The experiment on the two stages, on a small generated catalogue."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.experiments import two_stage
from lrgd_jax.experiments.two_stage.config import BACK, PATHS


@pytest.fixture(scope="module")
def rows():
    return [row for unit in two_stage.units(two_stage.QUICK) for row in two_stage.run_unit(two_stage.QUICK, unit)]


def test_a_unit_is_a_function_of_its_name(rows):
    again = two_stage.run_unit(two_stage.QUICK, two_stage.units(two_stage.QUICK)[-1])
    timed = {"seconds"}
    kept = [{key: x for key, x in row.items() if key not in timed} for row in rows[-len(again) :]]
    assert kept == [{key: x for key, x in row.items() if key not in timed} for row in again]
    assert all(isinstance(x, int | float | str | bool | np.number) for row in again for x in row.values())
    with pytest.raises(ValueError, match="no unit 'other'"):
        two_stage.run_unit(two_stage.QUICK, "other")


def test_the_figure_is_drawn(rows, tmp_path):
    path = tmp_path / "figure.png"
    two_stage.figure(two_stage.QUICK, rows).savefig(path)
    assert path.stat().st_size > 0


def test_the_data_that_are_missing_are_named():
    config = replace(two_stage.QUICK, data="nowhere/at/all")
    with pytest.raises(FileNotFoundError, match="there is no data in nowhere/at/all; set data to a folder"):
        two_stage.run_unit(config, two_stage.units(config)[0])


def test_stage_two_chooses_without_the_test_items(rows):
    found = two_stage.summary(two_stage.QUICK, rows)
    other = [row if row["part"] == BACK else {**row, "NDCG@10": row["NDCG@10"] / (1 + row["update"])} for row in rows]
    chosen = found["chosen"]
    assert two_stage.summary(two_stage.QUICK, other)["chosen"] == chosen
    best = max(x for line in found["one step back"] for x in line["NDCG@10"])
    (line,) = (x for x in found["one step back"] if {**x, **chosen} == {**chosen, **x})
    assert line["NDCG@10"][chosen["updates"]] == best
    assert found["guarded"]["after further updates"]["voices"] >= min(chosen["voices"], 1 - 2**-20)
    assert found["free"]["after further updates"]["voices"] < chosen["voices"]
    used = {(row["origins"], row["temperature"]) for row in rows if row["part"] in PATHS}
    assert used == {(chosen["origins"], chosen["temperature"])}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: two_stage.Config(updates=0), "at least one update"),
        (lambda: two_stage.Config(temperatures=(1.0, 1.0)), "temperatures must be different"),
        (lambda: two_stage.Config(temperatures=(0.0,)), "positive temperature"),
        (lambda: two_stage.Config(largest=1.0), "a guard lets rates differ"),
        (lambda: two_stage.Config(origins=(0, 1)), "origins must be different numbers from 1 on"),
    ],
)
def test_a_wrong_configuration_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
