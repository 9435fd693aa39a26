"""Norms and ranks of a functional step against their definitions, where no shift of the kernel is needed."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import evaluate_trace, run_compiled

from lrgd_jax.attention import SoftmaxAttention
from lrgd_jax.claims.comparison import compare
from lrgd_jax.dual import FunctionalDual, KernelExpansion, dual_of
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.effect.head_step import effective_rank, head_step, log_norm, step_of
from lrgd_jax.kernels import ExponentialKernel, gram

EPS = float(np.finfo(np.float64).eps)
KEYS, VALUES, QUERIES = (
    jax.random.normal(jax.random.key(i), shape) for i, shape in enumerate([(6, 4), (6, 3), (2, 4)])
)
ROLE = TokenRoles(jnp.array([0.0, 0, 0, 0, 1, 1]), jnp.array([1.0, 1, 1, 0, 0, 0]))
DUAL = dual_of(SoftmaxAttention(causal=True))


def expansion(centres, coefficients):
    return KernelExpansion(centres, coefficients, ExponentialKernel())


def by_definition(centres, coefficients):
    entries = gram(ExponentialKernel(), centres, centres)
    return jnp.log(jnp.sum((coefficients @ coefficients.T) * entries)) / 2


def test_the_norm_is_that_of_the_definition():
    sides = (lambda k, c: log_norm(expansion(k, c)), by_definition)
    assert compare(run_compiled(sides[0], KEYS, VALUES), evaluate_trace(sides[1], KEYS, VALUES)).holds
    # the kernel's scale left out
    wrong = run_compiled(lambda k, c: log_norm(KernelExpansion(k, c, ExponentialKernel(1.0))), KEYS, VALUES)
    assert not compare(wrong, evaluate_trace(sides[1], KEYS, VALUES)).holds


def test_keys_of_any_length_have_a_norm():
    """One centre: the norm is that of its coefficients times the root of the kernel at it."""
    key = 100 * KEYS[:1]
    found = float(log_norm(expansion(key, VALUES[:1])))
    square = float(jnp.sum(key * key)) / 2
    expected = (square + float(jnp.log(jnp.sum(VALUES[:1] ** 2)))) / 2
    assert square > np.log(np.finfo(np.float64).max)
    # two sums of four products and a logarithm, of numbers no larger than the result
    assert abs(found - expected) <= 32 * EPS * abs(expected)
    assert float(log_norm(expansion(KEYS, jnp.zeros_like(VALUES)))) == -np.inf


def test_a_centre_without_coefficient_does_not_count():
    far = jnp.concatenate([KEYS, 100 * KEYS[:1]])
    found = log_norm(expansion(far, jnp.concatenate([VALUES, jnp.zeros((1, 3))])))
    assert compare(
        run_compiled(lambda k, c: log_norm(expansion(k, c)), KEYS, VALUES),
        evaluate_trace(lambda x: x, found),
    ).holds


def test_the_rank_counts_equal_directions():
    # so far apart that no kernel entry is left between two of them
    apart = expansion(100 * jnp.eye(4)[:3], jnp.eye(3))
    assert abs(float(effective_rank(apart)) - 3) <= 64 * EPS
    together = expansion(jnp.zeros((3, 4)), jnp.eye(3))
    # rounded eigenvalues leave singular values of the root of their error, and entropy x log(1/x) of each
    small = np.sqrt(16 * EPS)
    assert abs(float(effective_rank(together)) - 1) <= 4 * small * np.log(1 / small)
    unequal = expansion(100 * jnp.eye(4)[:2], jnp.array([[1.0, 0], [0, 3]]))
    shares = np.array([1 / 4, 3 / 4])
    assert abs(float(effective_rank(unequal)) - np.exp(-shares @ np.log(shares))) <= 64 * EPS


def test_the_step_of_a_head():
    found = head_step(DUAL, KEYS, VALUES, ROLE, QUERIES)
    told, own = np.flatnonzero(ROLE.demonstrations), np.flatnonzero(ROLE.context)
    targets = jnp.concatenate([VALUES, jnp.ones((6, 1))], axis=1)

    def size(targets):
        return by_definition(KEYS[told], targets[told]) - by_definition(KEYS[own], targets[own])

    def attended(chosen):
        entries = gram(ExponentialKernel(), QUERIES, KEYS[chosen])
        return (entries @ VALUES[chosen]) / jnp.sum(entries, axis=1, keepdims=True)

    sides = {
        "log_size": evaluate_trace(size, targets),
        "log_size_of_values": evaluate_trace(size, VALUES),
        "before": evaluate_trace(lambda _: attended(own), VALUES),
        "after": evaluate_trace(lambda _: attended(np.concatenate([told, own])), VALUES),
    }
    for name, side in sides.items():
        # ours sums the same terms, and zeros, in another order; no sum is longer
        assert (np.abs(np.asarray(getattr(found, name)) - side.value) <= 2 * side.error).all(), name
        assert (side.error < np.abs(side.value)).all(), name
    assert 1 <= float(found.rank) <= 3


def test_the_step_stands_over_the_keys():
    model = DUAL.build(KEYS, VALUES, ROLE)
    step = step_of(model)
    assert np.array_equal(step.coefficients[:, -1], ROLE.demonstrations)
    elsewhere = replace(model, initial_function=expansion(KEYS[:2], jnp.ones((2, 4))))
    with pytest.raises(ValueError, match="2 centres and f_1 8"):
        step_of(elsewhere)
    other = KernelExpansion(KEYS, VALUES, lambda x, y: jnp.vdot(x, y))
    with pytest.raises(ValueError, match="exponential kernel"):
        log_norm(other)
    assert isinstance(model, FunctionalDual)
