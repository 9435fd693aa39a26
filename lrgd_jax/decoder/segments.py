"""Which demonstration each token of a prompt belongs to; the last segment is the query."""

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

__all__ = ["split_text", "split_tokens"]


def split_tokens(
    length: int, demonstrations: Sequence[tuple[int, int]], query: tuple[int, int] | None = None
) -> Int[Array, " n"]:
    """Segments of a prompt by ranges of tokens: 0, 1, … for the demonstrations, then the query.

    A token outside all ranges, such as a separator, belongs to the range before it; tokens before the first
    range, such as the one that begins the text, belong to the first.

    Args:
        length: tokens in the prompt.
        demonstrations: (start, end) of each, end excluded, in order.
        query: (start, end); what follows the last demonstration unless given.

    Raises:
        ValueError: a range is empty, outside the prompt, out of order or overlaps the one before.

    Examples:
        >>> from lrgd_jax.decoder import split_tokens
        >>> split_tokens(6, [(0, 2), (2, 4)]).tolist()
        [0, 0, 1, 1, 2, 2]
    """
    if length < 1:
        raise ValueError("the prompt is empty: there is no query")
    if query is None:
        query = (demonstrations[-1][1] if demonstrations else 0, length)
    named = [(f"demonstration {i + 1}", pair) for i, pair in enumerate(demonstrations)] + [("the query", query)]
    for name, (start, end) in named:
        if not 0 <= start <= end <= length:
            raise ValueError(f"{name} is at tokens {start} to {end}, outside the prompt of {length} tokens")
        if start == end:
            raise ValueError(f"{name} is empty: it starts and ends at token {start}; give it at least one token")
    for (name, (start, end)), (next_name, (next_start, next_end)) in itertools.pairwise(named):
        if next_start < end:
            how = "overlaps" if start < next_end else "comes before"
            raise ValueError(
                f"{next_name} (tokens {next_start} to {next_end}) {how} {name} (tokens {start} to {end}); "
                "give ranges in order, each starting at or after the end of the one before"
            )
    starts = np.array([start for _, (start, _) in named])
    return _segments(np.arange(length), starts)


def split_text(
    text: str,
    offsets: Sequence[tuple[int, int]],
    *,
    separator: str = "\n",
    demonstrations: int | None = None,
) -> Int[Array, " n"]:
    r"""Segments of a prompt by a separator: the last piece of the text is the query, those before demonstrations.

    Blank pieces belong to the piece before, as separators do. A token belongs to the piece in which its first
    character lies; special tokens that stand for no character belong to the piece before, the first to the first.

    Args:
        text: the prompt.
        offsets: first and last character (excluded) of each token, as a tokenizer reports them.
        separator: between pieces.
        demonstrations: how many are expected; any number unless given.

    Raises:
        ValueError: the text is blank, the number of demonstrations is another, or a piece has no token of its own.

    Examples:
        >>> from lrgd_jax.decoder import split_text
        >>> split_text("a\nb", [(0, 1), (1, 2), (2, 3)]).tolist()  # the newline belongs to the first piece
        [0, 0, 1]
    """
    if not separator:
        raise ValueError("the separator is empty; give the text that stands between demonstrations, such as a newline")
    starts, at = [], 0
    for piece in text.split(separator):
        if piece.strip():
            starts.append(at)
        at += len(piece) + len(separator)
    if not starts:
        raise ValueError("the prompt is empty: there is no query")
    pieces = len(starts) - 1
    if demonstrations is not None and demonstrations != pieces:
        raise ValueError(
            f"{demonstrations} demonstrations were asked for, but the separator {separator!r} splits the prompt into "
            f"{pieces} and a query; change the number, the prompt or the separator"
        )
    segments = np.asarray(_segments(np.array([start for start, _ in offsets]), np.array(starts)))
    # special tokens report character 0 wherever they stand
    segments = np.maximum.accumulate(segments)
    for segment in range(pieces + 1):
        if segment not in segments:
            name = "the query" if segment == pieces else f"demonstration {segment + 1}"
            raise ValueError(f"{name} has no token of its own: one token holds it together with what stands before")
    return jnp.asarray(segments)


def _segments(places: np.ndarray, starts: np.ndarray) -> Int[Array, " n"]:
    """How many of the starts lie at or before each place, less one; at least 0."""
    return jnp.asarray(np.maximum(np.searchsorted(starts, places, side="right") - 1, 0), jnp.int32)
