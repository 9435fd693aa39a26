"""Constructed layers are steps: against `jax.grad` of the written loss, in both dtypes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.incontext import (
    apply,
    descent_stack,
    gd_plus_plus_stack,
    gd_plus_plus_step,
    gradient_step,
    preconditioned_step,
    predict,
    prompt,
)

RATES = (0.5, 0.25, 0.75)


def loss(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


@pytest.fixture(params=["float64", "float32"])
def data(request):
    rng = np.random.default_rng(1)
    shapes = ((6, 3), (6, 2), (3,))
    return tuple(jnp.asarray(rng.standard_normal(shape), request.param) for shape in shapes)


def test_a_stack_takes_its_steps(data):
    def layers(inputs, targets, query):
        stack = descent_stack(RATES, 3, 6, outputs=2, dtype=inputs.dtype)
        return predict(stack, prompt(inputs, targets, query), outputs=2)

    def steps(inputs, targets, query):
        weights = jnp.zeros((2, 3), inputs.dtype)
        for rate in RATES:
            weights = weights - rate * jax.grad(loss)(weights, inputs, targets)
        return weights @ query

    comparison = meet(layers, steps, *data)
    assert comparison.holds, comparison


def test_without_correction_gd_plus_plus_is_descent(data):
    def plain(inputs, targets, query):
        return apply(descent_stack(RATES, 3, 6, outputs=2, dtype=inputs.dtype), prompt(inputs, targets, query))

    def corrected(inputs, targets, query):
        stack = gd_plus_plus_stack(RATES, (0.0,) * 3, 3, 6, outputs=2, dtype=inputs.dtype)
        return apply(stack, prompt(inputs, targets, query))

    comparison = meet(plain, corrected, *data)
    assert comparison.holds, comparison


def test_the_last_correction_changes_no_prediction(data):
    inputs, targets, query = data

    def predicted(last):
        pairs = (0.5, 0.25), (0.125, last)
        stack = gd_plus_plus_stack(*pairs, 3, 6, outputs=2, dtype=inputs.dtype)
        return predict(stack, prompt(inputs, targets, query), outputs=2)

    assert np.array_equal(predicted(0.0), predicted(0.5))


def test_a_scalar_preconditioner_is_a_rate(data):
    def preconditioned(inputs, targets, query):
        weights = preconditioned_step(0.5 * jnp.eye(3, dtype=inputs.dtype), 2, 6)
        return apply((weights,), prompt(inputs, targets, query))

    def plain(inputs, targets, query):
        return apply((gradient_step(jnp.zeros((2, 3), inputs.dtype), 0.5, 6),), prompt(inputs, targets, query))

    comparison = meet(preconditioned, plain, *data)
    assert comparison.holds, comparison


def test_newton_in_one_layer(data):
    """The inverse of the Hessian as the preconditioner ends at the least-squares solution."""
    inputs, targets, query = data

    def layer_of_newton(inverse, inputs, targets, query):
        return predict((preconditioned_step(inverse, 2, 6),), prompt(inputs, targets, query), outputs=2)

    hessian = np.asarray(inputs, np.float64).T @ np.asarray(inputs, np.float64) / 6
    inverse = jnp.asarray(np.linalg.inv(hessian), inputs.dtype)

    def solved(inverse, inputs, targets, query):
        return targets.T @ inputs @ inverse @ query / 6

    comparison = meet(layer_of_newton, solved, inverse, inputs, targets, query)
    assert comparison.holds, comparison
    exact = np.linalg.lstsq(np.asarray(inputs, np.float64), np.asarray(targets, np.float64))[0].T @ np.asarray(query)
    computed = np.asarray(layer_of_newton(inverse, *data), np.float64)
    assert np.linalg.norm(computed - exact) < np.sqrt(np.finfo(inputs.dtype).eps) * np.linalg.norm(exact)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="at least one demonstration"):
        gradient_step(jnp.zeros((1, 2)), 0.5, 0)
    with pytest.raises(ValueError, match="at least one demonstration"):
        gd_plus_plus_step(2, 1, 0.5, 0.5, 0)
    with pytest.raises(ValueError, match="got 2 rates, 1 corrections"):
        gd_plus_plus_stack((0.5, 0.5), (0.5,), 2, 3)
