"""How often each item was taken, in all and before a given time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["Popularity", "count_powers", "popularity"]


@dataclass(frozen=True)
class Popularity:
    """The interactions that are counted.

    Attributes:
        taken: one item an interaction, shape [m].
        times: times of the interactions, shape [m]; None where only the order is known.
        items: size of the catalogue.
    """

    taken: Int[np.ndarray, " m"]
    times: Int[np.ndarray, " m"] | None
    items: int

    @cached_property
    def counts(self) -> Float[np.ndarray, " items"]:
        """How often each item was taken, in all."""
        return np.bincount(self.taken, minlength=self.items).astype(np.float64)

    def before(self, times: Int[np.ndarray, " q"]) -> Float[np.ndarray, "q items"]:
        """How often each item was taken strictly before each time.

        Raises:
            ValueError: the interactions have no times.
        """
        ordered, distinct_row = np.unique(times, return_inverse=True)
        ends = np.searchsorted(self._by_time[0], ordered, side="left")
        rows = np.zeros((len(ordered), self.items))
        start, running = 0, np.zeros(self.items)
        for row, end in enumerate(ends):
            running = running + np.bincount(self._by_time[1][start:end], minlength=self.items)
            rows[row], start = running, end
        return rows[distinct_row]

    @cached_property
    def _by_time(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        """Times in order, and the items taken then."""
        if self.times is None:
            raise ValueError("these interactions have no times, so none can be held back; ask without times")
        order = np.argsort(self.times, kind="stable")
        return self.times[order], self.taken[order]


def popularity(sequences: Sequences, items: int) -> Popularity:
    """Counts every interaction of every list, the first ones too."""
    return Popularity(sequences.items, sequences.times, items)


def count_powers(counts: Float[np.ndarray, "*shape"], scaling: float) -> Float[np.ndarray, "*shape"]:
    r"""The factors $c^{-\beta}$ by which counts scale; an item that nobody took counts as taken once."""
    return np.maximum(counts, 1) ** -scaling
