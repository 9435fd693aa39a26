"""The experiment on constructed and trained transformers, in a setting that takes seconds."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrgd_jax.experiments import constructed_vs_trained
from lrgd_jax.experiments.constructed_vs_trained.config import REFERENCES

TINY: dict[str, Any] = {
    "seeds": 1,
    "dimension": 3,
    "demonstrations": 6,
    "steps": 40,
    "batch": 16,
    "warmup": 5,
    "prompts": 64,
}
CONSTRUCTED = constructed_vs_trained.Config(**TINY, checkpoints=2, spectra=128, scales=(0.5, 1.0), shares=(0.0, 1.0))


@pytest.fixture(scope="module")
def rows():
    return [
        row
        for unit in constructed_vs_trained.units(CONSTRUCTED)
        for row in constructed_vs_trained.run_unit(CONSTRUCTED, unit)
    ]


def test_rows_are_plain_finite_values(rows):
    assert rows
    for row in rows:
        assert all(type(value) in (int, float, str, bool) for value in row.values()), row
        assert all(np.isfinite(value) for value in row.values() if isinstance(value, float)), row


def test_a_unit_is_a_function_of_its_name(rows):
    units = constructed_vs_trained.units(CONSTRUCTED)
    assert len(set(units)) == len(units)
    again = constructed_vs_trained.run_unit(CONSTRUCTED, units[-1])
    assert again == rows[-len(again) :]


def test_the_summary_is_json(rows):
    assert json.loads(json.dumps(constructed_vs_trained.summary(CONSTRUCTED, rows), allow_nan=False))


def test_the_figure_names_its_axes(rows):
    for axes in constructed_vs_trained.figure(CONSTRUCTED, rows).axes:
        assert axes.get_title(loc="left")
        assert axes.get_xlabel()


def test_constructed_references_do_not_change_while_training_goes_on():
    rows = constructed_vs_trained.run_unit(CONSTRUCTED, "seed=0/layers=2")
    for name in REFERENCES:
        assert len({row["loss"] for row in rows if row["kind"] == "loss" and row["learner"] == name}) == 1
    ends = {(row["reference"], row["share"]): row["loss"] for row in rows if row["kind"] == "between"}
    assert len(ends) == 4


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="must be at least 1"):
        replace(CONSTRUCTED, prompts=0)
    with pytest.raises(ValueError, match="multiple of the checkpoints"):
        replace(CONSTRUCTED, steps=3, warmup=7)
    with pytest.raises(ValueError, match="at least one dimension"):
        replace(CONSTRUCTED, dimension=0)
