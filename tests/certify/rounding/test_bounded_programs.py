"""Bounds as programs: those of the walk, for every rule, compiled and mapped over instances."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matrix_rows import MATRIX_ROWS
from rule_rows import ROWS as SCALAR_ROWS
from support.forms import FORMS

from lrgd_jax.certify import UndecidableError, UnknownPrimitiveError, bounded, running_error, trace
from lrgd_jax.certify.rounding.bounded_programs import bound_traced
from lrgd_jax.certify.rounding.factorizations import FACTORIZATIONS
from lrgd_jax.certify.rounding.rounded_numbers import Rounded
from lrgd_jax.certify.rounding.running_error import inputs_of

ROWS = {
    name: row for name, row in (SCALAR_ROWS | MATRIX_ROWS).items() if row.primitive.split(" ")[0] not in FACTORIZATIONS
}
BY_VALUE = {"argmax", "argmin", "sort"}
"""They choose by their arguments, unless nothing is carried along."""

EPS, SMALLEST = 2.0**-52, 2.0**-1022


def on_arrays_of_jax(program, arguments):
    """The bound by the rules of a trace, at once: what `bounded` stages out, operation by operation."""
    inputs = [
        replace(x, value=jnp.asarray(x.value), error=jnp.asarray(x.error)) if isinstance(x, Rounded) else x
        for x in inputs_of(program, arguments)
    ]
    return bound_traced(program, inputs)


@pytest.mark.parametrize("name", ROWS)
def test_a_rule_gives_the_bound_of_the_walk(name):
    row = ROWS[name]
    for dtype in {"float64", "float32"} & {*row.dtypes}:
        for place in row.ranges:
            arguments = row.arguments(place, dtype)
            program = trace(row.program, *arguments)
            walked = running_error(program, *arguments)
            try:
                traced = on_arrays_of_jax(program, arguments)
            except UndecidableError:
                assert row.primitive in BY_VALUE or "integer" in name or "convert" in name, name
                continue
            size = 1 + max(np.size(x) for x in arguments)
            # the roundings of the bound itself; what XLA flushes is counted twice in float64, where bounds are computed
            slack, flushed = (1 + 2 * (64 + size) * EPS) * (2 if dtype == "float64" else 1), size * SMALLEST
            for one, other in ((traced.error, walked.error), (walked.error, traced.error)):
                one, other = np.asarray(one), np.asarray(other)
                finite = np.isfinite(one)
                np.testing.assert_array_equal(finite, np.isfinite(other), err_msg=place)
                assert (np.where(finite, one, 0) <= np.where(finite, other, 0) * slack + flushed).all(), place
            with np.errstate(invalid="ignore"):
                apart = np.abs(np.asarray(traced.value, np.float64) - np.asarray(walked.value, np.float64))
            assert (np.nan_to_num(apart) <= np.asarray(traced.error) + walked.error).all(), place


@pytest.mark.parametrize("form", ["linear", "softmax"])
def test_compiled_and_mapped_it_is_still_the_bound_of_the_walk(form):
    attention = FORMS[form]
    keys = jax.random.split(jax.random.key(3), 3)
    queries, keys, values = (jax.random.normal(key, (5, 4, 3), jnp.float32) for key in keys)
    many = jax.jit(jax.vmap(bounded(attention)))(queries, keys, values)
    for k in range(5):
        one = running_error(attention, queries[k], keys[k], values[k])
        assert (np.abs(many.value[k] - one.value) <= many.error[k] + one.error).all()
        roundings = 2 * (64 + queries[k].size)
        assert (np.abs(many.error[k] - one.error) <= roundings * EPS * one.error).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_bounded_step_by_step(reverse):
    def decayed(rows, start):
        def step(state, row):
            state = 0.9 * state + row * row
            return state, jnp.tanh(state)

        return jax.lax.scan(step, start, rows, reverse=reverse)

    rows, start = np.random.default_rng(0).normal(size=(50, 3)), np.zeros(3)
    program = jax.jit(bounded(decayed))
    assert str(jax.make_jaxpr(bounded(decayed))(rows, start)).count(" tanh ") <= 2
    for one, other in zip(
        *(jax.tree.leaves(x.error) for x in (program(rows, start), running_error(decayed, rows, start))),
        strict=True,
    ):
        assert (np.abs(one - other) <= 2 * (64 + rows.size) * EPS * other).all()


def test_a_scan_that_counts_is_unrolled():
    def counted(rows):
        return jax.lax.scan(lambda k, row: (k + 1, row * k), 0, rows)[1]

    rows = np.ones((4, 2))
    np.testing.assert_array_equal(jax.jit(bounded(counted))(rows).value, np.arange(4)[:, None] * rows)


def test_a_decision_that_rounding_leaves_open_costs_both_cases():
    def step(x):
        return jnp.where(x * x > 2, 10 * x, -x)

    close = np.sqrt(np.float64(2))
    bounds = jax.jit(bounded(step))(jnp.array([1.0, close, 2.0]))
    assert bounds.error[0] < 1
    assert bounds.error[1] > 11 * close
    assert bounds.error[2] < 1


def test_what_depends_on_the_arguments_is_refused():
    x = jnp.ones(3)
    with pytest.raises(UndecidableError, match="not known yet"):
        jax.jit(bounded(lambda x: x[jnp.argmax(x)]))(x)
    with pytest.raises(UndecidableError, match="not known yet"):
        jax.jit(bounded(lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x)))(x)
    with pytest.raises(UndecidableError, match="dtype int"):
        jax.jit(bounded(lambda x, k: x[k]))(x, jnp.int32(1))
    with pytest.raises(UnknownPrimitiveError, match="cholesky"):
        jax.jit(bounded(jnp.linalg.cholesky))(jnp.eye(2))


def test_bounds_need_float64():
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        bounded(jnp.sin)(jnp.ones(1))


def test_known_arguments_are_bounded_at_once():
    x = np.array([1.0, 2.0])
    bounds, walked = bounded(lambda x, k: x[k] / 3)(x, 1), running_error(lambda x, k: x[k] / 3, x, 1)
    assert (bounds.value, bounds.error) == (walked.value, walked.error)
