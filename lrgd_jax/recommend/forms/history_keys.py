r"""Keys: what a history looks like to attention, recent items weighing more."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.sparse_matrices import row_lengths, row_numbers

__all__ = ["GRID", "LARGEST_POWER", "HistoryKeys", "on_grid", "require_power"]

GRID = 2.0**-32
"""Entries of keys are whole multiples of it, so that sums of up to 2^20 of them are exact in float64, in any order."""

COUNT_BITS = 53
"""No count of interactions, and no length of a key, reaches 2 to this power: it is exact in float64."""
LARGEST_POWER = (np.finfo(np.float64).maxexp - 1 + math.log2(GRID)) / COUNT_BITS
"""The largest power to which any count, divided by `GRID`, can be raised in float64, about 18.7."""


@dataclass(frozen=True)
class HistoryKeys:
    r"""One-hot items, weighted by their age and scaled by the key's own length.

    $$x = \frac{\sum_a \gamma^a\,e_{h_a}}{\|\sum_a \gamma^a\,e_{h_a}\|^\alpha},\qquad
    h_0 \text{ the latest item of the history}, a < \text{window}$$

    The decay is a weight decay inside the key: an item's part shrinks by gamma with every item that comes after it.
    Items of one basket do not come after one another, so they have one age, the number of items in later baskets, and
    are inside the window or outside together.

    Attributes:
        decay: gamma, above 0 and at most 1.
        scaling: alpha; 0 keeps the length, 1 makes it one.
        window: how many of the latest items count.
    """

    decay: float = 0.8
    scaling: float = 1.0
    window: int = 50

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise ValueError(f"the decay of a key must be above 0 and at most 1, got {self.decay}")
        if self.window < 1:
            raise ValueError(f"the window of a key must hold at least one item, got {self.window}")
        require_power("the scaling of a key", self.scaling)

    def of(self, histories: Sequences, items: int) -> sp.csr_array:
        """One key a history; a history without items has the key 0.

        Args:
            histories: oldest first.
            items: size of the catalogue.

        Returns:
            Shape [n, items].

        Raises:
            ValueError: an item is not in the catalogue.
        """
        return self.of_prefixes(histories, histories.starts[1:], histories.lengths, items)

    def of_one(self, history: Sequences, items: int) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The key of one history, as the items that it holds, in rising order, and their entries; see `of`.

        Raises:
            ValueError: an item is not in the catalogue.
        """
        taken = history.items[-self.window :]
        moments = None if history.ordered else history.moments if history.times is None else history.times
        tied = moments is not None and (moments[1:] == moments[:-1]).any()
        if self.scaling or tied or len(set(taken.tolist())) < len(taken) or not len(taken):
            key = self.of(history, items)
            return key.indices, key.data
        order = np.argsort(taken)
        if not 0 <= taken[order[0]] <= taken[order[-1]] < items:
            raise ValueError(f"items are numbered from 0 to {items - 1}, got {taken[order[0]]} to {taken[order[-1]]}")
        # no sums and no length to divide by
        return taken[order], on_grid(self.decay ** (len(taken) - 1 - order))

    def of_prefixes(
        self, lists: Sequences, ends: Int[np.ndarray, " n"], lengths: Int[np.ndarray, " n"], items: int
    ) -> sp.csr_array:
        """The keys of beginnings of lists: history i is the `lengths[i]` entries before `ends[i]`.

        Raises:
            ValueError: an item is not in the catalogue.
        """
        entries = lists.items
        if len(entries) and not 0 <= entries.min() <= entries.max() < items:
            raise ValueError(
                f"items are numbered from 0 to {items - 1}, got {entries.min()} to {entries.max()}; "
                "the histories belong to another catalogue"
            )
        kept, taken, ages = lists.latest(ends, lengths, self.window)
        starts = np.concatenate([[0], np.cumsum(kept)])
        keys = sp.csr_array((self._weights(ages), entries[taken], starts), shape=(len(ends), items))
        keys.sum_duplicates()
        return _scale(keys, self.scaling)

    def _weights(self, ages: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """The weight of an item by its age; powers are slow, and there are few ages."""
        return (self.decay ** np.arange(ages.max(initial=0) + 1))[ages]


def require_power(name: str, power: float) -> None:
    """Raises an error for a power of counts that no number of float64 is.

    Args:
        name: of the power, which begins the error.
        power: to which counts will be raised.

    Raises:
        ValueError: its magnitude is above `LARGEST_POWER`, or it is no number.
    """
    if not abs(power) <= LARGEST_POWER:
        raise ValueError(f"{name} must be from {-LARGEST_POWER:.1f} to {LARGEST_POWER:.1f}, got {power}")


def on_grid(entries: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """The nearest multiples of `GRID`."""
    return np.rint(entries / GRID) * GRID


def _scale(keys: sp.csr_array, scaling: float) -> sp.csr_array:
    keys.data = on_grid(keys.data / (row_lengths(keys) ** scaling)[row_numbers(keys)])
    return keys
