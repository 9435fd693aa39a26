"""Attention in a layer: heads projected and rotated to their positions, every head's output, and its read-out.

Queries, keys and values are marked "heads", outputs "attended" by `jax.ad_checkpoint.checkpoint_name`, as cut points
for `lrgd_jax.certify.adjoint_bound`; the marks compute nothing.
"""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.attention.linear import linear_attention
from lrgd_jax.attention.multi_head import HeadWeights, project
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.layer_weights import HeadsWithSinks, NormedHeads
from lrgd_jax.decoder.norms import head_norm
from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.decoder.weighted_attention import weighted_attention
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import rotary_frequencies, rotate, visible
from lrgd_jax.precision import at_least_float32

__all__ = [
    "Heads",
    "append_null_key",
    "attend",
    "attend_causally",
    "attention_block",
    "is_long",
    "project_heads",
    "read_out",
    "rotary",
    "visible_ages",
]


QUERIES_A_TILE = 256
"""Of a long prompt, as many queries are read at a time."""


class Heads(NamedTuple):
    """What the heads of a layer compute with; query head j reads key-value head j // (h / g).

    Heads with sinks are one coordinate wider: there a query has its head's logit, by the scale, and a key zero.

    Attributes:
        queries: at their positions, shape [h, t, d].
        keys: likewise, shape [g, n, d].
        values: shape [g, n, dv].
    """

    queries: Float[Array, "h t d"]
    keys: Float[Array, "g n d"]
    values: Float[Array, "g n dv"]


def rotary(x: Float[Array, "h n d"], config: DecoderConfig, positions: Int[Array, " n"]) -> Float[Array, "h n d"]:
    """Rotates every head's rows to their positions, with angles in float32 or wider, and multiplies by the gain."""
    width = config.head_width if config.rotary_width is None else config.rotary_width
    frequencies = rotary_frequencies(width, config.rope_theta, config.rope_scaling) / config.rope_factor
    wide = at_least_float32(x[..., :width])
    turned = jax.vmap(lambda rows: rotate(rows, positions, frequencies, config.rope_layout))(wide)
    if config.rope_gain != 1:
        turned = turned * jnp.asarray(config.rope_gain, turned.dtype)
    turned = turned.astype(x.dtype)
    return turned if width == config.head_width else jnp.concatenate([turned, x[..., width:]], axis=-1)


def project_heads(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], positions: Int[Array, " n"]
) -> Heads:
    """Queries, keys and values of normed tokens, rotated to their positions where attention is softmax."""
    queries = project(heads.query, heads.query_bias, x)
    keys = project(heads.key, heads.key_bias, x)
    values = project(heads.value, heads.value_bias, x)
    if isinstance(heads, NormedHeads):
        if heads.query_norm is None or heads.key_norm is None:
            raise ValueError("NormedHeads: query_norm and key_norm must be given")
        queries, keys = head_norm(config, heads.query_norm, queries), head_norm(config, heads.key_norm, keys)
    if config.attention == "softmax" and config.positions == "rotary":
        queries, keys = rotary(queries, config, positions), rotary(keys, config, positions)
    if isinstance(heads, HeadsWithSinks) and heads.sinks is not None:
        queries, keys = _beside_sinks(heads.sinks / jnp.asarray(config.logit_scale(0), x.dtype), queries, keys)
    return Heads(*(checkpoint_name(x, "heads") for x in (queries, keys, values)))


def _beside_sinks(
    sinks: Float[Array, " h"], queries: Float[Array, "h n d"], keys: Float[Array, "g n d"]
) -> tuple[Float[Array, "h n d_1"], Float[Array, "g n d_1"]]:
    """Queries and keys with one coordinate more, in which a query meets the null key of its head's sink alone."""
    logits = jnp.broadcast_to(sinks[:, None, None], (*queries.shape[:2], 1))
    return jnp.concatenate([queries, logits], axis=2), jnp.pad(keys, ((0, 0), (0, 0), (0, 1)))


def append_null_key(
    keys: Float[Array, "*g n d"], values: Float[Array, "*g n dv"], mask: Bool[Array, "t n"]
) -> tuple[Float[Array, "*g n_1 d"], Float[Array, "*g n_1 dv"], Bool[Array, "t n_1"]]:
    """Keys, values and mask with the key that stands for a sink: seen by every query, of value zero."""
    last = jnp.zeros((*keys.shape[:-2], 1, keys.shape[-1]), keys.dtype).at[..., -1].set(1)
    seen = jnp.pad(mask, ((0, 0), (0, 1)), constant_values=True)
    none = jnp.zeros((*values.shape[:-2], 1, values.shape[-1]), values.dtype)
    return jnp.concatenate([keys, last], axis=-2), jnp.concatenate([values, none], axis=-2), seen


def attend(
    config: DecoderConfig,
    queries: Float[Array, "h t d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    mask: Bool[Array, "t n"],
    gates: DemonstrationGates | None = None,
) -> Float[Array, "h t dv"]:
    """Every head's output; query head j reads key-value head j // (h / g).

    Args:
        config: of one layer.
        queries: of every query head.
        keys: of every key-value head.
        values: likewise.
        mask: which keys each query sees.
        gates: of the demonstrations in this layer, alike in all heads or one row a query head.

    Source: Ainslie et al. 2023, arXiv 2305.13245; sinks: OpenAI 2025, arXiv 2508.10925, section 2.3.
    """
    groups = keys.shape[0]
    if config.attention_sinks:
        keys, values, mask = append_null_key(keys, values, mask)
        gates = None if gates is None else gates.with_own_token(queries.shape[1])

    def one_head(q: Float[Array, "t d"], row: tuple, k: Float[Array, "n d"], v: Float[Array, "n dv"]):
        if gates is not None:
            rates, contributions = row
            of_head = replace(gates, rates=rates, contributions=contributions)
            return weighted_attention(config, q, k, v, mask, of_head)
        if config.attention == "linear":
            return linear_attention(q, k, v, feature_map=elu_plus_one, mask=mask, normalised=True)
        if config.attention_soft_cap is not None:
            return _soft_capped_attention(config, q, k, v, mask)
        return softmax_attention(q, k, v, scale=config.attention_scale, mask=mask)

    rows = (None, None) if gates is None else gates.by_head(groups, queries.shape[0])
    axes = tuple(None if x is None or x.ndim == 1 else 0 for x in rows)
    one_group = jax.vmap(one_head, in_axes=(0, axes, None, None))
    grouped = queries.reshape(groups, queries.shape[0] // groups, *queries.shape[1:])
    outputs = jax.vmap(one_group, in_axes=(0, axes, 0, 0))(grouped, rows, keys, values)
    return checkpoint_name(outputs.reshape(queries.shape[0], *outputs.shape[2:]), "attended")


def _soft_capped_attention(
    config: DecoderConfig,
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    mask: Bool[Array, "t n"],
) -> Float[Array, "t dv"]:
    s = config.logit_scale(keys.shape[1])
    logits = soft_cap(config.attention_soft_cap, (queries @ keys.T) * jnp.asarray(s, queries.dtype))
    # the mask comes after the cap, which would bring it back into range
    logits = jnp.where(mask, logits, jnp.asarray(float(jnp.finfo(logits.dtype).min) / 2, logits.dtype))
    weights = jnp.exp(logits - jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True)))
    return (weights @ values) / jnp.sum(weights, axis=1, keepdims=True)


def read_out(heads: HeadWeights, outputs: Float[Array, "h t dv"]) -> Float[Array, "t m"]:
    r"""$\sum_h W_O^{h\top} o^h + b_O$."""
    mixed = jnp.einsum("htd,hdm->tm", outputs, heads.output)
    return mixed if heads.output_bias is None else mixed + heads.output_bias[None, :]


def is_long(tokens: int) -> bool:
    """Whether a prompt is read in tiles and derivatives keep little of it."""
    return tokens >= 2 * QUERIES_A_TILE


def attend_causally(
    config: DecoderConfig, heads: Heads, gates: DemonstrationGates | None = None
) -> Float[Array, "h n dv"]:
    """Every head's output where a whole prompt is read: each token sees itself and those before it.

    The queries of a long prompt are read in tiles, and derivatives compute each tile anew, so that memory grows with
    the number of tokens and not with its square.
    """
    n = heads.keys.shape[1]
    if not is_long(n):
        return attend(config, *heads, visible(n, n, causal=True, window=config.window), gates)
    tiles = -(-n // QUERIES_A_TILE)
    positions = jnp.minimum(jnp.arange(tiles * QUERIES_A_TILE), n - 1).reshape(tiles, QUERIES_A_TILE)

    def one_tile(of_tile: Int[Array, " t"]) -> Float[Array, "h t dv"]:
        ages = of_tile[:, None] - jnp.arange(n)[None, :]
        own = None if gates is None else replace(gates, reading=gates.segments[of_tile])
        return attend(config, heads.queries[:, of_tile], heads.keys, heads.values, visible_ages(config, ages), own)

    outputs = jax.lax.map(jax.checkpoint(one_tile, prevent_cse=False), positions)
    joined = jnp.moveaxis(outputs, 0, 1).reshape(outputs.shape[1], -1, outputs.shape[3])
    return joined[:, :n]


def attention_block(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], gates: DemonstrationGates | None = None
) -> Float[Array, "n m"]:
    """Causal attention among normed tokens at positions 0, 1, …"""
    config.check_one_layer()
    projected = project_heads(heads, config, x, jnp.arange(x.shape[0]))
    return read_out(heads, attend_causally(config, projected, gates))


def visible_ages(config: DecoderConfig, ages: Int[Array, "t n"]) -> Bool[Array, "t n"]:
    """Which keys each query sees, by how many tokens before it they stand: none after it, none out of the window."""
    return (ages >= 0) if config.window is None else (ages >= 0) & (ages < config.window)
