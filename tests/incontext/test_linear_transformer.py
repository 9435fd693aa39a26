"""The stack of linear self-attention: residual stream, who is attended to, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.incontext import Projections, apply, descent_stack, init, layer, predict, prompt


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return prompt(*(jnp.asarray(rng.standard_normal(shape)) for shape in ((5, 3), (5, 2), (3,))))


@pytest.fixture
def params():
    return init(jax.random.key(0), 5, layers=2, heads=2, scale=1.0, dtype=jnp.float64)


def test_a_prompt_ends_with_a_query_that_has_no_target(tokens):
    assert tokens.shape == (6, 5)
    assert np.array_equal(tokens[-1, 3:], np.zeros(2))
    carried = prompt(tokens[:-1, :3], tokens[:-1, 3:], tokens[-1, :3], jnp.ones(2))
    assert np.array_equal(carried[-1, 3:], np.ones(2))


def test_a_layer_is_its_formula(tokens, params):
    def by_the_layer(tokens, weights):
        return layer(weights, tokens)

    def by_the_formula(tokens, weights):
        added = jnp.zeros_like(tokens)
        for q, k, v, p in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
            scores = (tokens @ q) @ (tokens[:-1] @ k).T
            added = added + scores @ (tokens[:-1] @ v) @ p
        return tokens + added

    comparison = meet(by_the_layer, by_the_formula, tokens, params[0])
    assert comparison.holds, comparison


def test_nobody_attends_to_the_query(tokens, params):
    moved = tokens.at[-1].add(1.0)
    assert np.array_equal(apply(params, moved)[:-1], apply(params, tokens)[:-1])
    assert not np.array_equal(layer(params[0], moved, context=6)[:-1], layer(params[0], tokens, context=6)[:-1])


def test_two_queries_do_not_see_each_other(tokens, params):
    both = jnp.concatenate([tokens, tokens[-1:] + 1])
    comparison = meet(
        lambda tokens: apply(params, tokens, context=5)[-2], lambda tokens: apply(params, tokens[:-1])[-1], both
    )
    assert comparison.holds, comparison


def test_a_looped_stack_repeats_its_layers(tokens, params):
    assert np.array_equal(apply(params, tokens, loops=2), apply(params * 2, tokens))


def test_no_demonstrations_predict_zero():
    stack = descent_stack([1.0], 3, 1, dtype=jnp.float64)
    assert np.array_equal(predict(stack, jnp.ones((1, 4)).at[0, 3].set(0.0)), np.zeros(1))


def test_weights_come_from_the_key_in_the_asked_dtype():
    one, same, other = (init(jax.random.key(k), 4, layers=2) for k in (0, 0, 1))
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(one))
    assert all(isinstance(weights, Projections) and weights.query.shape == (1, 4, 4) for weights in one)
    assert all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(same), strict=True))
    assert not np.array_equal(one[0].query, other[0].query)
    assert not np.array_equal(one[0].query, one[1].query)


def test_bad_input_is_named(tokens, params):
    with pytest.raises(ValueError, match="sizes must be at least 1"):
        init(jax.random.key(0), 4, layers=0)
    with pytest.raises(ValueError, match="context must be 0 to 6"):
        layer(params[0], tokens, context=7)
