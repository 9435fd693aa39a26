"""How good a ranking is for one wanted item: hit rate, gain and reciprocal rank, with ties handled openly.

A score may tie the wanted item with others. Two readings, and every function says which it takes:

* *mean rank* (the default everywhere): the tied items share the mean of their places, so the item's rank may be a half.
* *expected*: the metric's expectation where the tied items are put into random order, exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["Places", "concatenate_places", "hit_rate", "mean_rank", "ndcg", "places", "reciprocal_rank"]

Gain: TypeAlias = Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]
"""What ranks are worth."""


@dataclass(frozen=True)
class Places:
    """Where the wanted items stand among the candidates of their queries.

    Attributes:
        above: how many candidates score more, shape [q].
        tied: how many others score the same, shape [q].
        candidates: how many there are, the wanted one included where it is one, shape [q].
        excluded: where the wanted item is no candidate (seen before), so that it can be no hit, shape [q].
    """

    above: Int[np.ndarray, " q"]
    tied: Int[np.ndarray, " q"]
    candidates: Int[np.ndarray, " q"]
    excluded: Bool[np.ndarray, " q"]

    def __len__(self) -> int:
        return len(self.above)


def places(
    scores: Float[np.ndarray, "q items"], targets: Int[np.ndarray, " q"], seen: Sequences | None = None
) -> Places:
    """Counts the candidates above and beside the wanted items.

    Args:
        scores: the higher, the better; -inf says: no candidate.
        targets: the wanted items.
        seen: for each query the items that are no candidates either; None for none.

    Raises:
        ValueError: a score is NaN or +inf, a target is no item, or the shapes do not fit.
    """
    if scores.ndim != 2 or targets.shape != scores.shape[:1]:
        raise ValueError(f"scores [q, items] and targets [q] do not fit: {scores.shape} and {targets.shape}")
    if len(targets) and (targets.min() < 0 or targets.max() >= scores.shape[1]):
        raise ValueError(f"a target is no item: expected 0 to {scores.shape[1] - 1}")
    # row by row: a row stays in the cache, and counting in one dimension is many times faster than along an axis
    rows = [_counts(row, target) for row, target in zip(scores, targets, strict=True)]
    above, level, candidates = np.array(rows, np.int64).reshape(-1, 3).T
    own = scores[np.arange(len(scores)), targets]
    excluded = own == -np.inf
    if seen is not None:
        queries, items = _pairs(seen, scores.shape[1])
        hidden = scores[queries, items]
        above = above - np.bincount(queries, hidden > own[queries], len(scores)).astype(np.int64)
        level = level - np.bincount(queries, hidden == own[queries], len(scores)).astype(np.int64)
        candidates = candidates - np.bincount(queries, hidden > -np.inf, len(scores)).astype(np.int64)
        excluded = excluded | (np.bincount(queries, items == targets[queries], len(scores)) > 0)
    return Places(above, np.where(excluded, 0, level - 1), candidates, excluded)


def concatenate_places(parts: Sequence[Places]) -> Places:
    """The places of blocks of queries, one after the other."""
    return Places(*(np.concatenate([getattr(x, name) for x in parts]) for name in Places.__annotations__))


def _counts(row: Float[np.ndarray, " items"], target: int) -> tuple[int, int, int]:
    """How many items score more than the target, how many as much (itself among them), and how many are candidates."""
    if not row.max() < np.inf:
        raise ValueError("a score is NaN or infinite; -inf alone is allowed, and says that an item is no candidate")
    own = row[target]
    above = int(np.count_nonzero(row > own))
    candidates = len(row) if row.min() > -np.inf else int(np.count_nonzero(row > -np.inf))
    return above, int(np.count_nonzero(row >= own)) - above, candidates


def _pairs(lists: Sequences, items: int) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """Each item of each list once: the number of the list, and the item."""
    keys = np.unique(lists.owners * items + lists.items)
    return keys // items, keys % items


def mean_rank(where: Places) -> Float[np.ndarray, " q"]:
    """1 + above + tied / 2: ties at the mean of their places.

    Infinite where the wanted item is no candidate, and where *all* candidates tie: such scores say nothing, and a
    constant score vector must never be a hit, however small the catalogue.
    """
    rank = 1.0 + where.above + where.tied / 2
    silent = (where.above == 0) & (where.tied + 1 == where.candidates) & (where.candidates > 1)
    return np.where(where.excluded | silent, np.inf, rank)


def hit_rate(where: Places, k: int, *, expected: bool = False) -> Float[np.ndarray, " q"]:
    """1 where the wanted item is among the first k; expected: the share of the orders of the tied where it is.

    With one wanted item a query this is Recall@k too.

    Raises:
        ValueError: k is not positive.
    """
    return _gain(where, k, np.ones_like, expected)


def ndcg(where: Places, k: int, *, expected: bool = False) -> Float[np.ndarray, " q"]:
    """1/log2(1 + rank) where rank <= k; the best possible is 1, so it is normalised.

    Raises:
        ValueError: k is not positive.
    """
    return _gain(where, k, lambda rank: 1 / np.log2(1 + rank), expected)


def reciprocal_rank(where: Places, k: int, *, expected: bool = False) -> Float[np.ndarray, " q"]:
    """1/rank where rank <= k. With one wanted item a query this is MAP@k too.

    Raises:
        ValueError: k is not positive.
    """
    return _gain(where, k, lambda rank: 1 / rank, expected)


def _gain(where: Places, k: int, gain: Gain, expected: bool) -> Float[np.ndarray, " q"]:
    if k < 1:
        raise ValueError(f"k = {k}: expected a positive number of places")
    if not expected:
        rank = mean_rank(where)
        return np.where(rank <= k, gain(np.where(rank <= k, rank, 1.0)), 0.0)
    total = np.concatenate([[0.0], np.cumsum(gain(np.arange(1.0, k + 1)))])
    first, last = np.minimum(where.above, k), np.minimum(where.above + where.tied + 1, k)
    return np.where(where.excluded, 0.0, (total[last] - total[first]) / (where.tied + 1))
