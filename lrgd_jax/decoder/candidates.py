r"""One context, many continuations: the context is read once, and each continuation is scored by its likelihood.

$$\log p(c \mid x) = \sum_{k=1}^{\ell} \log p(c_k \mid x, c_1, \dots, c_{k-1})$$

in nats, the numbers that a forward pass over context and candidate gives. The tokens of several candidates are read
together in one row behind the cached context; a mask keeps the candidates from seeing each other.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.attention import Heads, attend, visible_ages
from lrgd_jax.decoder.cache import KeyValues, empty_cache, read_states
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates, gate_demonstrations
from lrgd_jax.decoder.devices import map_over_devices, replicate
from lrgd_jax.decoder.forward import check_length, embed, norm_states, read_logits, run_layers
from lrgd_jax.decoder.packing import Packed, pack, padded_length
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.precision import at_least_float32

__all__ = ["CandidateScores", "score_candidates"]


class CandidateScores(NamedTuple):
    """Log-likelihoods of candidates, in nats.

    Attributes:
        tokens: of every token of every candidate, given the context and the tokens before; zero after its last.
        lengths: how many tokens every candidate has.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import CandidateScores
        >>> scores = CandidateScores(jnp.array([[-1.0, -2.0], [-4.0, 0.0]]), jnp.array([2, 1]))
        >>> scores.total.tolist(), scores.mean.tolist()
        ([-3.0, -4.0], [-1.5, -4.0])
    """

    tokens: Float[Array, "candidates longest"]
    lengths: Int[Array, " candidates"]

    @property
    def total(self) -> Float[Array, " candidates"]:
        """Of every candidate as a whole, the sum over its tokens."""
        return jnp.sum(self.tokens, axis=1)

    @property
    def mean(self) -> Float[Array, " candidates"]:
        """The same divided by its number of tokens."""
        return self.total / self.lengths.astype(self.tokens.dtype)


class _Context(NamedTuple):
    """A context that was read: keys and values of every layer, its length, what it predicts, whose tokens it has."""

    memories: tuple[KeyValues, ...]
    length: Int[Array, ""]
    next: Float[Array, " vocab"]
    gates: DemonstrationGates | None


def score_candidates(
    params: DecoderParams,
    config: DecoderConfig,
    context: Int[Array, " n"],
    candidates: Sequence[Sequence[int] | Int[Array, " _"] | Int[np.ndarray, " _"]],
    *,
    rates: Float[Array, "*of_rates N"] | None = None,
    contributions: Float[Array, "*of_gates N"] | None = None,
    segments: Int[Array, " n"] | None = None,
    batch: int = 32,
) -> CandidateScores:
    """The log-likelihoods of candidates that could follow a context.

    The context is read once. It is padded, and so are the rows of candidates, so that few lengths are compiled
    (`lrgd_jax.decoder.packing`). Rows are spread over all devices (`lrgd_jax.decoder.devices`).
    Differentiable in params, rates and contributions.

    Args:
        params: of the decoder.
        config: the decoder.
        context: ids of the tokens that stand before every candidate.
        candidates: ids of each one's tokens, of any lengths.
        rates: of the context's demonstrations, as `lrgd_jax.decoder.apply` takes them; candidates belong to the query.
        contributions: gates of the same shapes.
        segments: of the context's tokens, where there are rates or contributions.
        batch: how many candidates are read together on one device; memory grows with it.

    Raises:
        ValueError: there are no candidates, one is empty or does not fit the model's context behind this one, a token
            lies outside the vocabulary, the batch is empty; or rates, contributions and segments do not fit.

    Examples:
        >>> from lrgd_jax.decoder import score_candidates, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> scores = score_candidates(params, config, tokens, [[3], [5, 7]])
        >>> scores.tokens.shape, scores.lengths.tolist()
        ((2, 2), [1, 2])
    """
    n = context.shape[0]
    check_length(config, n)
    _check_tokens(config, "the context", context)
    if batch < 1:
        raise ValueError(f"score_candidates: a batch holds at least one candidate, got batch={batch}")
    rows = _check_candidates(config, n, candidates)
    gates = gate_demonstrations(config, n, segments, rates, contributions)
    more = padded_length(n, config.context_length) - n
    params, gates = replicate((params, None if gates is None else gates.followed_by(more)))
    read = replicate(_read_context(params, config, jnp.pad(context, (0, more)), jnp.asarray(n, jnp.int32), gates))
    packed = pack(rows, _even_share(len(rows), batch))
    scores = map_over_devices(lambda part: _score_rows(params, config, read, part), packed)
    lengths = [len(row) for row in rows]
    return CandidateScores(
        scores.reshape(-1, scores.shape[2])[: len(rows), : max(lengths)], jnp.asarray(lengths, jnp.int32)
    )


def _even_share(candidates: int, batch: int) -> int:
    """How many candidates a row takes, so that all devices have about as many; at most the batch."""
    rows = -(-candidates // (batch * jax.device_count())) * jax.device_count()
    return padded_length(-(-candidates // rows), batch)


def _check_candidates(
    config: DecoderConfig, n: int, candidates: Sequence[Sequence[int] | Int[Array, " _"] | Int[np.ndarray, " _"]]
) -> list[Int[np.ndarray, " _"]]:
    """The candidates as arrays; raises ValueError for one that cannot be scored."""
    if len(candidates) == 0:
        raise ValueError("score_candidates: there are no candidates; give at least one")
    rows = [np.asarray(candidate) for candidate in candidates]
    for i, row in enumerate(rows):
        if row.ndim != 1 or not row.size:
            what = "is empty" if row.ndim == 1 else f"has shape {row.shape}"
            raise ValueError(f"score_candidates: candidate {i} {what}; give the ids of one or more tokens")
        _check_tokens(config, f"candidate {i}", row)
        if n + row.size > config.context_length:
            raise ValueError(
                f"score_candidates: {n} tokens of context and {row.size} of candidate {i} make {n + row.size}: the "
                f"model's context holds {config.context_length}; shorten one of them"
            )
    return rows


def _check_tokens(config: DecoderConfig, name: str, tokens: Int[Array, " n"] | Int[np.ndarray, " n"]) -> None:
    """Raises ValueError where an entry is no token of the vocabulary (known only outside a trace)."""
    if not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise ValueError(f"score_candidates: the tokens of {name} must be whole numbers, got {tokens.dtype}")
    if isinstance(tokens, Tracer):
        return
    numbers = np.asarray(tokens)
    outside = numbers[(numbers < 0) | (numbers >= config.vocab_size)]
    if outside.size:
        raise ValueError(
            f"score_candidates: token {outside[0]} of {name} is outside the vocabulary of {config.vocab_size} tokens"
        )


@partial(jax.jit, static_argnames="config")
def _read_context(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " size"],
    length: Int[Array, ""],
    gates: DemonstrationGates | None,
) -> _Context:
    """Reads a padded context; no token sees the padding, which stands after all of them."""
    empty = empty_cache(config, tokens.shape[0], params.embedding.dtype, keys=True)
    states, cache = read_states(params, config, empty, tokens, gates)
    last = jax.lax.dynamic_slice_in_dim(states, length - 1, 1)
    memories = tuple(memory for memory in cache.memories if isinstance(memory, KeyValues))
    return _Context(memories, length, _log_likelihoods(params, config, last)[0], gates)


def _log_likelihoods(
    params: DecoderParams, config: DecoderConfig, states: Float[Array, "n m"]
) -> Float[Array, "n vocab"]:
    return jax.nn.log_softmax(at_least_float32(read_logits(params, config, states)))


@partial(jax.jit, static_argnames="config")
def _score_rows(
    params: DecoderParams, config: DecoderConfig, context: _Context, rows: Packed
) -> Float[Array, "rows b longest"]:
    return jax.vmap(lambda row: _score_row(params, config, context, row))(rows)


def _score_row(
    params: DecoderParams, config: DecoderConfig, context: _Context, row: Packed
) -> Float[Array, "b longest"]:
    """The log-likelihoods of every token of a row's candidates."""
    first = context.next[row.firsts][:, None]
    if not row.tokens.shape[0]:
        return first
    of_all = _log_likelihoods(params, config, _states_behind(params, config, context, row))
    following = jnp.take_along_axis(of_all, row.targets[:, None], axis=1)[:, 0]
    return jnp.concatenate([first, jnp.where(row.read, following[row.places], jnp.zeros((), of_all.dtype))], axis=1)


def _states_behind(params: DecoderParams, config: DecoderConfig, context: _Context, row: Packed) -> Float[Array, "T m"]:
    """The final states of a row's tokens, each of which sees the context and its own candidate up to itself."""
    positions = context.length + row.offsets
    ages = _ages(context, row)

    def attention(i: int, own: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h T dv"], None]:
        memory = context.memories[i]
        gates = None if context.gates is None else _gates_behind(context.gates, row).of_layer(i)
        keys = jnp.concatenate([memory.keys, heads.keys], axis=1)
        values = jnp.concatenate([memory.values, heads.values], axis=1)
        return attend(own, heads.queries, keys, values, visible_ages(own, ages), gates), None

    stream = run_layers(attention, params, config, embed(params, row.tokens, positions), positions)
    return norm_states(params, config, stream.last)


def _ages(context: _Context, row: Packed) -> Int[Array, "T n"]:
    """How far before every token of a row each key stands, first the context's, then the row's; -1 where unseen."""
    slots = jnp.arange(context.memories[0].keys.shape[1], dtype=row.offsets.dtype)
    before = (context.length + row.offsets)[:, None] - slots[None, :]
    among = row.offsets[:, None] - row.offsets[None, :]
    unseen = -jnp.ones((), before.dtype)
    of_context = jnp.where(slots[None, :] < context.length, before, unseen)
    of_row = jnp.where(row.owners[:, None] == row.owners[None, :], among, unseen)
    return jnp.concatenate([of_context, of_row], axis=1)


def _gates_behind(gates: DemonstrationGates, row: Packed) -> DemonstrationGates:
    """The demonstrations as the tokens behind the context see them, all of which belong to the query."""
    followed = gates.followed_by(row.tokens.shape[0])
    return replace(followed, reading=followed.segments[-row.tokens.shape[0] :])
