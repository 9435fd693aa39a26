"""The finite dual by its features, by their kernel, and as the attention of a whole decoder."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, decoder
from support.equivalence import evaluate_trace, meet, run_compiled

from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.claims.comparison import compare
from lrgd_jax.decoder import apply
from lrgd_jax.decoder.attention import Heads
from lrgd_jax.decoder.forward import apply_with
from lrgd_jax.dual.token_roles import TokenRoles
from lrgd_jax.effect.finite_dual import centre_keys, feature_attention, finite_outputs, taylor_dimension, taylor_outputs
from lrgd_jax.features import PositiveRandomFeatures, TaylorFeatures

KEYS, VALUES, QUERIES = (
    jax.random.normal(jax.random.key(i), shape) for i, shape in enumerate([(6, 4), (6, 3), (2, 4)])
)
ROLE = TokenRoles(jnp.array([0.0, 0, 0, 0, 1, 1]), jnp.array([1.0, 1, 1, 0, 0, 0]))


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_taylor_outputs_are_those_of_the_features(degree):
    def by_features(k, v, q):
        return finite_outputs(TaylorFeatures(degree), 0.5, k, v, ROLE, q)

    def by_kernel(k, v, q):
        return taylor_outputs(4, 0.5, k, v, ROLE, q)[degree]

    assert meet(by_features, by_kernel, KEYS, VALUES, QUERIES).holds
    wrong = evaluate_trace(lambda k, v, q: taylor_outputs(4, 0.5, k, v, ROLE, q)[degree + 1], KEYS, VALUES, QUERIES)
    assert not compare(run_compiled(by_features, KEYS, VALUES, QUERIES), wrong).holds


@pytest.mark.parametrize(("width", "degree"), [(1, 4), (3, 2), (4, 5)])
def test_the_dimension_counts_monomials(width, degree):
    powers = range(degree + 1)
    assert taylor_dimension(width, degree) == sum(
        sum(exponents) <= degree for exponents in itertools.product(powers, repeat=width)
    )


def test_softmax_does_not_see_that_keys_are_centred():
    counted = jnp.array([1.0, 1, 1, 0, 1, 1])

    def moved(q, k, v):
        return softmax_attention(q, centre_keys(k, counted), v)

    assert meet(moved, softmax_attention, QUERIES, KEYS, VALUES).holds
    mean = evaluate_trace(lambda k: counted @ centre_keys(k, counted), KEYS)
    assert (np.abs(mean.value) <= mean.error).all()


def test_features_meet_softmax_in_the_end():
    """Taylor features of high degree are softmax on the same tokens up to the remainder of the series."""
    role = ROLE.context + ROLE.demonstrations
    weights = np.exp(np.asarray(QUERIES @ KEYS.T) / 2) * np.asarray(role)
    exact = (weights @ np.asarray(VALUES)) / weights.sum(axis=1, keepdims=True)
    errors = np.linalg.norm(np.asarray(taylor_outputs(24, 0.5, KEYS, VALUES, ROLE, QUERIES)) - exact, axis=2)
    largest = float(np.abs(QUERIES @ KEYS.T).max()) / 2
    remainder = largest**25 / float(np.prod(np.arange(1.0, 26))) * np.exp(largest)
    spread = 2 * np.abs(VALUES).max() * 6 / weights.sum(axis=1)
    assert (errors[-1] <= spread * (remainder + 64 * np.finfo(np.float64).eps * np.exp(largest))).all()
    assert errors[0].min() > errors[8].max()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_attention_on_features_is_the_finite_dual(share):
    """At the last token, for every head, after one explicit step on the demonstrations."""
    shapes = (4, 8, 4), (2, 8, 4), (2, 8, 4)
    seen = [jax.random.normal(jax.random.key(i), shape) for i, shape in enumerate(shapes)]
    phi = PositiveRandomFeatures.draw(jax.random.key(1), 16, 4, orthogonal=True, dtype=jnp.float64)
    told = jnp.arange(8) < 5
    role = TokenRoles((~told).astype(jnp.float64), told.astype(jnp.float64))
    attention = feature_attention([phi, phi], counted=told, share=share)

    def attended(q, k, v):
        return attention(0, TINY, Heads(q, k, v))[:, -1]

    def predicted(q, k, v):
        mean = share * jnp.mean(k[:, :5], axis=1, keepdims=True)
        points = q[:, -1].reshape(2, 2, 4)
        one = partial(finite_outputs, phi, 0.5)
        return jax.vmap(lambda k, v, p: one(k, v, role, p))(k - mean, v, points).reshape(4, 4)

    assert meet(attended, predicted, *seen).holds


def test_a_chain_on_features_is_near_the_decoder_where_they_are_many():
    """Not a bound: with more features the logits come nearer, and without them they are others."""
    params = decoder(TINY)
    exact = apply(params, TINY, TOKENS)

    def distance(features):
        maps = [
            PositiveRandomFeatures.draw(key, features, 4, orthogonal=True, dtype=jnp.float64)
            for key in jax.random.split(jax.random.key(2), 2)
        ]
        return float(jnp.linalg.norm(apply_with(feature_attention(maps), params, TINY, TOKENS) - exact))

    assert distance(2**14) < distance(4) / 2
