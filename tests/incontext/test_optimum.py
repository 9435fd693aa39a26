"""Optima: the closed form against samples, minimality, the residual polynomial against the layers, ridge."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.incontext import (
    RegressionTasks,
    bayes_loss,
    expected_loss,
    gd_plus_plus_stack,
    one_step,
    optimal_schedule,
    predict,
    prompt,
    residual_polynomial,
    ridge_prediction,
    spectra,
    zero_shot_loss,
)

KEY = jax.random.key(5)
TASKS = [RegressionTasks(4, 8), RegressionTasks(4, 8, "normal", 0.5, 2.0, 0.25), RegressionTasks(4, 2, "normal")]


def loss_at(tasks, eigenvalues, rates, corrections=None):
    corrections = [0.0] * len(rates) if corrections is None else corrections
    return expected_loss(tasks, eigenvalues, residual_polynomial(eigenvalues, rates, corrections, tasks.demonstrations))


@pytest.mark.parametrize("tasks", TASKS)
def test_the_closed_form_agrees_with_samples(tasks):
    best = one_step(tasks)
    eigenvalues = spectra(tasks, KEY, 20_000)
    each = [loss_at(tasks, part, best.rates) for part in np.array_split(eigenvalues, 20)]
    # Chebyshev: six standard errors are exceeded with probability 1/36 at most
    assert abs(np.mean(each) - best.loss) <= 6 * np.std(each, ddof=1) / np.sqrt(len(each))


@pytest.mark.parametrize("tasks", TASKS)
def test_no_other_rate_of_one_step_is_better(tasks):
    eigenvalues = spectra(tasks, KEY, 500)
    schedule = optimal_schedule(tasks, eigenvalues, 1)
    # representatives of the spectrum stand in for it, so the minimum is flat, not exact
    for factor in (0.8, 1.25):
        assert schedule.loss < loss_at(tasks, eigenvalues, [factor * schedule.rates[0]])
    assert schedule.loss < zero_shot_loss(tasks)
    assert bayes_loss(tasks, eigenvalues) <= schedule.loss


def test_more_freedom_is_no_worse():
    tasks = TASKS[0]
    eigenvalues = spectra(tasks, KEY, 500)
    tied = [optimal_schedule(tasks, eigenvalues, k, tied=True).loss for k in (1, 2, 3)]
    free = [optimal_schedule(tasks, eigenvalues, k).loss for k in (1, 2, 3)]
    plus = [optimal_schedule(tasks, eigenvalues, k, corrected=True).loss for k in (1, 2, 3)]
    looped = optimal_schedule(tasks, eigenvalues, 2, corrected=True, tied=True)
    assert tied[0] == free[0] == plus[0]
    assert all(a > b for curve in (tied, free, plus) for a, b in pairwise(curve))
    assert all(a > b > c for a, b, c in zip(tied[1:], free[1:], plus[1:], strict=True))
    assert plus[1] < looped.loss < tied[1]
    assert len(set(looped.rates)) == len(set(looped.corrections)) == 1


def test_the_polynomial_is_what_the_layers_leave():
    """With one eigenvalue, XX' = s I, every error shrinks by r(s)."""
    rates, corrections, s = (0.5, 2.0, 1.0), (0.125, 0.0625, 0.0), 2.0
    left = residual_polynomial(np.array([s]), rates, corrections, 4)[0]

    def layers(weights, query):
        inputs = jnp.concatenate([jnp.eye(2), -jnp.eye(2)])
        stack = gd_plus_plus_stack(rates, corrections, 2, 4, dtype=jnp.float64)
        return predict(stack, prompt(inputs, (inputs @ weights)[:, None], query))

    def shrunk(weights, query):
        return (1 - jnp.asarray(left)) * jnp.vdot(weights, query)[None]

    comparison = meet(layers, shrunk, jnp.asarray([0.5, -1.5]), jnp.asarray([1.0, 2.0]))
    assert comparison.holds, comparison


def test_bayes_without_noise_knows_what_is_shown():
    few, many = TASKS[2], TASKS[0]
    assert bayes_loss(many, spectra(many, KEY, 100)) == 0
    # two of four directions are never shown
    half = bayes_loss(few, spectra(few, KEY, 100)) / zero_shot_loss(few)
    assert half == 0.5


def test_ridge_is_the_posterior_mean():
    tokens = TASKS[1].draw(KEY, 1, jnp.float64).tokens[0]
    inputs, targets, query = (np.asarray(x) for x in (tokens[:-1, :-1], tokens[:-1, -1], tokens[-1, :-1]))
    weights = np.linalg.solve(inputs.T @ inputs + 0.5 * np.eye(4), inputs.T @ targets)
    # two backward-stable solvers: the condition number times the unit, with room for the dimension
    bound = 100 * np.finfo(np.float64).eps * np.linalg.cond(inputs) ** 2 * np.linalg.norm(weights)
    assert abs(ridge_prediction(tokens, 0.5) - weights @ query) <= bound * np.linalg.norm(query)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="at least one step"):
        optimal_schedule(TASKS[0], np.ones((1, 4)), 0)
    with pytest.raises(ValueError, match="at least one prompt"):
        spectra(TASKS[0], KEY, 0)
