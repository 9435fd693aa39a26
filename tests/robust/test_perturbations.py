"""Perturbations: predicted and measured changes meet, remainders and bounds hold, and bounds are attained."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robust.example_problems import DV, PROBLEMS, D, N, arrays, problem, tokens
from support.equivalence import meet, run_compiled

from lrgd_jax.attention import SoftmaxAttention
from lrgd_jax.dual import DualModel, alignment, projective_targets
from lrgd_jax.robust import (
    Problem,
    drop_perturbation,
    key_bound,
    key_perturbation,
    problem_of,
    query_bound,
    query_perturbation,
    ratio_bound,
    swap_perturbation,
    target_bound,
    target_perturbation,
    token_perturbation,
    worst_targets,
)

LINEAR = ("linear", "linear rotary", "dual linear")
SOFTMAX = ("softmax", "softmax alibi window", "softmax rotary", "dual softmax")


def changes(seed):
    """Changes of values, keys and query."""
    return arrays(seed + 1, (N, DV), (N, D), (D,))


@pytest.mark.parametrize("name", PROBLEMS)
def test_targets_move_the_output_exactly(name):
    def change(moved, *data):
        return target_perturbation(problem(name, *data), moved).output

    given_arrays = (changes(0)[0], *tokens(0))
    comparison = meet(lambda *x: change(*x).predicted, lambda *x: change(*x).measured, *given_arrays)
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", ["linear", "linear normalised", "softmax", "dual softmax"])
def test_the_step_changes_as_the_kernel_says(name):
    def size(moved, *data):
        return target_perturbation(problem(name, *data), moved).step

    given_arrays = (changes(0)[0], *tokens(0))
    comparison = meet(lambda *x: size(*x).predicted, lambda *x: size(*x).measured, *given_arrays)
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_worst_targets_attain_the_bound(name):
    def worst(*data):
        return worst_targets(problem(name, *data), 0.5, jnp.ones(DV)).bound

    comparison = meet(lambda *x: worst(*x).predicted, lambda *x: worst(*x).measured, *tokens(0))
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", LINEAR)
def test_linear_attention_moves_linearly_with_keys_and_query(name):
    _, keys, query = changes(0)

    def change(what, moved):
        return lambda *data: what(problem(name, *data), moved).output

    for what, moved in ((key_perturbation, keys), (query_perturbation, query)):
        one = change(what, moved)
        kinds = set()

        def predicted(*data, one=one, kinds=kinds):
            change = one(*data)
            kinds.add(change.kind)
            return change.predicted

        comparison = meet(predicted, lambda *x, one=one: one(*x).measured, *tokens(0))
        assert comparison.holds, comparison
        assert kinds == {"exact"}


@functools.cache
def moved_softmax(name):
    @jax.jit
    def both(keys, query, *data):
        setting = problem(name, *data)
        return key_perturbation(setting, keys), query_perturbation(setting, query)

    return both


@given(seed=st.integers(0, 2**32 - 2), size=st.sampled_from([0.01, 0.25, 2.0]))
@pytest.mark.parametrize("name", SOFTMAX)
def test_softmax_stays_within_remainder_and_bound(name, seed, size):
    _, keys, query = changes(seed)
    for moved in moved_softmax(name)(size * keys, size * query, *tokens(seed)):
        assert moved.output.kind == "first order"
        error = np.linalg.norm(moved.output.measured - moved.output.predicted)
        assert error <= moved.output.remainder
        assert moved.bound.measured <= moved.bound.predicted


@functools.cache
def moved_tokens(name):
    @jax.jit
    def change(moved, key_weights, value_weights, *data):
        return token_perturbation(problem(name, *data), moved, key_weights, value_weights)

    return change


@pytest.mark.parametrize("name", ["linear elu+1", "linear normalised", "softmax", "dual linear"])
def test_the_error_of_the_first_order_is_quadratic(name):
    moved, key_weights, value_weights = arrays(7, (N, 3), (3, D), (3, DV))
    errors = []
    for size in (2.0**-8, 2.0**-9):
        effect = moved_tokens(name)(size * moved, key_weights, value_weights, *tokens(4))
        errors.append(np.linalg.norm(effect.output.measured - effect.output.predicted))
        assert effect.bound.measured <= effect.bound.predicted
    assert 3.5 < errors[0] / errors[1] < 4.5


@pytest.mark.parametrize("name", ["dual linear", "dual softmax"])
def test_dropping_and_swapping_are_exact(name):
    kept = jnp.asarray([True, False, True, True, False])
    for what in (lambda p: drop_perturbation(p, kept), lambda p: swap_perturbation(p, 0, 3)):

        def change(*data, what=what):
            return what(problem(name, *data)).output

        comparison = meet(
            lambda *x, change=change: change(*x).predicted, lambda *x, change=change: change(*x).measured, *tokens(5)
        )
        assert comparison.holds, comparison


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_closed_form_is_the_output(name):
    comparison = meet(
        lambda *data: problem(name, *data).closed_form(), lambda *data: problem(name, *data).output(), *tokens(6)
    )
    assert comparison.holds, comparison


def test_large_logits_do_not_overflow():
    query, keys, values, *_ = tokens(0)
    setting = Problem(SoftmaxAttention(scale=1.0), 100 * query, 100 * keys, values)
    moved = target_perturbation(setting, changes(0)[0])
    assert np.isfinite(moved.output.predicted).all()
    assert np.isfinite(moved.bound.predicted)


def extremal(query, radius=0.5):
    """Two demonstrations with opposite values whose keys change places, as far apart as the radius allows."""
    unit = query / jnp.linalg.norm(query)
    keys = radius / 2 * jnp.stack([-unit, unit])
    return Problem(SoftmaxAttention(), query, keys, jnp.asarray([[1.0], [-1.0]])), -2 * keys


def test_the_softmax_bound_is_attained():
    comparison = meet(
        lambda q: jnp.abs(extremal(q)[0].moved(keys=extremal(q)[1]).output() - extremal(q)[0].output())[0],
        lambda q: key_bound(extremal(q)[0], 0.5),
        tokens(0)[0],
    )
    assert comparison.holds, comparison


@given(seed=st.integers(0, 2**32 - 2))
def test_bounds_for_a_radius_hold_for_every_change_of_it(seed):
    radius = 0.5
    values, keys, query = (radius * x / np.linalg.norm(x, axis=-1, keepdims=True) for x in changes(seed))
    query_point, all_keys, all_values, *_ = tokens(seed)
    linear, softmax = bounded(query_point, all_keys, all_values, values, keys, query)
    for measured, bound in (*linear, *softmax):
        assert measured <= bound


@jax.jit
def bounded(query, keys, values, value_changes, key_changes, query_change):
    def pairs(name, query_too):
        setting = problem(name, query, keys, values, keys[:2], values[:2])
        plain = setting.output()
        bounds = [
            (setting.moved(values=value_changes), target_bound(setting, 0.5)),
            (setting.moved(keys=key_changes), key_bound(setting, 0.5)),
        ]
        if query_too:
            bounds.append((setting.moved(query=query_change), query_bound(setting, 0.5)))
        return [(jnp.linalg.norm(moved.output() - plain), bound) for moved, bound in bounds]

    return pairs("linear elu+1", False), pairs("softmax", True)


def test_float32_stays_float32():
    query, keys, values = arrays(0, (D,), (N, D), (N, DV), dtype=np.float32)
    setting = Problem(SoftmaxAttention(), query, keys, values)
    moved = jax.jit(lambda x: key_perturbation(setting, x))(keys / 8)
    assert {x.dtype for x in jax.tree.leaves(moved)} == {np.dtype(np.float32)}
    assert run_compiled(lambda *x: Problem(SoftmaxAttention(), *x).closed_form(), query, keys, values).value.shape == (
        DV,
    )


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named():
    query, keys, values, *_ = tokens(0)
    setting = Problem(SoftmaxAttention(), query, keys, values)
    targets = projective_targets(values)
    started = problem_of(DualModel(jnp.ones((DV + 1, D)), keys, targets, projective=True), query)
    wrong = (
        (lambda: Problem("softmax", query, keys, values), "must be an attention form or a dual model, got str"),  # pyright: ignore
        (lambda: Problem(SoftmaxAttention(), query, keys, values[:2]), "got 5 keys and 2 values"),
        (lambda: worst_targets(setting, -1.0, jnp.ones(DV)), "the radius must be positive and finite, got -1.0"),
        (lambda: key_bound(setting, 0.0), "key_bound: the radius must be positive"),
        (lambda: swap_perturbation(setting, 0, 9), "numbered 0 to 4, got 0 and 9"),
        (lambda: drop_perturbation(setting, jnp.ones(N, bool)), "give the dual model of the attention"),
        (lambda: token_perturbation(setting, keys, keys, values), "projections of as many rows"),
        (lambda: query_bound(problem("linear", *tokens(0)), 1.0), "known for softmax attention"),
        (lambda: key_bound(problem("linear normalised", *tokens(0)), 1.0), "its weights may vanish"),
        (lambda: ratio_bound(started, started.moved(keys=keys)), "the values in W_0 are not known"),
    )
    for refused, message in wrong:
        with pytest.raises(ValueError, match=message):
            refused()
    other = problem_of(DualModel.untrained(keys, values, objective=alignment(1.0)), query)
    with pytest.raises(ValueError, match="that of the alignment objective"):
        other.closed_form()
