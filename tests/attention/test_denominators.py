"""Means over nothing: a mask that hides all keys is refused, weights that vanish are named, and nothing is made up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax import dual_of
from lrgd_jax.attention import (
    DeadDenominatorWarning,
    LinearAttention,
    SoftmaxAttention,
    chunked_linear_attention,
    descent_attention,
    linear_attention,
    recurrent_delta_rule,
    retention,
    ridge_attention,
    softmax_attention,
    streaming_softmax_attention,
)
from lrgd_jax.features import relu

BLIND = jnp.asarray([[True, False, False], [False, False, False]])
"""A mask that hides every key from the second query."""


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal(shape)) for shape in ((2, 4), (3, 4), (3, 2)))


def normalised(q, k, v, mask):
    return linear_attention(q, k, v, feature_map=jnp.exp, mask=mask, normalised=True)


def dual_mean(form):
    return lambda q, k, v, mask: dual_of(form)(q, k, v, demonstrations=2, mask=mask)


MEANS = {
    "softmax": lambda q, k, v, mask: softmax_attention(q, k, v, mask=mask),
    "streaming": lambda q, k, v, mask: streaming_softmax_attention(q, k, v, mask=mask, block=2),
    "linear": normalised,
    "dual of softmax": dual_mean(SoftmaxAttention()),
    "dual of linear": dual_mean(LinearAttention(jnp.exp, normalised=True)),
}
SUMS = {
    "linear": lambda q, k, v, mask: linear_attention(q, k, v, mask=mask),
    "ridge": lambda q, k, v, mask: ridge_attention(q, k, v, 0.5, mask=mask),
    "descent": lambda q, k, v, mask: descent_attention(q, k, v, steps=2, learning_rate=0.1, mask=mask),
    "dual of linear": dual_mean(LinearAttention()),
}


@pytest.mark.parametrize("name", MEANS)
def test_a_mean_over_nothing_is_refused(name, tokens):
    with pytest.raises(ValueError, match=r"hides every key from query 1 \(1 such queries\)"):
        MEANS[name](*tokens, BLIND)


@pytest.mark.parametrize("name", MEANS)
def test_under_a_trace_a_mean_over_nothing_is_not_a_number(name, tokens):
    """Nor the mean of what must not be seen."""
    outputs = jax.jit(lambda *x: MEANS[name](*x))(*tokens, BLIND)
    assert np.isnan(outputs[1]).all()
    # the mean of one value: a product and a quotient
    seen = np.asarray(tokens[2][0])
    assert np.all(np.abs(outputs[0] - seen) <= 2 * np.finfo(np.float64).eps * np.abs(seen))


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_over_nothing_is_zero(name, tokens):
    outputs = SUMS[name](*tokens, BLIND)
    assert not outputs[1].any()
    assert np.isfinite(outputs[0]).all()


@pytest.mark.parametrize("algorithm", ["parallel", "recurrent", "chunked"])
def test_weights_that_vanish_are_named(algorithm):
    ones, values = jnp.ones((3, 1)), jnp.ones((3, 1))
    form = LinearAttention(relu, causal=True, normalised=True, algorithm=algorithm)
    with pytest.warns(DeadDenominatorWarning, match=r"output of query 1 is not a number \(2 such queries\)"):
        outputs = form(jnp.asarray([[1.0], [-1.0], [-1.0]]), ones, values)
    assert np.isfinite(outputs[0]).all()
    # a query before the first one that is asked for is nobody's
    assert form(ones[:1], jnp.asarray([[-1.0], [-1.0], [1.0]]), values).shape == (1, 1)
    assert jax.jit(lambda *x: form(*x))(-ones, ones, values).shape == (3, 1)


@pytest.mark.parametrize(
    ("attend", "what"),
    [
        (lambda q, k, v, a: retention(q, k, v, a), "retention"),
        (lambda q, k, v, a: recurrent_delta_rule(q, k, v, jnp.ones_like(a), a), "recurrent_delta_rule"),
    ],
)
def test_logarithms_of_decays_are_told_from_decays(attend, what, tokens):
    _, k, v = tokens
    with pytest.raises(ValueError, match=f"{what}: decay must be between 0 and 1, got -0.1; if these are logarithms"):
        attend(k, k, v, jnp.asarray([-0.1, -0.2, 0.0]))
    with pytest.raises(ValueError, match=f"{what}: decay must be between 0 and 1, got 1.5$"):
        attend(k, k, v, jnp.asarray([0.5, 1.5, 0.0]))


def test_a_chunk_may_be_longer_than_the_prompt(tokens):
    _, k, v = tokens
    short, long = (chunked_linear_attention(k, k, v, chunk=size) for size in (3, 10**9))
    assert np.array_equal(short, long)
    short, long = (streaming_softmax_attention(k, k, v, block=size) for size in (3, 10**9))
    assert np.array_equal(short, long)
