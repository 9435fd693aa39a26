import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import FeedForwardWeights, apply, embed, head, hidden_states, init

from .helpers import TINY, TOKENS, agree_deep, decoder

PLAIN = replace(TINY, attention_bias=False, mlp_bias=False, tied_head=True)


@pytest.mark.parametrize("config", [TINY, PLAIN])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64, jnp.bfloat16])
def test_init_is_what_the_config_says(config, dtype):
    params = init(jax.random.key(0), config, dtype)
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype(dtype)}
    assert len(params.layers) == config.layers
    assert (params.head is None) == config.tied_head
    assert (params.layers[0].heads.key_bias is None) == (not config.attention_bias)
    block = params.layers[0].feed_forward
    assert isinstance(block, FeedForwardWeights)
    assert (block.up_bias is None) == (not config.mlp_bias)
    logits = jax.jit(apply, static_argnums=1)(params, config, TOKENS)
    assert logits.shape == (len(TOKENS), config.vocab_size)
    assert logits.dtype == dtype
    assert jnp.isfinite(logits).all()


@pytest.mark.parametrize("attention", ["softmax", "linear"])
def test_logits_of_a_prefix_are_a_prefix_of_the_logits(attention):
    config = replace(TINY, attention=attention)
    params = decoder(config)
    agree_deep(lambda p: apply(p, config, TOKENS)[:3], lambda p: apply(p, config, TOKENS[:3]), params)


def test_the_head_reads_the_hidden_states():
    params = decoder(PLAIN)
    logits = head(params, hidden_states(params, PLAIN, TOKENS))
    assert (logits == apply(params, PLAIN, TOKENS)).all()


def test_vmap_gives_the_batch():
    params = decoder(PLAIN)
    batch = jnp.stack([TOKENS, TOKENS[::-1]])

    def all_at_once(p):
        return jax.vmap(lambda tokens: apply(p, PLAIN, tokens))(batch)

    agree_deep(all_at_once, lambda p: jnp.stack([apply(p, PLAIN, tokens) for tokens in batch]), params)


def test_every_weight_has_a_finite_gradient():
    def loss(params):
        return -jnp.mean(jax.nn.log_softmax(apply(params, TINY, TOKENS[:-1]))[jnp.arange(len(TOKENS) - 1), TOKENS[1:]])

    gradients = jax.jit(jax.grad(loss))(decoder(TINY))
    assert all(jnp.isfinite(x).all() for x in jax.tree.leaves(gradients))
    assert all(x.any() for x in jax.tree.leaves(gradients))


def test_cut_points_are_marked():
    jaxpr = str(jax.make_jaxpr(lambda p: apply(p, TINY, TOKENS))(decoder(TINY)))
    per_layer = {"residual": 2, "normed": 2, "heads": 3, "attended": 1, "hidden": 2}
    outside = {"residual": 1, "normed": 1}
    for name, count in per_layer.items():
        assert len(re.findall(f"name={name}", jaxpr)) == count * TINY.layers + outside.get(name, 0)


def test_a_token_outside_the_vocabulary_becomes_nan():
    rows = embed(decoder(TINY), jnp.array([-1, 0, TINY.vocab_size]))
    assert jnp.isnan(rows).all(axis=1).tolist() == [True, False, True]


def test_wrong_lengths_are_refused():
    params = decoder(PLAIN)
    with pytest.raises(ValueError, match="the prompt is empty"):
        apply(params, PLAIN, TOKENS[:0])
    with pytest.raises(ValueError, match="17 tokens are too many: the model's context holds 16"):
        apply(params, PLAIN, jnp.zeros(17, int))
