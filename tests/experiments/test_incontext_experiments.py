"""The experiments on constructed and trained transformers, in settings that take seconds."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrgd_jax.experiments import constructed_vs_trained, steps_and_depth

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
DEPTH = steps_and_depth.Config(
    **TINY, depths=(1, 2), corrected_depths=2, trained=(1,), factors=(1.0, 8.0), spectra=128, learning_rate=0.02
)
CASES = [(constructed_vs_trained, CONSTRUCTED), (steps_and_depth, DEPTH)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case[0].__name__.rpartition(".")[2])
def run(request):
    experiment, config = request.param
    return experiment, config, [row for unit in experiment.units(config) for row in experiment.run_unit(config, unit)]


def test_rows_are_plain_finite_values(run):
    _, _, rows = run
    assert rows
    for row in rows:
        assert all(type(value) in (int, float, str, bool) for value in row.values()), row
        assert all(np.isfinite(value) for value in row.values() if isinstance(value, float)), row


def test_a_unit_is_a_function_of_its_name(run):
    experiment, config, rows = run
    units = experiment.units(config)
    assert len(set(units)) == len(units)
    again = experiment.run_unit(config, units[-1])
    assert again == rows[-len(again) :]


def test_the_summary_is_json(run):
    experiment, config, rows = run
    assert json.loads(json.dumps(experiment.summary(config, rows), allow_nan=False))


def test_the_figure_names_its_axes(run):
    pytest.importorskip("matplotlib")
    experiment, config, rows = run
    for axes in experiment.figure(config, rows).axes:
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


def test_constructed_references_do_not_change_while_training_goes_on():
    rows = constructed_vs_trained.run_unit(CONSTRUCTED, "seed=0/layers=2")
    for name in constructed_vs_trained.measures.REFERENCES:
        assert len({row["loss"] for row in rows if row["kind"] == "loss" and row["learner"] == name}) == 1
    ends = {(row["reference"], row["share"]): row["loss"] for row in rows if row["kind"] == "between"}
    assert len(ends) == 4


@pytest.mark.parametrize(("experiment", "config"), CASES)
def test_bad_settings_are_named(experiment, config):
    with pytest.raises(ValueError, match="must be at least 1"):
        replace(config, prompts=0)
    with pytest.raises(ValueError, match="multiple of the checkpoints"):
        replace(config, steps=3, warmup=7)
    with pytest.raises(ValueError, match="at least one dimension"):
        replace(config, dimension=0)
