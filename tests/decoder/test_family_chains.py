"""Layers of every family, on one tiny config each: links of the chain, generation, what they are refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.tiny_checkpoints import TINY_CONFIGS

from lrgd_jax.decoder import (
    apply,
    dual_chain,
    dual_layer,
    embed,
    empty_cache,
    generate,
    layer,
    read_tokens,
    split_tokens,
)
from lrgd_jax.decoder.attention import attend_causally, attention_block, project_heads
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.families import FAMILIES
from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.decoder.soft_capped_dual import SoftCappedKernel
from lrgd_jax.kernels import gram

from .helpers import TINY, TOKENS, agree, decoder

CONFIGS = {family.name: family.decoder_config(TINY_CONFIGS[family.name]) for family in FAMILIES}
SEGMENTS = split_tokens(len(TOKENS), [(0, 2), (2, 5)])
NEW = {name: config for name, config in CONFIGS.items() if name != "llama"}  # which test_chain_of_duals has


@pytest.mark.parametrize("name", NEW)
def test_a_layer_is_a_link_of_the_chain(name):
    config = CONFIGS[name]
    params = decoder(config)
    # with a window in one layer of two, both kinds
    for i in range(config.layers if config.of_layer(0) != config.of_layer(1) else 1):
        weights, of_layer = params.layers[i], config.of_layer(i)
        agree(
            lambda x, w=weights, c=of_layer: layer(w, c, x),
            lambda x, w=weights, c=of_layer: dual_layer(w, c, x, SEGMENTS),
            embed(params, TOKENS),
        )


@pytest.mark.parametrize("name", NEW)
def test_the_chain_gives_the_logits_and_generation_the_same_tokens(name):
    """In float64 the two ways differ in the last digits only, so the order of logits far apart is the same."""
    config = NEW[name]
    config = config if config.of_layer(0) != config.of_layer(1) else replace(config, layers=1)
    params = decoder(config)
    told = generate(params, config, TOKENS[:8], 2)
    whole = jnp.concatenate([TOKENS, told[:1]])
    segments = jnp.concatenate([SEGMENTS, SEGMENTS[-1:]])
    both = jax.jit(lambda p: (apply(p, config, whole), dual_chain(p, config, whole, segments)))
    ordinary, chain = both(params)
    assert np.isfinite(chain).all()
    assert (jnp.argsort(ordinary, axis=1) == jnp.argsort(chain, axis=1)).all()
    assert jnp.argmax(chain, axis=1)[7:].tolist() == told.tolist()


@pytest.mark.parametrize("name", ["gemma3", "gpt2", "gpt_oss", "granite", "olmo2"])
def test_reading_in_pieces_is_reading_at_once(name):
    config = CONFIGS[name]
    config = replace(config, layers=1, local_layers=(True,) if config.local_layers else None)

    def in_pieces(params):
        cache = empty_cache(config, 10, jnp.float64)
        for piece in (TOKENS[:5], TOKENS[5:]):
            logits, cache = read_tokens(params, config, cache, piece)
        return logits

    agree(in_pieces, lambda p: apply(p, config, TOKENS)[-1], decoder(config))


def test_soft_caps_keep_logits_within_the_cap():
    logits = jnp.array([[-99.0, 0.0, 99.0]])
    assert soft_cap(3.0, logits).tolist() == [[-3, 0, 3]]
    assert soft_cap(None, logits) is logits


def test_a_sink_is_an_entry_of_value_zero():
    """A sink of minus infinity is none, and one of the logarithm of n beside n equal logits halves every output."""
    config = replace(TINY, attention_sinks=True, attention_scale=0.5, positions="none", layers=1)
    heads = decoder(config).layers[0].heads
    heads = heads.replace(query=jnp.zeros_like(heads.query), query_bias=jnp.zeros_like(heads.query_bias))
    x = jax.random.normal(jax.random.key(5), (4, TINY.width))

    def outputs(sink):
        projected = project_heads(heads.replace(sinks=jnp.full(TINY.heads, sink)), config, x, jnp.arange(4))
        return attend_causally(config, projected)[:, -1]

    agree(lambda _: outputs(jnp.log(4.0)) * 2, lambda _: outputs(-jnp.asarray(1e6)), x)


@pytest.mark.parametrize("cap", [0.25, 1.0, 64.0])
def test_the_capped_kernel_is_symmetric_but_not_positive_semidefinite(cap):
    points = cap**0.5 * jnp.array([[1.0], [2.0]])
    matrix = gram(SoftCappedKernel(1.0, soft_cap=cap), points, points)
    assert (matrix == matrix.T).all()
    # tanh 1 + tanh 4 < 2 tanh 2
    assert matrix[0, 0] * matrix[1, 1] < matrix[0, 1] ** 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 0}, "window must be a positive whole number"),
        ({"local_layers": (True, False)}, "local_layers says for each of the 2 layers"),
        ({"window": 3, "local_layers": (True,)}, "got 1 of them and window=3"),
        ({"experts": 0}, "experts must be a positive whole number"),
        ({"experts": 2, "experts_per_token": 3}, "a token passes 3 of 2 experts"),
        ({"experts": 2, "gated": False}, "gated=False"),
        ({"rotated_layers": (True,)}, "rotated_layers says for each of the 2 layers .* got 1 of them"),
        ({"positions": "learned", "rotated_layers": (True, False)}, "and positions='learned'"),
        ({"residual_multiplier": 0.0}, "residual_multiplier must be a positive number"),
        ({"logit_divisor": float("inf")}, "logit_divisor must be a positive number"),
        ({"query_key_norm_over": "token"}, "query_key_norm_over must be one of"),
        ({"attention_sinks": True}, "attention_scale is given .* got attention_scale=None"),
        (
            {"attention_sinks": True, "attention_scale": 0.5, "attention_soft_cap": 2.0},
            r"no soft cap; got attention_scale=0\.5, attention_soft_cap=2\.0",
        ),
        ({"rotary_width": 3}, "rotary_width .* must be even"),
        ({"rotary_width": 6}, "rotary_width .* got 6"),
        ({"attention_soft_cap": -1.0}, "attention_soft_cap must be a positive number"),
        ({"norm": "batch"}, "norm must be one of"),
        ({"activation": "tanh"}, "activation must be one of"),
        ({"attention": "linear", "window": 3}, "linear attention has no window"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


@pytest.mark.parametrize("one", [layer, lambda w, c, x: dual_layer(w, c, x, SEGMENTS)], ids=["layer", "link"])
def test_a_layer_of_a_decoder_whose_layers_differ_needs_its_own_config(one):
    for name in ("gemma2", "smollm3"):
        params = decoder(CONFIGS[name])
        with pytest.raises(ValueError, match=r"give one layer its own config, config\.of_layer"):
            one(params.layers[0], CONFIGS[name], embed(params, TOKENS))


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss"])
def test_rates_of_one_change_nothing_under_a_soft_cap_or_beside_sinks(name):
    config, params = CONFIGS[name].of_layer(0), decoder(CONFIGS[name])
    heads, x = params.layers[0].heads, embed(params, TOKENS)
    gates = DemonstrationGates(SEGMENTS, rates=jnp.ones(2), contributions=jnp.ones(2))
    agree(lambda x: attention_block(heads, config, x), lambda x: attention_block(heads, config, x, gates), x)
