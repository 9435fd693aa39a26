"""Scores of the whole catalogue, held sparsely: what demonstrations speak for, and one row for everything else."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep, row_blocks
from lrgd_jax.recommend.measure.metrics import Places, concatenate_places
from lrgd_jax.recommend.sparse_matrices import product, row_numbers, rows_of

__all__ = ["SparseScores", "all_places", "seen_items", "sparse_blocks"]

BLOCK = 2048
"""Queries that are scored together."""


@dataclass(frozen=True)
class SparseScores:
    """Scores of every item for some queries.

    Attributes:
        touched: scores of the items that a demonstration speaks for, and -inf at those the user has seen, [q, items].
        base: the score of every other item, the same for all queries, shape [items].
    """

    touched: sp.csr_array
    base: Float[np.ndarray, " items"]

    @property
    def rows(self) -> Int[np.ndarray, " m"]:
        """Rows of the stored entries."""
        return row_numbers(self.touched)

    def of(self, targets: Int[np.ndarray, " q"]) -> Float[np.ndarray, " q"]:
        """The score of one item a query; -inf where it was seen."""
        own = self.base[targets].copy()
        rows = self.rows
        there = np.flatnonzero(self.touched.indices == targets[rows])
        own[rows[there]] = self.touched.data[there]
        return own

    def places(self, targets: Int[np.ndarray, " q"]) -> Places:
        """Where the wanted items stand among all items that were not seen.

        Counts the stored entries one by one and the others by their place in the sorted base: exact.
        """
        own, rows = self.of(targets), self.rows
        stored, base = self.touched.data, self.base[self.touched.indices]
        order = np.sort(self.base)
        all_above = len(order) - np.searchsorted(order, own, side="right")
        all_tied = np.searchsorted(order, own, side="right") - np.searchsorted(order, own, side="left")
        above = all_above + _count(rows, (stored > own[rows]).astype(int) - (base > own[rows]), len(own))
        tied = all_tied + _count(rows, (stored == own[rows]).astype(int) - (base == own[rows]), len(own))
        excluded = own == -np.inf
        candidates = len(self.base) - _count(rows, stored == -np.inf, len(own))
        return Places(np.where(excluded, candidates, above), np.where(excluded, 0, tied - 1), candidates, excluded)

    def best(
        self, count: int, without: Int[np.ndarray, " q"] | None = None
    ) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
        """Rows, columns and scores of each query's best items that a demonstration speaks for, seen ones left out.

        Args:
            count: how many at most.
            without: one item a query that is left out too.
        """
        rows, columns, scores = self.rows, self.touched.indices, self.touched.data
        kept = scores > -np.inf
        if without is not None:
            kept &= columns != without[rows]
        rows, columns, scores = rows[kept], columns[kept], scores[kept]
        ends = np.cumsum(np.bincount(rows, minlength=rows_of(self.touched)))
        falling = np.negative(scores)
        chosen = [
            start
            + (np.argpartition(falling[start:end], count)[:count] if end - start > count else np.arange(end - start))
            for start, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)
        ]
        which = np.concatenate(chosen)
        return rows[which], columns[which], scores[which]


def sparse_blocks(model: OneStep, queries: Queries, block: int = BLOCK) -> Iterator[tuple[slice, SparseScores]]:
    """The scores block by block: those of `OneStep.dual_scores`, bit by bit, with seen items at -inf.

    Raises:
        ValueError: the initial weights use texts, which speak for every item.
    """
    if model.initial.vectors is not None and model.initial.similarity_weight:
        raise ValueError("scores are sparse without text similarity only; set similarity_weight to 0")
    constant, scales = model.initial.constant_scores()[0], model.target_scales()
    keys, seen = model.queries(queries.histories), seen_items(queries, model.items)
    for rows in row_blocks(len(queries), block):
        carried = product(keys[rows], model.dual_weights)
        carried.data = (carried.data + constant[carried.indices]) * scales[carried.indices]
        # an infinity survives the sum with whatever is stored there
        yield rows, SparseScores(sp.csr_array(carried + seen[rows]), constant * scales)


def all_places(model: OneStep, queries: Queries) -> Places:
    """Where the wanted items of all queries stand; those of `lrgd_jax.recommend.measure.evaluate`, in less time."""
    return concatenate_places([scores.places(queries.targets[rows]) for rows, scores in sparse_blocks(model, queries)])


def seen_items(queries: Queries, items: int) -> sp.csr_array:
    """-inf at what each query's user has, or took with the target, shape [q, items]."""
    histories = queries.seen
    entries = np.ones(len(histories.items)), histories.items, histories.starts
    # a copy, as duplicates are summed in place
    seen = sp.csr_array(entries, shape=(len(queries), items), copy=True)
    seen.sum_duplicates()
    seen.data[:] = -np.inf
    return seen


def _count(rows: Int[np.ndarray, " m"], weights: np.ndarray, count: int) -> Int[np.ndarray, " q"]:
    return np.rint(np.bincount(rows, weights, minlength=count)).astype(np.int64)
