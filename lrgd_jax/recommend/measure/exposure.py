"""Which items are shown at all: coverage and the Gini coefficient of how often."""

import numpy as np
from jaxtyping import Int

__all__ = ["coverage", "gini"]


def coverage(counts: Int[np.ndarray, " items"]) -> float:
    """The share of the catalogue that stood in somebody's list.

    Raises:
        ValueError: the catalogue is empty.
    """
    if not len(counts):
        raise ValueError("an empty catalogue has no coverage")
    return float(np.mean(counts > 0))


def gini(counts: Int[np.ndarray, " items"]) -> float:
    """0 where all items are shown equally often, (n - 1)/n where one item takes every place.

    G = sum_i (2 i - n - 1) x_(i) / (n sum_i x_i), x in increasing order.

    Raises:
        ValueError: nothing was shown.

    Source:
        Gini 1912, in the form for sorted values.
    """
    total = counts.sum()
    if total <= 0:
        raise ValueError("no item was shown, so there is no Gini coefficient")
    n = len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ np.sort(counts) / (n * total))
