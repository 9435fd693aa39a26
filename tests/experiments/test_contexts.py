"""The bounds hold where they must, fail where their assumptions do, and enclose each other."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from lrgd_jax.experiments import contexts, find
from lrgd_jax.experiments.contexts.config import Config
from lrgd_jax.experiments.contexts.measures import (
    one_step_mean,
    one_step_rate,
    ridge_lower_bound,
    ridge_mean_bound,
    run_unit,
    task_bound,
)
from lrgd_jax.experiments.running import runner

TINY = Config(seeds=2, demonstrations=(2, 12), width=3, tasks=50, queries=4, dtype="float32")
MANY = Config(seeds=2, demonstrations=(4, 16), width=3, tasks=20_000, queries=4, failure_probability=0.3)
EPS = float(np.finfo(np.float64).eps)
FALSE_ALARM = 1e-9
"""Of one comparison of a mean with its expectation, if means of so many tasks are normal."""
DEVIATIONS = float(stats.norm.isf(FALSE_ALARM / 2))


@pytest.fixture(scope="module")
def measured():
    return {n: {row["dual"]: row for row in run_unit(MANY, f"seed=0/demonstrations={n}")} for n in MANY.demonstrations}


@pytest.mark.parametrize("n", MANY.demonstrations)
def test_the_mean_of_one_step_is_its_closed_form(measured, n):
    row = measured[n]["one step"]
    assert abs(row["error"] - one_step_mean(MANY, n)) / row["standard_error"] < DEVIATIONS
    for wrong in (dataclasses.replace(MANY, width=4), dataclasses.replace(MANY, noise=0.6)):
        assert abs(row["error"] - one_step_mean(wrong, n)) / row["standard_error"] > DEVIATIONS


@pytest.mark.parametrize("n", MANY.demonstrations)
def test_ridge_lies_between_its_bounds(measured, n):
    row = measured[n]["ridge"]
    above = (row["error"] - ridge_mean_bound(MANY, n)) / row["standard_error"]
    below = (ridge_lower_bound(MANY, n) - row["error"]) / row["standard_error"]
    assert max(above, below) < DEVIATIONS


@pytest.mark.parametrize("n", MANY.demonstrations)
@pytest.mark.parametrize("dual", contexts.DUALS)
def test_no_more_tasks_exceed_their_bound_than_allowed(measured, n, dual):
    row = measured[n][dual]
    assert stats.binom.sf(row["exceeded"] - 1, row["tasks"], MANY.failure_probability) > FALSE_ALARM
    # a bound that nothing ever exceeds would hold vacuously
    assert row["exceeded"] > 0


def test_test_points_say_what_the_weights_say(measured):
    for rows in measured.values():
        for row in rows.values():
            # a task's mean over q normal test errors has variance 2 error^2 / q around its error
            squares = row["standard_error"] ** 2 * row["tasks"] + row["error"] ** 2
            deviation = math.sqrt(2 * squares / (MANY.queries * row["tasks"]))
            assert abs(row["tested_error"] - row["error"]) < DEVIATIONS * deviation


@pytest.mark.parametrize("n", [1, 5, 6, 40, 1000])
def test_the_bounds_enclose_each_other(n):
    assert ridge_lower_bound(MANY, n) <= ridge_mean_bound(MANY, n) <= one_step_mean(MANY, n) < MANY.prior**2


def test_no_other_rate_is_better():
    n = 7
    ratio = MANY.spread / n

    def mean(rate):
        return MANY.prior**2 * ((1 - rate) ** 2 + rate**2 * ratio)

    best = one_step_rate(MANY, n)
    assert abs(mean(best) - one_step_mean(MANY, n)) <= 16 * EPS
    assert all(mean(best) < mean(best + change) for change in (-0.1, 0.1))


def test_the_bound_of_a_task_at_the_ridge_solution_is_that_of_laurent_and_massart():
    c, delta = np.array([0.125, 0.05, 0.02]), 0.1
    t = math.log(1 / delta)
    by_hand = c.sum() + 2 * math.sqrt((c**2).sum() * t) + 2 * c.max() * t
    bound = float(task_bound(jnp.zeros(3), jnp.asarray(c), delta))
    # a few dozen operations on positive numbers
    assert abs(bound - by_hand) <= 64 * EPS * by_hand
    assert float(task_bound(jnp.ones(3), jnp.asarray(c), delta)) > bound + 3


def test_a_unit_is_reproducible(measured):
    assert {row["dual"]: row for row in run_unit(MANY, "seed=0/demonstrations=4")} == measured[4]


def test_a_run_in_float32_is_summed_up_and_drawn(tmp_path):
    run = runner.run("contexts", TINY, tmp_path)
    assert len(run.rows) == len(contexts.units(TINY)) * 2
    assert [(row["dual"], row["demonstrations"]) for row in run.summary["tightness"]] == [
        (dual, n) for dual in contexts.DUALS for n in TINY.demonstrations
    ]
    drawn = find("contexts").figure(TINY, run.rows)
    assert [axes.get_xlabel() != "" for axes in drawn.axes] == [True] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demonstrations": (4,)}, "two or more different"),
        ({"demonstrations": (0, 4)}, r"demonstrations\[0\] must be at least 1"),
        ({"queries": 0}, "queries must be at least 1"),
        ({"tasks": 1}, "tasks must be at least 2"),
        ({"noise": 0.0}, "noise and prior must be positive"),
        ({"failure_probability": 1.0}, "failure_probability must lie between 0 and 1"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **changes)
