"""A decoder as pure functions: `init` makes the weights, `apply` turns tokens into logits."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrgd_jax.attention.heads import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import FeedForwardWeights, LayerWeights, layer, rms_norm

__all__ = ["DecoderParams", "apply", "check_length", "embed", "head", "hidden_states", "init"]


@struct.dataclass
class DecoderParams:
    """The weights of a decoder.

    Attributes:
        embedding: one row a token of the vocabulary, shape [vocab, m].
        layers: one entry a layer.
        final_norm: gain of the last norm, shape [m].
        head: rows that read out the logits, shape [vocab, m]; None where the embedding does.
    """

    embedding: Float[Array, "vocab m"]
    layers: tuple[LayerWeights, ...]
    final_norm: Float[Array, " m"]
    head: Float[Array, "vocab m"] | None = None


def init(key: PRNGKeyArray, config: DecoderConfig, dtype: jax.typing.DTypeLike = jnp.float32) -> DecoderParams:
    r"""Random weights: matrices $N(0, 1/\text{inputs})$, embedding $N(0, 1)$, gains one, biases zero.

    Args:
        key: the source of randomness.
        config: the decoder.
        dtype: of the weights.
    """
    m, f = config.width, config.hidden_width
    first, last, *rest = jax.random.split(key, config.layers + 2)

    def one_layer(key: PRNGKeyArray) -> LayerWeights:
        attention_key, *keys = jax.random.split(key, 4)
        bias = (lambda width: jnp.zeros(width, dtype)) if config.mlp_bias else (lambda _: None)
        feed_forward = FeedForwardWeights(
            gate=_normal(keys[0], (f, m), m, dtype),
            up=_normal(keys[1], (f, m), m, dtype),
            down=_normal(keys[2], (m, f), f, dtype),
            gate_bias=bias(f),
            up_bias=bias(f),
            down_bias=bias(m),
        )
        return LayerWeights(jnp.ones(m, dtype), _heads(attention_key, config, dtype), jnp.ones(m, dtype), feed_forward)

    return DecoderParams(
        embedding=_normal(first, (config.vocab_size, m), 1, dtype),
        layers=tuple(one_layer(k) for k in rest),
        final_norm=jnp.ones(m, dtype),
        head=None if config.tied_head else _normal(last, (config.vocab_size, m), m, dtype),
    )


def _heads(key: PRNGKeyArray, config: DecoderConfig, dtype: jax.typing.DTypeLike) -> HeadWeights:
    m, h, g, d = config.width, config.heads, config.kv_heads, config.head_width
    keys = jax.random.split(key, 4)
    bias: Callable = (lambda *shape: jnp.zeros(shape, dtype)) if config.attention_bias else (lambda *_: None)
    return HeadWeights(
        query=_normal(keys[0], (h, m, d), m, dtype),
        key=_normal(keys[1], (g, m, d), m, dtype),
        value=_normal(keys[2], (g, m, d), m, dtype),
        output=_normal(keys[3], (h, d, m), h * d, dtype),
        query_bias=bias(h, d),
        key_bias=bias(g, d),
        value_bias=bias(g, d),
        output_bias=bias(m),
    )


def _normal(key: PRNGKeyArray, shape: tuple[int, ...], inputs: int, dtype: jax.typing.DTypeLike) -> Array:
    return jax.random.normal(key, shape, dtype) / jnp.sqrt(jnp.asarray(inputs, dtype))


def check_length(config: DecoderConfig, length: int) -> None:
    """Raises ValueError where there are no tokens, or more than the model's context holds."""
    if length == 0:
        raise ValueError("the prompt is empty: a decoder needs at least one token, such as the one that begins a text")
    if length > config.context_length:
        raise ValueError(
            f"{length} tokens are too many: the model's context holds {config.context_length}; "
            "shorten the prompt or generate fewer tokens"
        )


def embed(params: DecoderParams, tokens: Int[Array, " n"]) -> Float[Array, "n m"]:
    """The tokens' rows of the embedding; a token outside the vocabulary has no row and becomes NaN."""
    rows = params.embedding.at[tokens].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
    return checkpoint_name(rows, "residual")


def hidden_states(params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"]) -> Float[Array, "n m"]:
    """The residual stream after the last layer and the final norm."""
    check_length(config, tokens.shape[0])
    x = embed(params, tokens)
    for weights in params.layers:
        x = layer(weights, config, x)
    return rms_norm(params.final_norm, x, config.norm_epsilon)


def head(params: DecoderParams, hidden: Float[Array, "n m"]) -> Float[Array, "n vocab"]:
    """The logits of final hidden states."""
    matrix = params.embedding if params.head is None else params.head
    return jnp.einsum("nm,vm->nv", hidden, matrix)


def apply(params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"]) -> Float[Array, "n vocab"]:
    """The logits of the token that follows each of the tokens.

    Unbatched; `jax.vmap` over `tokens` gives the batch.

    Args:
        params: from `init` or `load_directory`.
        config: the decoder.
        tokens: ids.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`.
    """
    return head(params, hidden_states(params, config, tokens))
