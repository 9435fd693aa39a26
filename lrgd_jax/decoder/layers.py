"""One pre-norm layer: RMSNorm, attention with rotary positions and grouped heads, SwiGLU, residual sums.

Intermediate tensors are marked by `jax.ad_checkpoint.checkpoint_name`, as cut points for
`lrgd_jax.certify.adjoint_bound`: "residual", "normed", "heads" (queries, keys, values), "attended" and "hidden" (of the
feed-forward block). The marks compute nothing.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.attention.heads import HeadWeights, project
from lrgd_jax.attention.linear import linear_attention
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import rotary_frequencies, rotate, visible

__all__ = [
    "FeedForwardWeights",
    "LayerWeights",
    "affine",
    "at_least_float32",
    "attend",
    "attention_block",
    "layer",
    "project_heads",
    "read_out",
    "rms_norm",
    "rotary",
    "swiglu",
]


@struct.dataclass
class FeedForwardWeights:
    """The three matrices of a gated feed-forward block.

    Attributes:
        gate: W_gate, shape [f, m].
        up: W_up, shape [f, m].
        down: W_down, shape [m, f].
        gate_bias: shape [f], or None.
        up_bias: shape [f], or None.
        down_bias: shape [m], or None.
    """

    gate: Float[Array, "f m"]
    up: Float[Array, "f m"]
    down: Float[Array, "m f"]
    gate_bias: Float[Array, " f"] | None = None
    up_bias: Float[Array, " f"] | None = None
    down_bias: Float[Array, " m"] | None = None


@struct.dataclass
class LayerWeights:
    """One layer.

    Attributes:
        attention_norm: gain of the norm before attention, shape [m].
        heads: the projections of attention.
        feed_forward_norm: gain of the norm before the feed-forward block, shape [m].
        feed_forward: its matrices.
    """

    attention_norm: Float[Array, " m"]
    heads: HeadWeights
    feed_forward_norm: Float[Array, " m"]
    feed_forward: FeedForwardWeights


def at_least_float32(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Widens bfloat16 and float16, in which a norm or an angle would lose its meaning."""
    return x.astype(jnp.float32) if jnp.finfo(x.dtype).bits < 32 else x


def rms_norm(gain: Float[Array, " m"], x: Float[Array, "n m"], epsilon: float) -> Float[Array, "n m"]:
    r"""$\mathrm{RMSNorm}(x) = g \odot x / \sqrt{\tfrac1m\sum_j x_j^2 + \epsilon}$, at least in float32.

    Source: Zhang & Sennrich 2019, arXiv 1910.07467, eq. 4; epsilon as in Touvron et al. 2023, arXiv 2302.13971.
    """
    wide = at_least_float32(x)
    mean_square = jnp.mean(wide * wide, axis=-1, keepdims=True)
    scaled = wide * jax.lax.rsqrt(mean_square + jnp.asarray(epsilon, wide.dtype))
    return checkpoint_name(gain[None, :] * scaled.astype(x.dtype), "normed")


def swiglu(weights: FeedForwardWeights, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    r"""$W_{\rm down}\,(\mathrm{silu}(W_{\rm gate}\,x) \odot W_{\rm up}\,x)$, each matrix with its bias if it has one.

    Source: Shazeer 2020, arXiv 2002.05202, eq. 6.
    """
    gate = checkpoint_name(affine(weights.gate, weights.gate_bias, x), "hidden")
    up = checkpoint_name(affine(weights.up, weights.up_bias, x), "hidden")
    return affine(weights.down, weights.down_bias, jax.nn.silu(gate) * up)


def affine(matrix: Float[Array, "o i"], bias: Float[Array, " o"] | None, x: Float[Array, "n i"]) -> Float[Array, "n o"]:
    """Every row by a matrix, plus its bias if there is one."""
    product = jnp.einsum("ni,oi->no", x, matrix)
    return product if bias is None else product + bias[None, :]


def rotary(x: Float[Array, "h n d"], config: DecoderConfig, positions: Int[Array, " n"]) -> Float[Array, "h n d"]:
    """Rotates every head's rows to their positions, with angles in float32 or wider."""
    frequencies = rotary_frequencies(config.head_width, config.rope_theta, config.rope_scaling)
    wide = at_least_float32(x)
    turned = jax.vmap(lambda rows: rotate(rows, positions, frequencies, config.rope_layout))(wide)
    return turned.astype(x.dtype)


def project_heads(
    heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"], positions: Int[Array, " n"]
) -> tuple[Float[Array, "h n d"], Float[Array, "g n d"], Float[Array, "g n dv"]]:
    """Queries, keys and values of normed tokens, rotated to their positions where attention is softmax."""
    queries = project(heads.query, heads.query_bias, x)
    keys = project(heads.key, heads.key_bias, x)
    values = project(heads.value, heads.value_bias, x)
    if config.attention == "softmax":
        queries, keys = rotary(queries, config, positions), rotary(keys, config, positions)
    return checkpoint_name(queries, "heads"), checkpoint_name(keys, "heads"), checkpoint_name(values, "heads")


def attend(
    config: DecoderConfig,
    queries: Float[Array, "h t d"],
    keys: Float[Array, "g n d"],
    values: Float[Array, "g n dv"],
    mask: Bool[Array, "t n"],
) -> Float[Array, "h t dv"]:
    """Every head's output; query head j reads key-value head j // (h / g).

    Source: Ainslie et al. 2023, arXiv 2305.13245.
    """
    groups = keys.shape[0]

    def one_head(q: Float[Array, "t d"], k: Float[Array, "n d"], v: Float[Array, "n dv"]) -> Float[Array, "t dv"]:
        if config.attention == "linear":
            return linear_attention(q, k, v, feature_map=elu_plus_one, mask=mask, normalised=True)
        return softmax_attention(q, k, v, mask=mask)

    one_group = jax.vmap(one_head, in_axes=(0, None, None))
    grouped = queries.reshape(groups, queries.shape[0] // groups, *queries.shape[1:])
    outputs = jax.vmap(one_group)(grouped, keys, values)
    return checkpoint_name(outputs.reshape(queries.shape[0], *outputs.shape[2:]), "attended")


def read_out(heads: HeadWeights, outputs: Float[Array, "h t dv"]) -> Float[Array, "t m"]:
    r"""$\sum_h W_O^{h\top} o^h + b_O$."""
    mixed = jnp.einsum("htd,hdm->tm", outputs, heads.output)
    return mixed if heads.output_bias is None else mixed + heads.output_bias[None, :]


def attention_block(heads: HeadWeights, config: DecoderConfig, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """Causal attention among normed tokens at positions 0, 1, …"""
    n = x.shape[0]
    qkv = project_heads(heads, config, x, jnp.arange(n))
    return read_out(heads, attend(config, *qkv, visible(n, n, causal=True)))


def layer(weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    r"""$x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x))$, then $x \leftarrow x + \mathrm{FFN}(\mathrm{Norm}(x))$.

    Source: Touvron et al. 2023, arXiv 2302.13971, section 2.2.
    """
    normed = rms_norm(weights.attention_norm, x, config.norm_epsilon)
    x = checkpoint_name(x + attention_block(weights.heads, config, normed), "residual")
    normed = rms_norm(weights.feed_forward_norm, x, config.norm_epsilon)
    return checkpoint_name(x + swiglu(weights.feed_forward, normed), "residual")
