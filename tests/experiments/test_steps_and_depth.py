"""The experiment on steps and depth, in a setting that takes seconds."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrgd_jax.experiments import steps_and_depth

TINY: dict[str, Any] = {
    "seeds": 1,
    "dimension": 3,
    "demonstrations": 6,
    "steps": 40,
    "batch": 16,
    "warmup": 5,
    "prompts": 64,
}
DEPTH = steps_and_depth.Config(
    **TINY, depths=(1, 2), corrected_depths=2, trained=(1,), factors=(1.0, 8.0), spectra=128, learning_rate=0.02
)


@pytest.fixture(scope="module")
def rows():
    return [row for unit in steps_and_depth.units(DEPTH) for row in steps_and_depth.run_unit(DEPTH, unit)]


def test_rows_are_plain_finite_values(rows):
    assert rows
    for row in rows:
        assert all(type(value) in (int, float, str, bool) for value in row.values()), row
        assert all(np.isfinite(value) for value in row.values() if isinstance(value, float)), row


def test_a_unit_is_a_function_of_its_name(rows):
    units = steps_and_depth.units(DEPTH)
    assert len(set(units)) == len(units)
    again = steps_and_depth.run_unit(DEPTH, units[-1])
    assert again == rows[-len(again) :]


def test_the_summary_is_json(rows):
    assert json.loads(json.dumps(steps_and_depth.summary(DEPTH, rows), allow_nan=False))


def test_the_figure_names_its_axes(rows):
    for axes in steps_and_depth.figure(DEPTH, rows).axes:
        assert axes.get_title(loc="left")
        assert axes.get_xlabel()


def test_constructed_layers_lie_within_the_rounding_bound_of_steps():
    for unit in ("steps=1", "steps=2"):
        rows = steps_and_depth.run_unit(DEPTH, unit)
        (exact,) = (row for row in rows if row["kind"] == "exactness")
        assert float(exact["difference"]) <= float(exact["bound"])


def test_a_rate_beyond_the_limit_diverges():
    rows = [row for k in (1, 2) for row in steps_and_depth.run_unit(DEPTH, f"steps={k}") if row["kind"] == "rate"]
    loss = {(row["factor"], row["steps"]): float(row["loss"]) for row in rows}
    assert loss[1.0, 2] < loss[1.0, 1]
    assert loss[8.0, 2] > loss[8.0, 1]


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="must be at least 1"):
        replace(DEPTH, prompts=0)
    with pytest.raises(ValueError, match="multiple of the checkpoints"):
        replace(DEPTH, steps=3, warmup=7)
    with pytest.raises(ValueError, match="at least one dimension"):
        replace(DEPTH, dimension=0)
