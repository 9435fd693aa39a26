"""From scores to lists: seen items out, the best k in."""

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries

__all__ = ["NOBODY", "best", "without_seen"]

NOBODY = -1
"""Stands in a list where there are fewer candidates than places."""


def without_seen(scores: Float[np.ndarray, "q items"], queries: Queries) -> Float[np.ndarray, "q items"]:
    """A copy of the scores with -inf at what each query's user has, or took with the target.

    Raises:
        ValueError: the shape is not [queries, items].
    """
    if scores.ndim != 2 or len(scores) != len(queries):
        raise ValueError(f"scores for {len(queries)} queries have the shape {scores.shape}; expected [queries, items]")
    masked = np.array(scores, np.result_type(scores.dtype, np.float32))
    masked[queries.seen.owners, queries.seen.items] = -np.inf
    return masked


def best(scores: Float[np.ndarray, "q items"], k: int) -> Int[np.ndarray, "q k"]:
    """The k items with the highest scores, best first; among equal scores the lower number first.

    Items with score -inf are no candidates; where they are needed to fill a list, `NOBODY` stands instead.

    Raises:
        ValueError: k is not positive, or larger than the catalogue.
    """
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k = {k}: expected 1 to {scores.shape[1]}, the size of the catalogue")
    return np.array([_best_of(row, k) for row in scores], np.int64).reshape(-1, k)


def _best_of(row: Float[np.ndarray, " items"], k: int) -> Int[np.ndarray, " k"]:
    least = np.partition(row, len(row) - k)[len(row) - k]
    items = np.flatnonzero(row >= least)
    # a stable sort keeps the lower number first among equals
    chosen = items[np.argsort(-row[items], kind="stable")[:k]]
    return np.where(row[chosen] == -np.inf, NOBODY, chosen)
