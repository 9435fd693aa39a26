"""Fast-weight and least-squares forms: their algorithms agree, go on from a state, and refuse what makes no sense."""

import inspect
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.attention import (
    DeltaRule,
    DescentAttention,
    GatedLinearAttention,
    LinearAttention,
    MomentumAttention,
    Retention,
    RidgeAttention,
    TTTLinear,
    UnstableStepWarning,
    chunked_delta_rule,
    chunked_gated_linear_attention,
    conjugate_gradient_attention,
    descent_attention,
    momentum_weights,
    recurrent_delta_rule,
    recurrent_gated_linear_attention,
    retention,
    ridge_attention,
    stability_limit,
    ttt_linear,
)
from lrgd_jax.attention.chunks import cut
from lrgd_jax.attention.ridge import solve_definite
from lrgd_jax.attention.stability import largest_curvature, warn_beyond_limit
from lrgd_jax.positions import visible

N, D, DV = 7, 4, 3


def drawn(*shape):
    return jnp.asarray(np.random.default_rng(0).standard_normal(shape))


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal((N, width))) for width in (D, D, DV))


@pytest.fixture
def gates():
    """One strength and one decay a token, and one gate a token and feature; some are zero, some one."""
    rng = np.random.default_rng(1)
    strengths, decays, gates = rng.uniform(size=N), rng.uniform(size=N), rng.uniform(size=(N, D))
    decays[2], decays[3], gates[4, 1], gates[5] = 0, 1, 0, 1
    return tuple(jnp.asarray(x) for x in (strengths, decays, gates))


@pytest.mark.parametrize("chunk", [1, 3, 20])
def test_a_chunked_delta_rule_is_the_recurrent_one(chunk, tokens, gates):
    comparison = meet(
        lambda *given: chunked_delta_rule(*given, chunk=chunk),
        lambda *given: recurrent_delta_rule(*given)[0],
        *tokens,
        *gates[:2],
    )
    assert comparison.holds, comparison


@pytest.mark.parametrize("chunk", [1, 3, 20])
def test_chunked_gates_are_the_recurrent_ones(chunk, tokens, gates):
    comparison = meet(
        lambda *given: chunked_gated_linear_attention(*given, chunk=chunk),
        lambda *given: recurrent_gated_linear_attention(*given)[0],
        *tokens,
        gates[2],
    )
    assert comparison.holds, comparison


def test_retention_is_gating_by_one_number(tokens, gates):
    def gated(q, k, v, decays):
        return recurrent_gated_linear_attention(q, k, v, jnp.broadcast_to(decays[:, None], (N, D)))[0]

    comparison = meet(retention, gated, *tokens, gates[1])
    assert comparison.holds, comparison


@pytest.mark.parametrize("form", [GatedLinearAttention(), Retention(decay=1.0)])
def test_nothing_is_forgotten_unless_told(form, tokens):
    comparison = meet(form, LinearAttention(causal=True), *tokens)
    assert comparison.holds, comparison


def test_a_minibatch_of_one_is_the_delta_rule(tokens, gates):
    comparison = meet(
        lambda *given: ttt_linear(*given, chunk=1),
        lambda *given: recurrent_delta_rule(*given)[0],
        *tokens,
        gates[0],
    )
    assert comparison.holds, comparison


def test_a_state_goes_on_where_it_stopped(tokens, gates):
    def in_two_parts(q, k, v, b, a, g):
        first, delta = recurrent_delta_rule(q[:3], k[:3], v[:3], b[:3], a[:3])
        second, _ = recurrent_delta_rule(q[3:], k[3:], v[3:], b[3:], a[3:], state=delta)
        third, gated = recurrent_gated_linear_attention(q[:3], k[:3], v[:3], g[:3])
        fourth, _ = recurrent_gated_linear_attention(q[3:], k[3:], v[3:], g[3:], state=gated)
        return jnp.concatenate([first, second]), jnp.concatenate([third, fourth])

    def at_once(q, k, v, b, a, g):
        return recurrent_delta_rule(q, k, v, b, a)[0], recurrent_gated_linear_attention(q, k, v, g)[0]

    comparison = meet(in_two_parts, at_once, *tokens, *gates)
    assert comparison.holds, comparison


def test_a_unit_key_is_written_whole():
    """A write of strength one with a key of length one leaves no error: the memory answers with the value."""
    keys = jnp.eye(D)[jnp.asarray([0, 1, 0])]
    comparison = meet(lambda values: DeltaRule(strength=1.0)(keys, keys, values), lambda values: values, drawn(3, DV))
    assert comparison.holds, comparison


def test_momentum_weights_are_a_geometric_sum():
    assert np.array_equal(momentum_weights(4, 0.5)[:, 0], [1, 1.5, 1.75, 1.875])
    assert np.array_equal(momentum_weights(3, 0.5, nesterov=True), [[1.5, 0, 0], [1.75, 1.5, 0], [1.875, 1.75, 1.5]])
    assert np.array_equal(momentum_weights(3, 1.0)[-1], [3, 2, 1])


def test_elimination_solves(tokens):
    keys = tokens[1]

    def product(right):
        matrix = keys.T @ keys + jnp.eye(D)
        return matrix @ solve_definite(matrix, right)

    comparison = meet(product, lambda right: right, drawn(D, 2))
    assert comparison.holds, comparison


def test_elimination_does_not_depend_on_the_unit():
    """A power of two rounds nothing; where a pivot is far from one, nothing may cancel."""
    keys, right = drawn(8, D).astype("float32"), drawn(8, 2).astype("float32")
    matrix = keys @ keys.T + jnp.eye(8, dtype="float32") / 2
    solve = jax.jit(solve_definite)
    assert np.array_equal(solve(matrix, right), solve(2.0**20 * matrix, 2.0**20 * right))


@pytest.mark.parametrize("causal", [False, True])
def test_conjugate_gradients_reach_ridge_attention(causal):
    rng = np.random.default_rng(0)
    queries, keys, values = (jnp.asarray(rng.standard_normal((4, width)) / 2) for width in (2, 2, 1))
    mask = visible(4, 4, causal=True) if causal else None
    comparison = meet(
        lambda q, k, v: conjugate_gradient_attention(q, k, v, 2.0, iterations=2, mask=mask),
        lambda q, k, v: ridge_attention(q, k, v, 2.0, mask=mask),
        queries,
        keys,
        values,
    )
    assert comparison.holds, comparison


def test_conjugate_gradients_stay_finite_where_they_have_arrived(tokens):
    for iterations in (None, 50):
        form = RidgeAttention(algorithm="conjugate gradients", iterations=iterations)
        assert np.isfinite(form(*tokens)).all()


def test_a_query_of_zero_has_the_answer_zero(tokens):
    queries = jnp.zeros_like(tokens[0])
    for form in (RidgeAttention(), RidgeAttention(algorithm="conjugate gradients")):
        assert not np.any(form(queries, *tokens[1:]))


def test_many_steps_tend_to_ridge_attention(tokens):
    keys = tokens[1]
    curvature = largest_curvature(keys, ridge=2.0)
    assert curvature is not None
    rate = 1 / curvature

    def distance(steps):
        form = DescentAttention(steps=steps, learning_rate=rate, ridge=2.0)
        weights = (attend(jnp.eye(D), *tokens[1:]) for attend in (form, RidgeAttention(ridge=2.0)))
        return float(jnp.linalg.norm(next(weights) - next(weights)))

    # W_T - W* = (W_1 - W*)(I - rate H)^(T-1), and no eigenvalue of H is below the ridge
    assert distance(40) < distance(1) * (1 - rate * 2.0) ** 39


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.75, False), (0.75, True)])
def test_the_stability_limit_is_where_errors_stop_to_shrink(momentum, nesterov):
    """One key, curvature 4: below the limit the weights settle, above they grow, and a warning says so."""
    query = key = jnp.asarray([[2.0]])
    value = jnp.asarray([[1.0]])
    limit = stability_limit(4.0, momentum, nesterov=nesterov)

    def error(factor, steps):
        options = {"steps": steps, "learning_rate": factor * limit, "momentum": momentum, "nesterov": nesterov}
        return abs(float(descent_attention(query, key, value, **options)[0, 0]) - 1)

    assert error(0.9, 100) < error(0.9, 1)
    assert error(1.1, 100) > error(1.1, 1)
    options = {"steps": 2, "momentum": momentum, "nesterov": nesterov}
    with pytest.warns(UnstableStepWarning, match="exceeds the stability limit"):
        DescentAttention(learning_rate=1.1 * limit, **options)(query, key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DescentAttention(learning_rate=0.9 * limit, **options)(query, key, value)


def test_steps_that_are_too_long_are_named(tokens):
    keys = tokens[1]
    for form in (DeltaRule(strength=1.0), TTTLinear(learning_rate=0.5, chunk=4)):
        with pytest.warns(UnstableStepWarning, match=type(form).__name__):
            form(*tokens)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            form(tokens[0], keys / 8, tokens[2])
            # nothing is known under a trace, and one step cannot diverge
            jax.jit(form.__call__)(*tokens)
            DescentAttention(steps=1, learning_rate=100.0)(*tokens)


def test_the_warning_points_at_whoever_calls_the_form():
    # without the tests' type checker, which puts frames of its own between
    warn = inspect.unwrap(warn_beyond_limit)

    def form():
        warn("form", 3.0, 1.0)

    with pytest.warns(UnstableStepWarning, match="a step of 3 exceeds the stability limit 2") as seen:
        line, _ = sys._getframe().f_lineno, form()
    assert (seen[0].filename, seen[0].lineno) == (__file__, line)


def test_a_preconditioner_moves_the_limit():
    keys = jnp.asarray([[4.0, 0.0], [0.0, 1.0]])
    assert largest_curvature(keys) == 16
    assert largest_curvature(keys, preconditioner=jnp.diag(jnp.asarray([1 / 16, 1.0]))) == 1
    assert largest_curvature(keys * np.inf) is None
    # K'K + 2 of the one key (3, 4) has the eigenvalues 27 and 2, and half of it half of them
    key = jnp.asarray([[3.0, 4.0]])
    half = largest_curvature(key, ridge=2.0, preconditioner=jnp.eye(2) / 2)
    # an eigenvalue of a symmetric 2 x 2 matrix is found within a few units of its norm (Golub and Van Loan, 8.1)
    assert half is not None
    assert abs(half - 13.5) <= 16 * np.finfo(float).eps * 27
    batches = jnp.stack([key, 2 * key])
    both = largest_curvature(batches), largest_curvature(batches, preconditioner=jnp.eye(2))
    assert None not in both
    assert all(abs(curvature - 100) <= 16 * np.finfo(float).eps * 100 for curvature in both if curvature is not None)
    assert stability_limit(0.0) == np.inf


def test_numbers_come_per_token_at_the_call(tokens, gates):
    strengths, decays, per_feature = gates
    form = DeltaRule(decay=0.5, strength=0.25)
    replaced = form(*tokens, strength=strengths / 8, decay=decays)
    assert np.array_equal(replaced, DeltaRule(strength=strengths / 8, decay=decays)(*tokens))
    outputs = GatedLinearAttention()(*tokens, decay=per_feature)
    assert np.array_equal(outputs, GatedLinearAttention(per_feature)(*tokens))
    with pytest.raises(TypeError, match="gate"):
        form(*tokens, gate=1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DeltaRule(strength=-0.5), "strength must be not negative, got -0.5"),
        (lambda: DeltaRule(decay=1.5), "decay must be between 0 and 1, got 1.5"),
        (lambda: Retention(decay=-0.25), "decay must be between 0 and 1, got -0.25"),
        (lambda: GatedLinearAttention(np.array([0.5, 1.25])), "between 0 and 1, got 1.25"),
        (lambda: Retention(chunk=0), "chunk must be at least 1, got 0"),
        (lambda: TTTLinear(learning_rate=-1.0), "learning_rate must be not negative"),
        (lambda: MomentumAttention(momentum=2.0), "between 0 and 1, got 2.0"),
        (lambda: RidgeAttention(ridge=0.0), "ridge must be positive, got 0.0"),
        (lambda: RidgeAttention(algorithm="streaming"), "is causal"),
        (lambda: DescentAttention(ridge=-1.0), "ridge must be not negative"),
        (lambda: DescentAttention(learning_rate=0.0), "learning_rate must be positive"),
        (lambda: DescentAttention(steps=0), "steps must be at least 1"),
        (lambda: DescentAttention(momentum=-0.5), "between 0 and 1, got -0.5"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_numbers_of_gates_are_named(tokens):
    with pytest.raises(ValueError, match="one number, or one for each of 7 tokens; got shape"):
        DeltaRule(strength=jnp.ones(3) / 8)(*tokens)
    with pytest.raises(ValueError, match=r"7 tokens of 4 features .* got gates of shape \(7, 3\)"):
        GatedLinearAttention(np.ones(3))(*tokens)
    with pytest.raises(ValueError, match="at least one token, got chunk=0"):
        cut(tokens[0], 0)
    q, k, v = tokens
    for form in (Retention(), RidgeAttention(causal=True, algorithm="streaming"), RidgeAttention(causal=True)):
        with pytest.raises(ValueError, match="a key for every query; got 7 queries, 3 keys"):
            form(q, k[:3], v[:3])
