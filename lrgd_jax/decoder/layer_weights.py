"""The weights of one layer, as pytrees."""

from collections.abc import Callable
from dataclasses import fields
from typing import TypeAlias

from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.attention.multi_head import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig

__all__ = [
    "FeedForward",
    "FeedForwardWeights",
    "HeadsWithSinks",
    "LayerWeights",
    "MixtureOfExperts",
    "NormedHeads",
    "TwoMatrices",
    "extend_heads",
]


@struct.dataclass
class NormedHeads(HeadWeights):
    """Projections whose queries and keys pass a norm of each head, or of all heads together.

    Attributes:
        query_norm: gain of the queries' norm, of all heads, shape [d], or of each, [h, d] (`DecoderConfig.head_gains`).
        key_norm: gain of the keys' norm, shape [d] or [g, d].

    Source: Yang et al. 2025, arXiv 2505.09388, section 2; OLMo Team 2025, arXiv 2501.00656, section 3.2.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> tiny_decoder(query_key_norm=True).params.layers[0].heads.query_norm.shape
        (4,)
    """

    query_norm: Float[Array, "*h d"] | None = None
    key_norm: Float[Array, "*g d"] | None = None


@struct.dataclass
class HeadsWithSinks(HeadWeights):
    """Projections of heads whose softmax counts one entry more, of a learnt logit, whose value is zero.

    Attributes:
        sinks: the logit of each query head, shape [h].

    Source: OpenAI 2025, arXiv 2508.10925, section 2.3; Xiao et al. 2023, arXiv 2309.17453, section 3.3.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> tiny_decoder(attention_sinks=True, attention_scale=0.5).params.layers[0].heads.sinks.shape
        (4,)
    """

    sinks: Float[Array, " h"] | None = None


def extend_heads(
    plain: HeadWeights, config: DecoderConfig, part: Callable[[str, tuple[int, ...]], Array]
) -> HeadWeights:
    """Projections with what a config adds to them: sinks, or gains of norms of queries and keys.

    Args:
        plain: the projections alone.
        config: of the layer.
        part: gives what is added by its name, "sinks", "query_norm" or "key_norm", and its shape.

    Returns:
        The projections themselves where nothing is added.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> config, params, _ = tiny_decoder(query_key_norm=True)
        >>> extend_heads(params.layers[0].heads, config, lambda name, shape: jnp.ones(shape)).key_norm.shape
        (4,)
    """
    projections = {field.name: getattr(plain, field.name) for field in fields(HeadWeights)}
    if config.attention_sinks:
        return HeadsWithSinks(**projections, sinks=part("sinks", (config.heads,)))
    if config.query_key_norm:
        counts = {"query_norm": config.heads, "key_norm": config.kv_heads}
        gains = {name: part(name, config.head_gains(heads)) for name, heads in counts.items()}
        return NormedHeads(**projections, **gains)
    return plain


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

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> block = tiny_decoder().params.layers[0].feed_forward
        >>> block.gate.shape, block.down.shape
        ((6, 8), (8, 6))
    """

    gate: Float[Array, "f m"]
    up: Float[Array, "f m"]
    down: Float[Array, "m f"]
    gate_bias: Float[Array, " f"] | None = None
    up_bias: Float[Array, " f"] | None = None
    down_bias: Float[Array, " m"] | None = None


@struct.dataclass
class TwoMatrices:
    """A feed-forward block without a gate.

    Attributes:
        first: W_1, shape [f, m].
        second: W_2, shape [m, f].
        first_bias: shape [f], or None.
        second_bias: shape [m], or None.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> block = tiny_decoder(gated=False).params.layers[0].feed_forward
        >>> block.first.shape, block.second.shape
        ((6, 8), (8, 6))
    """

    first: Float[Array, "f m"]
    second: Float[Array, "m f"]
    first_bias: Float[Array, " f"] | None = None
    second_bias: Float[Array, " m"] | None = None


@struct.dataclass
class MixtureOfExperts:
    """Gated feed-forward blocks of which each token passes a few, chosen by a router.

    Attributes:
        router: one row an expert, shape [E, m].
        experts: the blocks.
        router_bias: shape [E], or None.

    Source: Jiang et al. 2024, arXiv 2401.04088, section 2.1.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> mixture = tiny_decoder(experts=3, experts_per_token=2).params.layers[0].feed_forward
        >>> mixture.router.shape, len(mixture.experts)
        ((3, 8), 3)
    """

    router: Float[Array, "E m"]
    experts: tuple[FeedForwardWeights, ...]
    router_bias: Float[Array, " E"] | None = None


FeedForward: TypeAlias = FeedForwardWeights | TwoMatrices | MixtureOfExperts
"""The weights of a feed-forward block of any kind."""


@struct.dataclass
class LayerWeights:
    """One layer.

    Attributes:
        attention_norm: gain of the norm before attention, shape [m], or None where there is no such norm.
        heads: the projections of attention.
        feed_forward_norm: likewise before the feed-forward block.
        feed_forward: its matrices; `TwoMatrices` where `DecoderConfig.gated` is false, `MixtureOfExperts` where there
            are experts.
        attention_norm_bias: of a LayerNorm, shape [m], or None.
        feed_forward_norm_bias: likewise.
        attention_post_norm: gain of the norm of what attention returns, shape [m], or None.
        feed_forward_post_norm: likewise of the feed-forward block.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> weights = tiny_decoder().params.layers[0]
        >>> weights.attention_norm.shape, weights.heads.output.shape
        ((8,), (4, 4, 8))
    """

    attention_norm: Float[Array, " m"] | None
    heads: HeadWeights
    feed_forward_norm: Float[Array, " m"] | None
    feed_forward: FeedForward
    attention_norm_bias: Float[Array, " m"] | None = None
    feed_forward_norm_bias: Float[Array, " m"] | None = None
    attention_post_norm: Float[Array, " m"] | None = None
    feed_forward_post_norm: Float[Array, " m"] | None = None
