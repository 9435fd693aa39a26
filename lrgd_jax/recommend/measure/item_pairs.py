"""Which items went together in somebody's list, in all and before a given time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp
from jaxtyping import Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["Pairs"]


@dataclass(frozen=True)
class Pairs:
    """Which items went together, one entry for every time they did, ordered by source and then by time.

    Attributes:
        starts: the pairs of source item j are starts[j] to starts[j + 1], shape [items + 1].
        targets: shape [p].
        times: times of the later of the two events, shape [p]; None where only the order is known.
    """

    starts: Int[np.ndarray, " items1"]
    targets: Int[np.ndarray, " p"]
    times: Int[np.ndarray, " p"] | None

    @classmethod
    def of(cls, context: Sequences, items: int, *, kind: Literal["together", "next"]) -> "Pairs":
        """All pairs of different items within a list, both ways; or each item with those of the next basket.

        Args:
            context: one list a user.
            items: size of the catalogue.
            kind: "together" for item-kNN, "next" for a Markov chain.
        """
        earlier, later = _positions(context, kind)
        differ = context.items[earlier] != context.items[later]
        earlier, later = earlier[differ], later[differ]
        source, target = context.items[earlier], context.items[later]
        times = None if context.times is None else context.times[later]
        if kind == "together":
            source, target = np.concatenate([source, target]), np.concatenate([target, source])
            times = None if times is None else np.tile(times, 2)
        paired = Sequences.from_entries(source, target, times, items)
        return cls(paired.starts, paired.items, paired.times)

    @cached_property
    def counts(self) -> sp.csr_array:
        """C, all times together, sparse."""
        size = len(self.starts) - 1
        entries = np.ones(len(self.targets)), self.targets, self.starts
        # a copy, as duplicates are summed in place, which numbers of 32 bits would not survive
        counts = sp.csr_array(entries, shape=(size, size), copy=True)
        counts.sum_duplicates()
        return counts

    def before(self, sources: Int[np.ndarray, " h"], times: Int[np.ndarray, " h"]) -> Int[np.ndarray, " h"]:
        """Where in the list of each source its pairs from before a time end."""
        moments, keys = self._keys
        return np.searchsorted(keys, sources * (len(moments) + 1) + np.searchsorted(moments, times))

    @cached_property
    def _keys(self) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " p"]]:
        """The moments at which pairs happened, and one number a pair that grows with source and moment."""
        if self.times is None:
            raise ValueError("these pairs have no times; they cannot be cut before one")
        moments, which = np.unique(self.times, return_inverse=True)
        return moments, np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts)) * (len(moments) + 1) + which


def _positions(
    context: Sequences, kind: Literal["together", "next"]
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """The entries of each pair, the earlier and the later."""
    places, list_ends = np.arange(len(context.items)), context.starts[1:][context.owners]
    begin = places + 1 if kind == "together" else context.basket_ends
    end = list_ends if kind == "together" else np.append(context.basket_ends, 0)[begin]
    reach = np.where(begin < list_ends, end - begin, 0)
    earlier = np.repeat(places, reach)
    first = np.cumsum(reach) - reach
    return earlier, np.repeat(begin, reach) + np.arange(len(earlier)) - np.repeat(first, reach)
