"""What is captured is what the forward pass computes, and its gradients are those of the weights around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from decoder.helpers import TINY, TOKENS, agree, agree_deep, decoder
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.decoder import apply
from lrgd_jax.decoder.capture import capture, output_gradients
from lrgd_jax.decoder.forward import apply_with
from lrgd_jax.positions import visible

SEGMENTS = jnp.array([0, 0, 0, 1, 1, 2, 2, 2])


@pytest.fixture(scope="module")
def params():
    return decoder(TINY)


def test_the_logits_are_those_of_the_decoder(params):
    agree_deep(lambda p: capture(p, TINY, TOKENS).logits, lambda p: apply(p, TINY, TOKENS), params)


def test_with_rates_they_are_those_of_the_decoder_with_rates(params):
    rates = {"rates": jnp.array([0.0, 0.5]), "segments": SEGMENTS}
    agree_deep(lambda p: capture(p, TINY, TOKENS, **rates).logits, lambda p: apply(p, TINY, TOKENS, **rates), params)


def test_outputs_are_attention_of_the_captured_queries_keys_and_values(params):
    found = capture(params, TINY, TOKENS)
    assert found.queries.shape == (2, 4, 8, 4)
    assert found.keys.shape == found.values.shape == (2, 2, 8, 4)
    mask = visible(8, 8, causal=True)
    attention = jax.vmap(jax.vmap(lambda q, k, v: softmax_attention(q, k, v, mask=mask)))
    shared = (jnp.repeat(x, 2, axis=1) for x in (found.keys, found.values))
    agree(attention, lambda *_: found.outputs, found.queries, *shared)


def loss(logits):
    return jnp.mean(jax.nn.logsumexp(logits, axis=1)) - logits[-1, 3]


def test_the_gradients_add_up_to_that_of_the_output_bias(params):
    """A bias on what attention adds moves every token alike, and a head's output reaches it through W_O."""

    def by_heads(p):
        _, gradients = output_gradients(loss, p, TINY, TOKENS)
        return jnp.sum(gradients, axis=2)

    def by_bias(p):
        gradient = jax.grad(lambda p: loss(apply(p, TINY, TOKENS)))(p)
        biases = jnp.stack([weights.heads.output_bias for weights in gradient.layers])
        outputs = jnp.stack([weights.heads.output for weights in p.layers])
        return jnp.einsum("lm,lhdm->lhd", biases, outputs)

    agree_deep(by_heads, by_bias, params)


def test_a_nudge_moves_what_comes_after_it_and_nothing_before(params):
    plain = capture(params, TINY, TOKENS)
    nudged = capture(params, TINY, TOKENS, nudges=jnp.zeros(plain.outputs.shape).at[0, 1, 5, 0].set(1.0))
    assert np.array_equal(nudged.logits[:5], plain.logits[:5])
    assert np.array_equal(nudged.queries[0], plain.queries[0])
    assert not np.array_equal(nudged.queries[1, :, 5], plain.queries[1, :, 5])
    assert not np.array_equal(nudged.logits[5:], plain.logits[5:])


def test_attention_may_be_replaced(params):
    """Heads that return nothing leave the tokens to themselves."""

    def alone(p, tokens):
        return apply_with(lambda i, own, heads: jnp.zeros_like(heads.queries), p, TINY, tokens)

    agree_deep(lambda p: alone(p, TOKENS)[3], lambda p: alone(p, TOKENS[3:4])[0], params)


def test_an_empty_prompt_is_refused(params):
    with pytest.raises(ValueError, match="prompt is empty"):
        capture(params, TINY, TOKENS[:0])
    with pytest.raises(ValueError, match="segment of each token"):
        capture(params, TINY, TOKENS, rates=jnp.ones(2))
