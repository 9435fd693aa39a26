"""The weights of a decoder as a pytree, and random ones."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, PRNGKeyArray

from lrgd_jax.attention.multi_head import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layer_weights import (
    FeedForward,
    FeedForwardWeights,
    LayerWeights,
    MixtureOfExperts,
    TwoMatrices,
    extend_heads,
)

__all__ = ["DecoderParams", "init"]


@struct.dataclass
class DecoderParams:
    """The weights of a decoder.

    Attributes:
        embedding: one row a token of the vocabulary, shape [vocab, m].
        layers: one entry a layer.
        final_norm: gain of the last norm, shape [m].
        head: rows that read out the logits, shape [vocab, m]; None where the embedding does.
        final_norm_bias: of a last LayerNorm, shape [m], or None.
        positions: learned rows that are added to the embedding, shape [context, m], or None.
        embedding_scale: what the rows of the embedding are multiplied by, as in the config.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> params = tiny_decoder().params
        >>> params.embedding.shape, len(params.layers), params.final_norm.shape
        ((256, 8), 2, (8,))
    """

    embedding: Float[Array, "vocab m"]
    layers: tuple[LayerWeights, ...]
    final_norm: Float[Array, " m"]
    head: Float[Array, "vocab m"] | None = None
    final_norm_bias: Float[Array, " m"] | None = None
    positions: Float[Array, "context m"] | None = None
    embedding_scale: float = struct.field(pytree_node=False, default=1.0)


def init(key: PRNGKeyArray, config: DecoderConfig, dtype: jax.typing.DTypeLike = jnp.float32) -> DecoderParams:
    r"""Random weights: matrices $N(0, 1/\text{inputs})$, embedding $N(0, 1)$, gains one, biases zero.

    Args:
        key: the source of randomness.
        config: the decoder.
        dtype: of the weights.

    Examples:
        >>> import jax
        >>> from lrgd_jax.decoder import init, tiny_decoder
        >>> params = init(jax.random.key(1), tiny_decoder().config)
        >>> params.layers[0].heads.query.shape
        (4, 8, 4)
    """
    m = config.width
    first, last, *rest = jax.random.split(key, config.layers + 2)

    shift = jnp.zeros(m, dtype) if config.norm == "layer" else None
    pre = jnp.ones(m, dtype) if config.pre_norms else None
    pre_shift = shift if config.pre_norms else None
    post = jnp.ones(m, dtype) if config.post_norms else None

    def one_layer(key: PRNGKeyArray) -> LayerWeights:
        attention_key, *keys = jax.random.split(key, 4)
        return LayerWeights(
            attention_norm=pre,
            heads=_heads(attention_key, config, dtype),
            feed_forward_norm=pre,
            feed_forward=_feed_forward(keys, config, dtype),
            attention_norm_bias=pre_shift,
            feed_forward_norm_bias=pre_shift,
            attention_post_norm=post,
            feed_forward_post_norm=post,
        )

    learned = config.positions == "learned"
    return DecoderParams(
        embedding=_normal(first, (config.vocab_size, m), 1, dtype),
        layers=tuple(one_layer(k) for k in rest),
        final_norm=jnp.ones(m, dtype),
        head=None if config.tied_head else _normal(last, (config.vocab_size, m), m, dtype),
        final_norm_bias=shift,
        positions=_normal(jax.random.fold_in(first, 1), (config.context_length, m), 1, dtype) if learned else None,
        embedding_scale=config.embedding_scale,
    )


def _feed_forward(keys: list[PRNGKeyArray], config: DecoderConfig, dtype: jax.typing.DTypeLike) -> FeedForward:
    if config.experts is None:
        return _one_block(keys, config, dtype)
    split = zip(*(jax.random.split(key, config.experts) for key in keys), strict=True)
    experts = tuple(_gated_weights(list(keys), config, dtype) for keys in split)
    router = _normal(jax.random.fold_in(keys[0], 1), (config.experts, config.width), config.width, dtype)
    return MixtureOfExperts(router=router, experts=experts, router_bias=_shift(config.mlp_bias, dtype)(config.experts))


def _one_block(
    keys: list[PRNGKeyArray], config: DecoderConfig, dtype: jax.typing.DTypeLike
) -> FeedForwardWeights | TwoMatrices:
    if config.gated:
        return _gated_weights(keys, config, dtype)
    m, f = config.width, config.hidden_width
    first, second = _normal(keys[1], (f, m), m, dtype), _normal(keys[2], (m, f), f, dtype)
    shift = _shift(config.mlp_bias, dtype)
    return TwoMatrices(first=first, second=second, first_bias=shift(f), second_bias=shift(m))


def _gated_weights(keys: list[PRNGKeyArray], config: DecoderConfig, dtype: jax.typing.DTypeLike) -> FeedForwardWeights:
    m, f = config.width, config.hidden_width
    gate, up = _normal(keys[0], (f, m), m, dtype), _normal(keys[1], (f, m), m, dtype)
    shift = _shift(config.mlp_bias, dtype)
    return FeedForwardWeights(
        gate=gate,
        up=up,
        down=_normal(keys[2], (m, f), f, dtype),
        gate_bias=shift(f),
        up_bias=shift(f),
        down_bias=shift(m),
    )


def _shift(biased: bool, dtype: jax.typing.DTypeLike) -> Callable[[int], Array | None]:
    """Biases of zeros, or none, by their width."""
    return (lambda width: jnp.zeros(width, dtype)) if biased else (lambda _: None)


def _heads(key: PRNGKeyArray, config: DecoderConfig, dtype: jax.typing.DTypeLike) -> HeadWeights:
    m, h, g, d = config.width, config.heads, config.kv_heads, config.head_width
    keys = jax.random.split(key, 4)
    bias: Callable = (lambda *shape: jnp.zeros(shape, dtype)) if config.attention_bias else (lambda *_: None)
    output_bias = config.attention_bias if config.output_bias is None else config.output_bias
    plain = HeadWeights(
        query=_normal(keys[0], (h, m, d), m, dtype),
        key=_normal(keys[1], (g, m, d), m, dtype),
        value=_normal(keys[2], (g, m, d), m, dtype),
        output=_normal(keys[3], (h, d, m), h * d, dtype),
        query_bias=bias(h, d),
        key_bias=bias(g, d),
        value_bias=bias(g, d),
        output_bias=jnp.zeros(m, dtype) if output_bias else None,
    )
    return extend_heads(
        plain, config, lambda name, shape: jnp.zeros(shape, dtype) if name == "sinks" else jnp.ones(shape, dtype)
    )


def _normal(key: PRNGKeyArray, shape: tuple[int, ...], inputs: int, dtype: jax.typing.DTypeLike) -> Array:
    return jax.random.normal(key, shape, dtype) / jnp.sqrt(jnp.asarray(inputs, dtype))
