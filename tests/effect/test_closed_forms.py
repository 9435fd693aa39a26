"""Closed forms against definitions, on whole numbers: what is compared is rounded to the fraction that it must be."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.equivalence import meet

from lrgd_jax.dual import DualModel, squared_error
from lrgd_jax.effect import (
    DualLoss,
    aumann_shapley,
    contribution_norms,
    contributions,
    effect_of_demonstrations,
    exact_shapley,
    gradient_alignment,
    leave_one_out,
    linear_contributions,
    normalised_contributions,
    permutation_shapley,
    rate_gradient,
    shapley_of,
    shapley_squared_loss,
    softmax_contributions,
)
from lrgd_jax.kernels import ExponentialKernel, kernel_of

WHOLE = st.integers(0, 2**31)


def whole_numbers(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).integers(-3, 4, shape), jnp.float64)


def dual(seed, n, d=2, dv=2):
    """A dual model on whole numbers, so that every loss is a whole number of halves."""
    keys, values = whole_numbers(seed, n, d), whole_numbers(seed + 1, n, dv)
    start, point = whole_numbers(seed + 2, dv, d), whole_numbers(seed + 3, d)
    return DualLoss(DualModel(start, keys, values), point, whole_numbers(seed + 4, dv) + 7)


def closed_form(loss):
    model = loss.model
    parts = linear_contributions(loss.point, model.inputs, model.targets)
    return np.asarray(shapley_squared_loss(parts, loss.target, model.initial_weights @ loss.point))


def same(values, expected, parts):
    """Both are whole numbers of 1 / parts."""
    assert np.rint(values * parts).tolist() == np.rint(expected * parts).tolist()


@given(WHOLE, st.sampled_from([1, 3, 4]))
def test_exact_shapley_values_of_a_squared_loss_are_the_closed_form(seed, n):
    loss = dual(seed, n)
    scores = exact_shapley(loss, batch=2**n)
    same(scores.values, closed_form(loss), 2 * math.factorial(n))
    same(scores.values.sum(), scores.whole, 2)


@given(WHOLE, st.sampled_from([1, 3, 4]))
def test_one_order_and_its_reverse_are_exact_for_a_squared_loss(seed, n):
    loss = dual(seed, n)
    scores = permutation_shapley(loss, pairs=3, seed=seed, batch=4)
    same(scores.values, closed_form(loss), 4)
    assert scores.interval is not None
    same(scores.interval.upper, scores.interval.lower, 4)
    same(scores.values.sum(), scores.whole, 2)


@given(WHOLE, st.sampled_from([(1, 2), (1, 5), (3, 6)]))
def test_aumann_shapley_values_of_a_squared_loss_are_the_closed_form(seed, rule):
    power, nodes = rule
    loss = dual(seed, 3)
    scores = aumann_shapley(loss, power=power, nodes=[nodes], batch=nodes)
    same(scores.values, closed_form(loss), 2)
    same(scores.values.sum(), scores.whole, 2)


@given(st.lists(st.integers(-50, 50), min_size=16, max_size=16))
def test_shapley_of_any_game_is_the_mean_over_all_orders(payoffs):
    players = range(4)
    total = [0] * 4
    for order in itertools.permutations(players):
        before = 0
        for player in order:
            total[player] += payoffs[before | 1 << player] - payoffs[before]
            before |= 1 << player
    assert np.rint(shapley_of(np.array(payoffs, float)) * math.factorial(4)).tolist() == total


@given(WHOLE)
def test_leave_one_out_is_what_retraining_without_it_costs(seed):
    loss = dual(seed, 3)
    scores = leave_one_out(loss, batch=4)
    model = loss.model
    for i in range(3):
        rest = np.delete(np.arange(3), i)
        without = DualModel(model.initial_weights, model.inputs[rest], model.targets[rest])
        retrained = DualLoss(without, loss.point, loss.target)(jnp.ones(2))
        assert scores.values[i] == retrained - loss(jnp.ones(3))
    assert scores.cost == 4


@given(WHOLE)
def test_the_rate_gradient_of_a_squared_loss(seed):
    loss = dual(seed, 3)
    model = loss.model
    parts = linear_contributions(loss.point, model.inputs, model.targets)
    trained = model.initial_weights @ loss.point + parts.sum(axis=0)
    assert rate_gradient(loss).values.tolist() == (parts @ (loss.target - trained)).tolist()


@pytest.mark.parametrize("objective", [None, squared_error])
def test_gradient_alignment_is_the_rate_gradient_at_zero(objective):
    key = jax.random.split(jax.random.key(0), 5)
    arrays = [jax.random.normal(k, shape) for k, shape in zip(key, ((2, 3), (4, 3), (4, 2), (3,), (2,)), strict=True)]

    def loss(start, keys, values, point, target):
        model = DualModel(start, keys, values, objective=objective, learning_rate=0.25)
        return DualLoss(model, point, target)

    def by_rates(*given):
        return -jax.grad(lambda rates: loss(*given)(rates))(jnp.zeros(4))

    assert meet(by_rates, lambda *given: gradient_alignment(loss(*given)), *arrays).holds


def test_contributions_with_rates_and_large_logits():
    key = jax.random.split(jax.random.key(1), 5)
    query, keys, own = (jax.random.normal(k, s) for k, s in zip(key, ((3,), (4, 3), (2, 3)), strict=False))
    values, own_values = jax.random.normal(key[3], (4, 2)), jax.random.normal(key[4], (2, 2))
    rates = jnp.asarray([1.0, 0.5, 0.0, 2.0])

    def shifted(query, keys, own):
        return softmax_contributions(query, keys, values, context_keys=own, context_values=own_values, rates=rates)

    def plain(query, keys, own):
        return normalised_contributions(ExponentialKernel(), query, keys, values, own, own_values, rates)

    assert meet(shifted, plain, query, keys, own).holds
    assert jnp.isfinite(shifted(1000 * query, keys, own)).all()
    assert not shifted(query, keys, own)[2].any()
    linear = linear_contributions(query, keys, values, rates=rates)
    assert (linear == contributions(kernel_of(lambda x: x), query, keys, values, rates)).all()


def test_contribution_norms_have_no_sign():
    assert contribution_norms(jnp.asarray([[3.0, -4.0], [0.0, 0.0]])).tolist() == [5.0, 0.0]


def test_effect_of_demonstrations_is_the_relative_fall():
    loss = DualLoss(DualModel(jnp.zeros((1, 1)), jnp.ones((2, 1)), jnp.ones((2, 1))), jnp.ones(1), jnp.full(1, 4.0))
    effect = effect_of_demonstrations(loss, batch=2)
    assert (effect.zero_shot, effect.few_shot, effect.fall, effect.relative) == (8.0, 2.0, 6.0, 0.75)
