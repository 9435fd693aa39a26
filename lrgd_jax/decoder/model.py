"""A decoder as pure functions: `init` makes the weights, `apply` turns tokens into logits."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrgd_jax.attention.multi_head import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import (
    FeedForwardWeights,
    LayerWeights,
    NormedHeads,
    TwoMatrices,
    layer,
    normalised,
    soft_cap,
)
from lrgd_jax.decoder.worth import Worth, worth_of

__all__ = ["DecoderParams", "apply", "check_length", "embed", "head", "hidden_states", "init"]


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
    """
    m = config.width
    first, last, *rest = jax.random.split(key, config.layers + 2)

    shift = jnp.zeros(m, dtype) if config.norm == "layer" else None
    post = jnp.ones(m, dtype) if config.post_norms else None

    def one_layer(key: PRNGKeyArray) -> LayerWeights:
        attention_key, *keys = jax.random.split(key, 4)
        return LayerWeights(
            jnp.ones(m, dtype),
            _heads(attention_key, config, dtype),
            jnp.ones(m, dtype),
            _feed_forward(keys, config, dtype),
            attention_norm_bias=shift,
            feed_forward_norm_bias=shift,
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


def _feed_forward(
    keys: list[PRNGKeyArray], config: DecoderConfig, dtype: jax.typing.DTypeLike
) -> FeedForwardWeights | TwoMatrices:
    m, f = config.width, config.hidden_width
    bias = (lambda width: jnp.zeros(width, dtype)) if config.mlp_bias else (lambda _: None)
    up, down = _normal(keys[1], (f, m), m, dtype), _normal(keys[2], (m, f), f, dtype)
    if not config.gated:
        return TwoMatrices(up, down, bias(f), bias(m))
    return FeedForwardWeights(_normal(keys[0], (f, m), m, dtype), up, down, bias(f), bias(f), bias(m))


def _heads(key: PRNGKeyArray, config: DecoderConfig, dtype: jax.typing.DTypeLike) -> HeadWeights:
    m, h, g, d = config.width, config.heads, config.kv_heads, config.head_width
    keys = jax.random.split(key, 4)
    bias: Callable = (lambda *shape: jnp.zeros(shape, dtype)) if config.attention_bias else (lambda *_: None)
    output_bias = config.attention_bias if config.output_bias is None else config.output_bias
    weights = {
        "query": _normal(keys[0], (h, m, d), m, dtype),
        "key": _normal(keys[1], (g, m, d), m, dtype),
        "value": _normal(keys[2], (g, m, d), m, dtype),
        "output": _normal(keys[3], (h, d, m), h * d, dtype),
        "query_bias": bias(h, d),
        "key_bias": bias(g, d),
        "value_bias": bias(g, d),
        "output_bias": jnp.zeros(m, dtype) if output_bias else None,
    }
    if config.query_key_norm:
        return NormedHeads(**weights, query_norm=jnp.ones(d, dtype), key_norm=jnp.ones(d, dtype))
    return HeadWeights(**weights)


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


def embed(
    params: DecoderParams, tokens: Int[Array, " n"], first: int | Int[Array, ""] | Int[Array, " n"] = 0
) -> Float[Array, "n m"]:
    """The tokens' rows of the embedding, scaled, and with learned positions their rows where the model has them.

    Args:
        params: of the decoder.
        tokens: ids; one outside the vocabulary has no row and becomes NaN.
        first: position of the first token, or of every token.
    """
    rows = params.embedding.at[tokens].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
    if params.embedding_scale != 1:
        rows = rows * jnp.asarray(params.embedding_scale, rows.dtype)
    if params.positions is not None and jnp.ndim(first):
        rows = rows + params.positions[first]
    elif params.positions is not None:
        rows = rows + jax.lax.dynamic_slice_in_dim(params.positions, first, tokens.shape[0])
    return checkpoint_name(rows, "residual")


def hidden_states(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    worth: Worth | None = None,
    *,
    rates: Float[Array, "*of_rates N"] | None = None,
    contributions: Float[Array, "*of_gates N"] | None = None,
    segments: Int[Array, " n"] | None = None,
) -> Float[Array, "n m"]:
    """The residual stream after the last layer and the final norm.

    Args:
        params: of the decoder.
        config: the decoder.
        tokens: ids.
        worth: of the demonstrations, from `worth_of`, instead of the three that follow.
        rates: as `apply` takes them.
        contributions: likewise.
        segments: likewise.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`; or rates, contributions and segments
            do not fit each other or the decoder.
    """
    check_length(config, tokens.shape[0])
    given = worth_of(config, tokens.shape[0], segments, rates, contributions)
    if worth is not None and given is not None:
        raise ValueError("give either worth, or rates and contributions with segments, not both")
    worth = given if worth is None else worth
    x = embed(params, tokens)
    for i, weights in enumerate(params.layers):
        x = layer(weights, config.of_layer(i), x, None if worth is None else worth.of_layer(i))
    return normalised(config, params.final_norm, params.final_norm_bias, x)


def head(params: DecoderParams, hidden: Float[Array, "n m"]) -> Float[Array, "n vocab"]:
    """The logits of final hidden states, before a soft cap."""
    matrix = params.embedding if params.head is None else params.head
    return jnp.einsum("nm,vm->nv", hidden, matrix)


def apply(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    *,
    rates: Float[Array, "*of_rates N"] | None = None,
    contributions: Float[Array, "*of_gates N"] | None = None,
    segments: Int[Array, " n"] | None = None,
) -> Float[Array, "n vocab"]:
    """The logits of the token that follows each of the tokens.

    Unbatched; `jax.vmap` over `tokens` gives the batch.

    Args:
        params: from `init` or `load_directory`.
        config: the decoder.
        tokens: ids.
        rates: one learning rate a demonstration (`lrgd_jax.decoder.rates`): for all layers and heads, [N], by layer,
            [layers, N], or by layer and query head, [layers, heads, N].
        contributions: gates of the same shapes.
        segments: of each token, where there are rates or contributions.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`; or rates, contributions and segments
            do not fit each other or the decoder.
    """
    hidden = hidden_states(params, config, tokens, rates=rates, contributions=contributions, segments=segments)
    return soft_cap(config.logit_soft_cap, head(params, hidden))
