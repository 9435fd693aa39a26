"""Items in the order of what the initial weights say without a history, while their counts change one by one."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.popularity import count_powers

__all__ = ["PopularOrder"]

LATE = 256
"""So many items may have changed since all were put in order."""


class PopularOrder:
    r"""Scores $w c\,c^{-\beta}$ of all items, and which of them are the largest.

    Args:
        counts: c, how often each item was taken.
        meta: has w and beta.

    Attributes:
        constant: w c, shape [items].
        scales: $c^{-\beta}$, shape [items].

    Examples:
        >>> order = PopularOrder(np.array([5.0, 1.0, 7.0]), Meta())
        >>> order.first(2).tolist()
        [2, 0]
        >>> order.change({1}, np.array([5.0, 9.0, 7.0]))
        >>> sorted(order.first(1).tolist())
        [0, 1, 2]
    """

    def __init__(self, counts: Float[np.ndarray, " items"], meta: Meta) -> None:
        self._meta = meta
        self.constant, self.scales = meta.popularity * counts, count_powers(counts, meta.target_scaling)
        self._sort()

    def change(self, items: Collection[int], counts: Float[np.ndarray, " items"]) -> None:
        """Reads the counts of some items anew."""
        at = np.fromiter(items, np.int64, len(items))
        self.constant[at] = self._meta.popularity * counts[at]
        self.scales[at] = count_powers(counts[at], self._meta.target_scaling)
        self._late.update(items)
        if len(self._late) > LATE:
            self._sort()
        else:
            self._late_items = np.fromiter(self._late, np.int64, len(self._late))

    def first(self, count: int) -> Int[np.ndarray, " n"]:
        """The first so many, among equal ones those with lower numbers, and perhaps others; some may come twice."""
        if not len(self._late_items):
            return self._order[:count]
        return np.concatenate([self._late_items, self._order[: count + len(self._late_items)]])

    def _sort(self) -> None:
        # a stable sort keeps the lower number first among equals
        self._order = np.argsort(-(self.constant * self.scales), kind="stable")
        self._late: set[int] = set()
        self._late_items = np.zeros(0, np.int64)
