from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.decoder import apply, dual_attention, dual_chain, dual_layer, layer, split_tokens
from lrgd_jax.decoder.attention import attend_causally, attention_block, project_heads
from lrgd_jax.positions import Llama3Scaling

from .helpers import TINY, TOKENS, agree, agree_deep, decoder, within

N = len(TOKENS)
STRETCH = Llama3Scaling(factor=8.0, original_max_position_embeddings=32)
CONFIGS = {
    "grouped": TINY,
    "multi-query": replace(TINY, kv_heads=1),
    "every head its own": replace(TINY, kv_heads=4, attention_bias=False, mlp_bias=False, tied_head=True),
    "interleaved and stretched": replace(TINY, rope_layout="interleaved", rope_theta=500.0, rope_scaling=STRETCH),
    "linear": replace(TINY, attention="linear"),
    "linear multi-query": replace(TINY, attention="linear", kv_heads=1),
}
SPLITS = {
    "no demonstration": split_tokens(N, []),
    "two": split_tokens(N, [(0, 2), (2, 5)]),
    "each token one": split_tokens(N, [(i, i + 1) for i in range(N - 1)]),
}
HEADS = decoder(TINY).layers[0].heads
X = jax.random.normal(jax.random.key(5), (N, TINY.width))
FORWARD = {
    "attention": ("softmax_attention", "linear_attention", "attention_block", "attend", "attend_causally", "head_norm"),
    "feed_forward": ("swiglu", "feed_forward", "expert_shares"),
    "forward": ("attend_causally", "layer_around", "run_layers", "normalise"),
    "norms": ("head_norm", "rms_norm", "layer_norm", "normalise"),
    "transformer_layer": ("attend_causally", "feed_forward", "layer", "layer_around", "normalise"),
}
"""What the ordinary forward pass is made of."""


@pytest.mark.parametrize("config", [CONFIGS["grouped"], CONFIGS["linear"]], ids=["softmax", "linear"])
@pytest.mark.parametrize("segments", SPLITS.values(), ids=SPLITS)
def test_attention_is_one_step_on_the_demonstrations(config, segments):
    heads = decoder(config).layers[0].heads
    agree(lambda x: attention_block(heads, config, x), lambda x: dual_attention(heads, config, x, segments), X)


def test_positions_beyond_256_are_told_apart_in_bfloat16():
    """Bounds of a program in bfloat16 say nothing of an exponential; but both sides project and rotate alike, and round
    each head's outputs once."""
    n, segments = 300, split_tokens(300, [(0, 280)])
    x, heads = jax.tree.map(lambda x: x.astype(jnp.bfloat16), (jax.random.normal(jax.random.key(5), (n, 8)), HEADS))
    ours = jax.jit(lambda x: dual_attention(heads, TINY, x, segments))(x)
    theirs = jax.jit(lambda x: attention_block(heads, TINY, x))(x)
    outputs = attend_causally(TINY, project_heads(heads, TINY, x, jnp.arange(n)))
    sizes = jnp.einsum("htd,hdm->tm", *(jnp.abs(x).astype(float) for x in (outputs, heads.output)))
    assert ours.dtype == theirs.dtype == jnp.bfloat16
    within(ours, theirs, (TINY.heads * TINY.head_width + 4) * float(jnp.finfo(jnp.bfloat16).eps) * (sizes + 1))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_layer_is_a_link_of_the_chain(config):
    weights, segments = decoder(config).layers[0], SPLITS["two"]
    agree(lambda x: layer(weights, config, x), lambda x: dual_layer(weights, config, x, segments), X)


@pytest.mark.parametrize(
    ("attention", "dtype"), [("softmax", jnp.float32), ("softmax", jnp.float64), ("linear", jnp.float64)]
)
def test_the_chain_gives_the_logits(attention, dtype):
    config = replace(TINY, attention=attention)
    params = decoder(config, dtype=dtype)

    def chain(p):
        return dual_chain(p, config, TOKENS, SPLITS["two"])

    agree_deep(lambda p: apply(p, config, TOKENS), chain, params)


def test_large_logits_do_not_overflow():
    weights = decoder(TINY, dtype=jnp.float32).layers[0]
    heads = weights.heads.replace(query=weights.heads.query * 100, key=weights.heads.key * 100)
    x = X.astype(jnp.float32)
    assert jnp.isfinite(jax.jit(lambda x: dual_attention(heads, TINY, x, SPLITS["two"]))(x)).all()


def test_the_chain_calls_no_attention(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the chain called the side that it is compared with")

    for module, names in FORWARD.items():
        for name in names:
            monkeypatch.setattr(f"lrgd_jax.decoder.{module}.{name}", refuse)
    for form in ("SoftmaxAttention", "LinearAttention"):
        monkeypatch.setattr(f"lrgd_jax.attention.forms.{form}.__call__", refuse)
    for attention in ("softmax", "linear"):
        config = replace(TINY, attention=attention)
        chain = jax.jit(dual_chain, static_argnums=1)
        assert jnp.isfinite(chain(decoder(config), config, TOKENS, SPLITS["two"])).all()


def test_one_segment_a_token_is_needed():
    with pytest.raises(ValueError, match="one whole segment number for each of the 8 tokens"):
        dual_chain(decoder(TINY), TINY, TOKENS, SPLITS["two"][:3])
