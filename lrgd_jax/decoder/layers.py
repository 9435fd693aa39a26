"""One pre-norm layer: a norm, attention with grouped heads, a feed-forward block, residual sums; by default Llama's.

Intermediate tensors are marked by `jax.ad_checkpoint.checkpoint_name`, as cut points for
`lrgd_jax.certify.adjoint_bound`: "residual", "normed", "heads" (queries, keys, values), "attended" and "hidden" (of the
feed-forward block). The marks compute nothing.
"""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.attention.linear import linear_attention
from lrgd_jax.attention.multi_head import HeadWeights, project
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.decoder.blocks import (
    affine,
    at_least_float32,
    feed_forward,
    layer_norm,
    normalised,
    post_norm,
    rms_norm,
    soft_cap,
    swiglu,
)
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.rates import weighted_attention
from lrgd_jax.decoder.weights import FeedForwardWeights, LayerWeights, NormedHeads, TwoMatrices
from lrgd_jax.decoder.worth import Worth
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import rotary_frequencies, rotate, visible

__all__ = [
    "FeedForwardWeights",
    "LayerWeights",
    "NormedHeads",
    "TwoMatrices",
    "affine",
    "at_least_float32",
    "attend",
    "attention_block",
    "feed_forward",
    "feed_forward_sum",
    "layer",
    "layer_norm",
    "normalised",
    "post_norm",
    "project_heads",
    "read_out",
    "rms_norm",
    "rotary",
    "soft_cap",
    "swiglu",
]


def rotary(x: Float[Array, "h n d"], config: DecoderConfig, positions: Int[Array, " n"]) -> Float[Array, "h n d"]:
    """Rotates every head's rows to their positions, with angles in float32 or wider."""
    width = config.head_width if config.rotary_width is None else config.rotary_width
    frequencies = rotary_frequencies(width, config.rope_theta, config.rope_scaling) / config.rope_factor
    wide = at_least_float32(x[..., :width])
    turned = jax.vmap(lambda rows: rotate(rows, positions, frequencies, config.rope_layout))(wide).astype(x.dtype)
    return turned if width == config.head_width else jnp.concatenate([turned, x[..., width:]], axis=-1)


def project_heads(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], positions: Int[Array, " n"]
) -> tuple[Float[Array, "h n d"], Float[Array, "g n d"], Float[Array, "g n dv"]]:
    """Queries, keys and values of normed tokens, rotated to their positions where attention is softmax."""
    queries = project(heads.query, heads.query_bias, x)
    keys = project(heads.key, heads.key_bias, x)
    values = project(heads.value, heads.value_bias, x)
    if isinstance(heads, NormedHeads):
        queries = _head_norm(heads.query_norm, config, queries)
        keys = _head_norm(heads.key_norm, config, keys)
    if config.attention == "softmax" and config.positions == "rotary":
        queries, keys = rotary(queries, config, positions), rotary(keys, config, positions)
    return checkpoint_name(queries, "heads"), checkpoint_name(keys, "heads"), checkpoint_name(values, "heads")


def _head_norm(gain: Float[Array, " d"] | None, config: DecoderConfig, x: Float[Array, "h n d"]):
    if gain is None:
        raise ValueError("NormedHeads: query_norm and key_norm must be given")
    return jax.vmap(lambda rows: rms_norm(gain, rows, config.norm_epsilon))(x)


def attend(
    config: DecoderConfig,
    queries: Float[Array, "h t d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    mask: Bool[Array, "t n"],
    worth: Worth | None = None,
) -> Float[Array, "h t dv"]:
    """Every head's output; query head j reads key-value head j // (h / g).

    Args:
        config: of one layer.
        queries: of every query head.
        keys: of every key-value head.
        values: likewise.
        mask: which keys each query sees.
        worth: rates or gates of the demonstrations in this layer, alike in all heads or one row a query head.

    Source: Ainslie et al. 2023, arXiv 2305.13245.
    """
    groups = keys.shape[0]

    def one_head(q: Float[Array, "t d"], gates: tuple, k: Float[Array, "n d"], v: Float[Array, "n dv"]):
        if worth is not None:
            rates, contributions = gates
            of_head = replace(worth, rates=rates, contributions=contributions)
            return weighted_attention(config, q, k, v, mask, of_head)
        if config.attention == "linear":
            return linear_attention(q, k, v, feature_map=elu_plus_one, mask=mask, normalised=True)
        if config.attention_soft_cap is not None:
            return _soft_capped(config, q, k, v, mask)
        return softmax_attention(q, k, v, scale=config.attention_scale, mask=mask)

    gates = (None, None) if worth is None else worth.by_head(groups, queries.shape[0])
    rows = tuple(None if x is None or x.ndim == 1 else 0 for x in gates)
    one_group = jax.vmap(one_head, in_axes=(0, rows, None, None))
    grouped = queries.reshape(groups, queries.shape[0] // groups, *queries.shape[1:])
    outputs = jax.vmap(one_group, in_axes=(0, rows, 0, 0))(grouped, gates, keys, values)
    return checkpoint_name(outputs.reshape(queries.shape[0], *outputs.shape[2:]), "attended")


def _soft_capped(
    config: DecoderConfig,
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    mask: Bool[Array, "t n"],
) -> Float[Array, "t dv"]:
    s = 1 / math.sqrt(keys.shape[1]) if config.attention_scale is None else config.attention_scale
    logits = soft_cap(config.attention_soft_cap, (queries @ keys.T) * jnp.asarray(s, queries.dtype))
    # the mask comes after the cap, which would bring it back into range
    logits = jnp.where(mask, logits, jnp.asarray(float(jnp.finfo(logits.dtype).min) / 2, logits.dtype))
    weights = jnp.exp(logits - jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True)))
    return (weights @ values) / jnp.sum(weights, axis=1, keepdims=True)


def read_out(heads: HeadWeights, outputs: Float[Array, "h t dv"]) -> Float[Array, "t m"]:
    r"""$\sum_h W_O^{h\top} o^h + b_O$."""
    mixed = jnp.einsum("htd,hdm->tm", outputs, heads.output)
    return mixed if heads.output_bias is None else mixed + heads.output_bias[None, :]


def attention_block(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], worth: Worth | None = None
) -> Float[Array, "n m"]:
    """Causal attention among normed tokens at positions 0, 1, …"""
    config.check_one_layer()
    n = x.shape[0]
    qkv = project_heads(heads, config, x, jnp.arange(n))
    return read_out(heads, attend(config, *qkv, visible(n, n, causal=True, window=config.window), worth))


def layer(
    weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"], worth: Worth | None = None
) -> Float[Array, "n m"]:
    r"""$x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x))$, then $x \leftarrow x + \mathrm{FFN}(\mathrm{Norm}(x))$.

    In a parallel layer both read x: $x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}_1(x)) +
    \mathrm{FFN}(\mathrm{Norm}_2(x))$. With post-norms, what is added is normed first.

    Source: Touvron et al. 2023, arXiv 2302.13971, section 2.2; parallel: Black et al. 2022, arXiv 2204.06745,
    section 2.1; post-norms: Gemma Team 2024, arXiv 2408.00118, section 2.
    """
    normed = normalised(config, weights.attention_norm, weights.attention_norm_bias, x)
    attended = post_norm(config, weights.attention_post_norm, attention_block(weights.heads, config, normed, worth))
    return feed_forward_sum(weights, config, x, attended)


def feed_forward_sum(
    weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"], attended: Float[Array, "n m"]
) -> Float[Array, "n m"]:
    """The residual stream after a layer, from that before it and what attention adds."""
    after = checkpoint_name(x + attended, "residual")
    read = x if config.parallel_residual else after
    normed = normalised(config, weights.feed_forward_norm, weights.feed_forward_norm_bias, read)
    added = post_norm(config, weights.feed_forward_post_norm, feed_forward(config, weights.feed_forward, normed))
    return checkpoint_name(after + added, "residual")
