"""Many short continuations as rows of tokens: packed one after another, so that nothing but a row's end is padding."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

__all__ = ["Packed", "pack", "padded_length"]


class Packed(NamedTuple):
    """Rows of candidates, b in each; of a candidate's tokens all but the last are read, each to predict the next.

    Attributes:
        tokens: that are read, T a row.
        offsets: how many tokens of the same candidate stand before.
        owners: which candidate of the row a token belongs to; -1 for padding.
        targets: the token that follows.
        firsts: the first token of every candidate.
        places: where in the row the tokens of every candidate are read, in order.
        read: whether there is such a token.
    """

    tokens: Int[Array, "rows T"]
    offsets: Int[Array, "rows T"]
    owners: Int[Array, "rows T"]
    targets: Int[Array, "rows T"]
    firsts: Int[Array, "rows b"]
    places: Int[Array, "rows b longest"]
    read: Bool[Array, "rows b longest"]


def padded_length(length: int, most: int | None = None) -> int:
    """The length itself up to 8, then the next of 10, 12, 14, 16, 20, 24, 28, 32, …; never above `most`.

    At most a fifth is padding, and between n and 2 n lie five such lengths at most.
    """
    step = 1 << max(0, (length - 1).bit_length() - 3)
    padded = -(-length // step) * step
    return padded if most is None else min(padded, most)


def pack(candidates: Sequence[Int[np.ndarray, " _"]], batch: int) -> Packed:
    """Packs candidates into rows of `batch`; missing ones in the last row are padding.

    Args:
        candidates: ids of one or more tokens each.
        batch: candidates a row.
    """
    rows = [candidates[i : i + batch] for i in range(0, len(candidates), batch)]
    width = padded_length(max(sum(len(c) - 1 for c in row) for row in rows))
    longest = padded_length(max(len(c) for c in candidates) - 1)
    packed = [_row(row, batch, width, longest) for row in rows]
    return Packed(*(jnp.asarray(np.stack(parts)) for parts in zip(*packed, strict=True)))


def _row(row: Sequence[Int[np.ndarray, " _"]], batch: int, width: int, longest: int) -> tuple[np.ndarray, ...]:
    tokens, offsets, targets = (np.zeros(width, np.int32) for _ in range(3))
    owners = np.full(width, -1, np.int32)
    firsts, places = np.zeros(batch, np.int32), np.zeros((batch, longest), np.int32)
    read = np.zeros((batch, longest), bool)
    end = 0
    for i, candidate in enumerate(row):
        start, end = end, end + len(candidate) - 1
        tokens[start:end], targets[start:end] = candidate[:-1], candidate[1:]
        offsets[start:end], owners[start:end] = np.arange(end - start), i
        firsts[i], places[i, : end - start], read[i, : end - start] = candidate[0], np.arange(start, end), True
    return tokens, offsets, owners, targets, firsts, places, read
