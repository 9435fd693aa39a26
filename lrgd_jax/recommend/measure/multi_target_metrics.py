"""How good a ranking is where several items are wanted: recall, average precision and gain, expected over ties.

Tied items stand in random order, and every value is the exact expectation over these orders; without ties it is the
plain metric. Where all candidates tie, the scores say nothing and the value is 0, as with one wanted item.

Source: McSherry and Najork 2008 (the expectations under ties).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["average_precision", "normalised_gain", "recall"]


class _Places(NamedTuple):
    """The first k places of one query.

    Attributes:
        rank: 1 to k, or to the last candidate.
        wanted: the chance that a wanted item stands there.
        before: given that, how many wanted items are expected at better places.
        total: how many items are wanted.
    """

    rank: Float[np.ndarray, " p"]
    wanted: Float[np.ndarray, " p"]
    before: Float[np.ndarray, " p"]
    total: int


def recall(
    scores: Float[np.ndarray, "q items"], wanted: Sequences, k: int, seen: Sequences | None = None
) -> Float[np.ndarray, " q"]:
    """The share of the wanted items among the first k.

    Args:
        scores: the higher, the better; -inf says: no candidate.
        wanted: for each query at least one item.
        k: length of the lists.
        seen: for each query the items that are no candidates either; a wanted one among them stays wanted.

    Raises:
        ValueError: k is not 1 to the size of the catalogue, a query wants nothing, or a score is NaN or +inf.
    """
    return _value_of_each(scores, wanted, k, seen, lambda at: at.wanted.sum() / at.total)


def average_precision(
    scores: Float[np.ndarray, "q items"], wanted: Sequences, k: int, seen: Sequences | None = None
) -> Float[np.ndarray, " q"]:
    """The precision at each wanted item among the first k, summed and divided by the number of wanted items.

    Args: and Raises: as of `recall`. Its mean over queries is MAP@k.
    """
    return _value_of_each(scores, wanted, k, seen, lambda at: (at.wanted * (1 + at.before) / at.rank).sum() / at.total)


def normalised_gain(
    scores: Float[np.ndarray, "q items"], wanted: Sequences, k: int, seen: Sequences | None = None
) -> Float[np.ndarray, " q"]:
    """NDCG@k: sum of 1/log2(1 + rank) over the wanted items among the first k, over the best possible sum.

    Args: and Raises: as of `recall`.
    """

    def value(at: _Places) -> float:
        best = 1 / np.log2(2 + np.arange(min(at.total, k)))
        return (at.wanted / np.log2(1 + at.rank)).sum() / best.sum()

    return _value_of_each(scores, wanted, k, seen, value)


def _value_of_each(
    scores: Float[np.ndarray, "q items"],
    wanted: Sequences,
    k: int,
    seen: Sequences | None,
    value: Callable[[_Places], float],
) -> Float[np.ndarray, " q"]:
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k = {k}: expected 1 to {scores.shape[1]}, the size of the catalogue")
    if len(wanted) != len(scores) or (seen is not None and len(seen) != len(scores)):
        raise ValueError(f"{len(scores)} rows of scores do not fit {len(wanted)} lists of wanted items, or those seen")
    if not (wanted.lengths > 0).all():
        raise ValueError("a query wants no item at all; leave it out")
    if not (scores < np.inf).all():
        raise ValueError("a score is NaN or infinite; -inf alone is allowed, and says that an item is no candidate")
    values = np.zeros(len(scores))
    for query, row in enumerate(scores):
        hidden = np.zeros(0, np.int64) if seen is None else seen.of(query)
        values[query] = value(_places(row, np.unique(wanted.of(query)), hidden, k))
    return values


def _places(
    row: Float[np.ndarray, " items"], wanted: Int[np.ndarray, " w"], hidden: Int[np.ndarray, " h"], k: int
) -> _Places:
    """Places in groups of equal scores: n of them after t others, r wanted of the n and w wanted before."""
    candidate = row > -np.inf
    candidate[hidden] = False
    marked: Bool[np.ndarray, " items"] = np.zeros(len(row), bool)
    marked[wanted] = True
    levels, group = np.unique(-row[candidate], return_inverse=True)
    if len(levels) == 1 < len(group):
        return _Places(np.zeros(0), np.zeros(0), np.zeros(0), len(wanted))
    n, r = np.bincount(group), np.bincount(group, marked[candidate])
    t, w = np.cumsum(n) - n, np.cumsum(r) - r
    which = np.repeat(np.arange(len(n)), n)[:k]
    rank = 1.0 + np.arange(len(which))
    # i - 1 places of the group come before; each holds another wanted item with chance (r - 1) / (n - 1)
    inside = (rank - 1 - t[which]) * (r[which] - 1) / np.maximum(n[which] - 1, 1)
    return _Places(rank, r[which] / n[which], w[which] + inside, len(wanted))
