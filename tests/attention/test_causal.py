"""Causal linear attention at length: the same sums as token by token, and derivatives certified against all pairs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.attention import (
    LinearState,
    causal_linear_attention,
    delta_rule_from_state,
    linear_attention,
    recurrent_delta_rule,
)
from lrgd_jax.certify import equal
from lrgd_jax.features import elu_plus_one, identity
from lrgd_jax.positions import visible

HEADS, N, D, DV = 2, 7, 3, 2
SEGMENTS = np.array([4, 4, 4, 1, 1, 1, 4])
"""The last segment has the number of the first one, and sees nothing of it."""


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal((HEADS, N, width))) for width in (D, D, DV))


@pytest.fixture
def state():
    rng = np.random.default_rng(1)
    return LinearState(jnp.asarray(rng.standard_normal((HEADS, DV, D))), jnp.asarray(rng.uniform(1, 2, (HEADS, D))))


def decays_of(kind):
    rng = np.random.default_rng(2)
    shapes = {"head": (HEADS,), "token": (HEADS, N), "feature": (HEADS, N, D)}
    if kind not in shapes:
        return {"none": None, "one": 0.75}[kind]
    decays = rng.uniform(size=shapes[kind])
    decays.flat[0] = 0
    return jnp.asarray(decays)


def token_by_token(queries, keys, values, decays, state, segments, phi, normalised):
    """The sums of the docstring, one token after another, for every head; a segment begins with nothing."""
    gates = jnp.ones(()) if decays is None else jnp.asarray(decays)
    gates = jnp.broadcast_to(gates.reshape(gates.shape + (1,) * (3 - gates.ndim)), (HEADS, N, D))
    outputs, states = [], []
    for h in range(HEADS):
        memory, sums = state.values[h], state.normaliser[h]
        for t in range(N):
            if t > 0 and segments is not None and segments[t] != segments[t - 1]:
                memory, sums = jnp.zeros_like(memory), jnp.zeros_like(sums)
            key, query = phi(keys[h, t]), phi(queries[h, t])
            memory = memory * gates[h, t][None] + jnp.outer(values[h, t], key)
            sums = sums * gates[h, t] + key
            outputs.append(memory @ query / (sums @ query) if normalised else memory @ query)
        states.append((memory, sums))
    memories, normalisers = map(jnp.stack, zip(*states, strict=True))
    return jnp.stack(outputs).reshape(HEADS, N, DV), LinearState(memories, normalisers)


@pytest.mark.parametrize(
    ("kind", "chunk", "segments", "normalised"),
    [
        ("none", 2, None, True),
        ("none", 10**6, None, False),
        ("none", 3, SEGMENTS, True),
        ("one", 3, None, True),
        ("head", 3, SEGMENTS, False),
        ("token", 3, None, True),
        ("feature", 3, SEGMENTS, True),
    ],
)
def test_every_decay_and_segment_goes_on_from_a_state(kind, chunk, segments, normalised, tokens, state):
    phi, decays = elu_plus_one, decays_of(kind)
    numbers = None if segments is None else jnp.asarray(segments)
    comparison = meet(
        lambda *given: causal_linear_attention(
            *given[:3],
            feature_map=phi,
            normalised=normalised,
            decays=decays,
            segments=numbers,
            state=LinearState(*given[3:]),
            chunk=chunk,
        ),
        lambda q, k, v, *known: token_by_token(q, k, v, decays, LinearState(*known), segments, phi, normalised),
        *tokens,
        *state,
    )
    assert comparison.holds, comparison


def test_a_window_sees_as_many_tokens(tokens):
    mask = visible(N, N, window=3)
    comparison = meet(
        lambda *given: causal_linear_attention(*given, window=3)[0],
        jax.vmap(lambda *given: linear_attention(*given, mask=mask)),
        *tokens,
    )
    assert comparison.holds, comparison


def test_heads_share_keys_and_values_of_their_group(tokens):
    q, k, v = tokens
    comparison = meet(
        lambda *given: causal_linear_attention(*given)[0],
        lambda q, k, v: causal_linear_attention(q, jnp.repeat(k, HEADS, 0), jnp.repeat(v, HEADS, 0), chunk=1)[0],
        q,
        k[:1],
        v[:1],
    )
    assert comparison.holds, comparison


@pytest.mark.parametrize(("normalised", "phi"), [(True, identity), (False, jnp.square)])
def test_gradients_are_certified_against_those_of_all_pairs(normalised, phi, monkeypatch):
    """Tokens of two spans, the second of them filled up: both what is computed anew and what is dropped take part."""
    monkeypatch.setattr("lrgd_jax.attention.chunked._SPAN", 4)

    def at_length(q, k, v):
        return causal_linear_attention(q, k, v, feature_map=phi, normalised=normalised, chunk=2)[0]

    def all_pairs(q, k, v):
        one_head = partial(linear_attention, feature_map=phi, normalised=normalised, mask=visible(5, 5, causal=True))
        return jax.vmap(one_head)(q, k, v)

    def gradients(form):
        return lambda q, k, v: jax.grad(lambda *given: jnp.sum(form(*given) ** 2), argnums=(0, 1, 2))(q, k, v)

    shapes = "q:h=2,n=5,d=2; k:h,n,d; v:h,n,dv=2"
    assert equal(gradients(at_length), gradients(all_pairs), shapes)


def test_derivatives_in_the_other_direction_pass_through(tokens):
    def slope(q, k, v):
        return jax.jvp(lambda k: causal_linear_attention(q, k, v, chunk=2)[0], (k,), (k,))[1]

    comparison = meet(slope, lambda *given: causal_linear_attention(*given, chunk=3)[0], *tokens)
    assert comparison.holds, comparison  # linear in the keys


def test_tokens_of_other_formats_are_widened(tokens, state):
    q, k, v = (x.astype(dtype) for x, dtype in zip(tokens, (jnp.bfloat16, jnp.float32, jnp.float64), strict=True))
    outputs, after = jax.eval_shape(partial(causal_linear_attention, state=state), q, k, v)
    assert (outputs.dtype, after.values.dtype) == (jnp.float64, jnp.float64)
    half = tuple(x.astype(jnp.bfloat16) for x in tokens)
    outputs, after = jax.eval_shape(causal_linear_attention, *half)
    assert (outputs.dtype, after.normaliser.dtype) == (jnp.bfloat16, jnp.float32)


def test_no_tokens_leave_the_state_as_it_is(tokens, state):
    outputs, after = causal_linear_attention(*(x[:, :0] for x in tokens), state=state)
    assert outputs.shape == (HEADS, 0, DV)
    assert np.array_equal(after.values, state.values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunk": 0}, "chunk must be at least 1"),
        ({"window": 2, "decays": 0.5}, "a window stands alone"),
        ({"decays": np.ones(3)}, r"2 heads of 7 tokens with 3 features take decays of shape .*; got \(3,\)"),
        ({"decays": -0.5}, "decay must be between 0 and 1"),
        ({"segments": np.zeros(3, int)}, r"7 tokens need a segment each, got segments of shape \(3,\)"),
        (
            {"state": LinearState(jnp.zeros((1, 2, 3)), jnp.zeros((1, 3)))},
            r"values \(2, 2, 3\) and normaliser \(2, 3\)",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_named(change, message, tokens):
    change = {name: jnp.asarray(x) if isinstance(x, np.ndarray) else x for name, x in change.items()}
    with pytest.raises(ValueError, match=message):
        causal_linear_attention(*tokens, **change)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 7, 0), (2, 7, 0), (2, 7, 2)), "a head without width has no weights"),
        (((2, 7, 3), (2, 6, 3), (2, 6, 2)), "a token has a query, a key of the same width, and a value"),
        (((3, 7, 3), (2, 7, 3), (2, 7, 2)), "queries a multiple of it"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_tokens_that_do_not_fit_are_named(shapes, message):
    with pytest.raises(ValueError, match=message):
        causal_linear_attention(*map(jnp.ones, shapes))


@pytest.mark.parametrize("chunk", [2, 20])
def test_a_chunked_delta_rule_goes_on_from_a_state(chunk, tokens, state):
    rng = np.random.default_rng(3)
    gates = (jnp.asarray(rng.uniform(size=N)) for _ in range(2))
    comparison = meet(
        lambda *given: delta_rule_from_state(*given[:-1], state=given[-1], chunk=chunk),
        lambda *given: recurrent_delta_rule(*given[:-1], state=given[-1]),
        *(x[0] for x in tokens),
        *gates,
        state.values[0],
    )
    assert comparison.holds, comparison


def test_the_delta_rule_by_chunks_is_certified_with_its_state():
    def by_chunks(q, k, v, b, a, s):
        first, middle = delta_rule_from_state(q[:3], k[:3], v[:3], b[:3], a[:3], state=s, chunk=2)
        second, last = delta_rule_from_state(q[3:], k[3:], v[3:], b[3:], a[3:], state=middle, chunk=2)
        return jnp.concatenate([first, second]), last

    def by_token(q, k, v, b, a, s):
        return recurrent_delta_rule(q, k, v, b, a, state=s)

    assert equal(by_chunks, by_token, "q:n=4,d=2; k:n,d; v:n,dv=2; b:n; a:n; s:dv,d")
