"""One forward pass: tokens are embedded, pass the layers with an attention that is told from outside, and give logits.

Whoever reads a prompt otherwise than `apply` hands in an attention and positions: the cache of what was read
(`lrgd_jax.decoder.cache`), many continuations beside each other (`candidates`), what heads see (`capture`), all
subsets of the demonstrations at once (`lrgd_jax.effect.subsets`). The chain of dual models
(`lrgd_jax.decoder.chain_of_duals`) stays apart on purpose: it is the other side of the claim that both agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.attention import Heads, attend_causally, is_long
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates, gate_demonstrations
from lrgd_jax.decoder.norms import normalise
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.soft_cap import soft_cap
from lrgd_jax.decoder.transformer_layer import layer_around

__all__ = [
    "Attention",
    "KeepingAttention",
    "ResidualStream",
    "apply",
    "apply_with",
    "check_length",
    "embed",
    "head",
    "hidden_states",
    "norm_states",
    "read_logits",
    "run_layers",
]

Kept = TypeVar("Kept")
Passed = TypeVar("Passed")

Attention: TypeAlias = Callable[[int, DecoderConfig, Heads], Float[Array, "h t dv"]]
"""(layer, its config, queries with keys and values at their positions) -> the outputs of the heads."""

KeepingAttention: TypeAlias = Callable[[int, DecoderConfig, Heads], tuple[Float[Array, "h t dv"], Kept]]
"""An `Attention` that also returns what is to be kept of the layer."""


@dataclass(frozen=True)
class ResidualStream(Generic[Kept]):
    """What passed through the layers.

    Attributes:
        before: the residual stream before each layer, L of shape [t, m].
        last: after the last layer, before the final norm, shape [t, m].
        kept: by the attention of each layer.
    """

    before: tuple[Float[Array, "t m"], ...]
    last: Float[Array, "t m"]
    kept: tuple[Kept, ...]


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

    Examples:
        >>> from lrgd_jax.decoder import embed, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> embed(params, tokens).shape
        (5, 8)
    """
    rows = params.embedding.at[tokens].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)
    if params.embedding_scale != 1:
        rows = rows * jnp.asarray(params.embedding_scale, rows.dtype)
    if params.positions is not None and jnp.ndim(first):
        rows = rows + params.positions[first]
    elif params.positions is not None:
        rows = rows + jax.lax.dynamic_slice_in_dim(params.positions, first, tokens.shape[0])
    return checkpoint_name(rows, "residual")


def run_layers(
    attention: KeepingAttention[Kept],
    params: DecoderParams,
    config: DecoderConfig,
    x: Float[Array, "t m"],
    positions: Int[Array, " t"],
) -> ResidualStream[Kept]:
    """Passes embedded tokens through all layers, whose heads attend as they are told.

    Args:
        attention: what the heads of a layer compute, and what is kept of it.
        params: of the decoder.
        config: the decoder.
        x: the embedded tokens.
        positions: of the tokens, to which queries and keys are rotated.
    """
    before: list[Float[Array, "t m"]] = []
    kept: list[Kept] = []
    for i, weights in enumerate(params.layers):
        own = config.of_layer(i)
        before.append(x)
        pass_layer = partial(layer_around, partial(attention, i, own), config=own, positions=positions)
        x, of_layer = (_with_little_kept(pass_layer) if is_long(x.shape[0]) else pass_layer)(weights, x=x)
        kept.append(of_layer)
    return ResidualStream(tuple(before), x, tuple(kept))


def _with_little_kept(layer: Callable[..., Passed]) -> Callable[..., Passed]:
    """A layer of which derivatives keep what was marked, and compute what lies between anew: no product of matrices."""
    marks = jax.checkpoint_policies.save_only_these_names("residual", "heads", "attended", "hidden")
    return jax.checkpoint(layer, policy=marks)


def norm_states(params: DecoderParams, config: DecoderConfig, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """The final norm of the residual stream after the last layer."""
    return normalise(config, params.final_norm, params.final_norm_bias, x)


def head(params: DecoderParams, hidden: Float[Array, "n m"]) -> Float[Array, "n vocab"]:
    r"""The logits of final hidden states, $W_{\rm head}\,h$, before they are divided and soft-capped.

    Args:
        params: of the decoder; the embedding is the head where there is none.
        hidden: from `hidden_states`.

    Examples:
        >>> from lrgd_jax.decoder import head, hidden_states, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> head(params, hidden_states(params, config, tokens)).shape
        (5, 256)
    """
    matrix = params.embedding if params.head is None else params.head
    return jnp.einsum("nm,vm->nv", hidden, matrix)


def read_logits(params: DecoderParams, config: DecoderConfig, states: Float[Array, "n m"]) -> Float[Array, "n vocab"]:
    """The logits of final hidden states, divided and soft-capped where the config has a divisor and a cap."""
    logits = head(params, states)
    if config.logit_divisor != 1:
        logits = logits / jnp.asarray(config.logit_divisor, logits.dtype)
    return soft_cap(config.logit_soft_cap, logits)


def hidden_states(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    gates: DemonstrationGates | None = None,
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
        gates: of the demonstrations, from `gate_demonstrations`, instead of the three that follow.
        rates: as `apply` takes them.
        contributions: likewise.
        segments: likewise.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`; or rates, contributions and segments
            do not fit each other or the decoder.

    Examples:
        >>> from lrgd_jax.decoder import hidden_states, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> hidden_states(params, config, tokens).shape
        (5, 8)
    """
    config = config.for_length(tokens.shape[0])
    check_length(config, tokens.shape[0])
    by_kind = gate_demonstrations(config, tokens.shape[0], segments, rates, contributions)
    if gates is not None and by_kind is not None:
        raise ValueError("give either gates, or rates and contributions with segments, not both")
    gates = by_kind if gates is None else gates

    def attention(i: int, own: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h n dv"], None]:
        return attend_causally(own, heads, None if gates is None else gates.of_layer(i)), None

    x = embed(params, tokens)
    return norm_states(params, config, run_layers(attention, params, config, x, jnp.arange(tokens.shape[0])).last)


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
        params: from `init` or `load_decoder`.
        config: the decoder.
        tokens: ids.
        rates: one learning rate a demonstration (`lrgd_jax.decoder.weighted_attention`): for all layers and heads, [N],
            by layer, [layers, N], or by layer and query head, [layers, heads, N].
        contributions: gates of the same shapes.
        segments: of each token, where there are rates or contributions.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`; or rates, contributions and segments
            do not fit each other or the decoder.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply, split_tokens, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> apply(params, config, tokens).shape
        (5, 256)
        >>> segments = split_tokens(5, [(0, 2)])  # two tokens of a demonstration, three of the query
        >>> apply(params, config, tokens, rates=jnp.array([0.5]), segments=segments).shape
        (5, 256)
    """
    hidden = hidden_states(params, config, tokens, rates=rates, contributions=contributions, segments=segments)
    return read_logits(params, config, hidden)


def apply_with(
    attention: Attention, params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"]
) -> Float[Array, "n vocab"]:
    """The logits of a decoder whose heads attend as they are told.

    Args:
        attention: what the heads of a layer compute.
        params: of the decoder.
        config: the decoder.
        tokens: ids.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply_with, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> def attend_to_nothing(layer, config, heads):
        ...     return jnp.zeros_like(heads.queries)
        ...
        >>> apply_with(attend_to_nothing, params, config, tokens).shape
        (5, 256)
    """
    config = config.for_length(tokens.shape[0])
    check_length(config, tokens.shape[0])

    def keep_nothing(i: int, own: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h n dv"], None]:
        return attention(i, own, heads), None

    x = embed(params, tokens)
    stream = run_layers(keep_nothing, params, config, x, jnp.arange(tokens.shape[0]))
    return read_logits(params, config, norm_states(params, config, stream.last))
