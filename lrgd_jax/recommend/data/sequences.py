"""Ordered lists of items, such as everybody's history, stored one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

__all__ = ["Sequences", "require_times"]


@dataclass(frozen=True)
class Sequences:
    """Ordered lists of items, one a user or one a query, oldest first, stored one after the other.

    Entries of a list that share a time are a *basket*: they have no order, whatever order they are stored in. What came
    before an entry is what came before its basket, and its age counts the entries of later baskets.

    Attributes:
        starts: list i holds the entries starts[i] to starts[i + 1]; shape [n + 1], starts[0] = 0.
        items: shape [m].
        times: seconds since 1970, not decreasing within a list, shape [m]; None where only the order is known.
        moments: read in place of the times where there are none: numbers that do not decrease within a list, equal
            within a basket, which say nothing across lists, shape [m]; None where every entry has a time of its own.
        ordered: whether entries of a basket count in the order in which they are stored all the same.

    Examples:
        >>> lists = Sequences.from_lists([[3, 1], [2]])
        >>> len(lists), lists.of(0).tolist(), lists.owners.tolist()
        (2, [3, 1], [0, 0, 1])
        >>> baskets = Sequences.from_lists([[3, 1, 2]], [[5, 9, 9]])
        >>> baskets.before.tolist(), baskets.ages.tolist()
        ([0, 1, 1], [2, 0, 0])
    """

    starts: Int[np.ndarray, " n1"]
    items: Int[np.ndarray, " m"]
    times: Int[np.ndarray, " m"] | None = None
    moments: Int[np.ndarray, " m"] | None = None
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, index: int) -> Int[np.ndarray, " length"]:
        """The items of one list."""
        return self.items[self.starts[index] : self.starts[index + 1]]

    @property
    def lengths(self) -> Int[np.ndarray, " n"]:
        """How many items each list has."""
        return np.diff(self.starts)

    @property
    def seconds(self) -> Int[np.ndarray, " m"]:
        """The times.

        Raises:
            ValueError: only the order is known.
        """
        return require_times(self.times)

    @property
    def owners(self) -> Int[np.ndarray, " m"]:
        """Which list each entry is of."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def positions(self) -> Int[np.ndarray, " m"]:
        """How many entries of its list come before each entry."""
        return np.arange(len(self.items)) - np.repeat(self.starts[:-1], self.lengths)

    @cached_property
    def tied(self) -> Bool[np.ndarray, " m"]:
        """Whether each entry shares its time with the entry before it in its list."""
        moments = self.moments if self.times is None else self.times
        if moments is None:
            return np.zeros(len(self.items), bool)
        return np.append(False, (np.diff(moments) == 0) & (np.diff(self.owners) == 0))[: len(self.items)]

    @property
    def knows_ties(self) -> bool:
        """Whether it is known which entries share a time."""
        return self.times is not None or self.moments is not None

    @cached_property
    def basket_starts(self) -> Int[np.ndarray, " m"]:
        """The first entry of each entry's basket; the entry itself where the order within baskets counts."""
        places = np.arange(len(self.items))
        return places if self.ordered else np.maximum.accumulate(np.where(self.tied, 0, places))

    @cached_property
    def basket_ends(self) -> Int[np.ndarray, " m"]:
        """The first entry after each entry's basket; the next one where the order within baskets counts."""
        places = np.arange(1, len(self.items) + 1)
        if self.ordered:
            return places
        goes_on = np.append(self.tied[1:], False)[: len(places)]
        return np.minimum.accumulate(np.where(goes_on, len(places), places)[::-1])[::-1]

    @property
    def basket_numbers(self) -> Int[np.ndarray, " m"]:
        """0, 1, … for the times of each list, stored order or not: what `moments` may hold."""
        rising = np.cumsum(~self.tied)
        return (
            rising - np.repeat(rising[np.minimum(self.starts[:-1], len(rising) - 1)], self.lengths)
            if len(rising)
            else rising
        )

    @property
    def before(self) -> Int[np.ndarray, " m"]:
        """How many entries of its list come before each entry's basket."""
        return self.basket_starts - np.repeat(self.starts[:-1], self.lengths)

    @property
    def ages(self) -> Int[np.ndarray, " m"]:
        """How many entries of its list come after each entry's basket."""
        return np.repeat(self.starts[1:], self.lengths) - self.basket_ends

    def latest(
        self, ends: Int[np.ndarray, " n"], lengths: Int[np.ndarray, " n"], window: int
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
        """The latest entries of beginnings of the lists: those after which fewer than `window` others come.

        A basket is taken as a whole or not at all, so that more than `window` entries may be taken.

        Args:
            ends: the first entry after each beginning, between two baskets.
            lengths: how many entries each has.
            window: a bound on ages.

        Returns:
            How many entries of each beginning are taken, these entries, latest first, and their ages.
        """
        kept = np.minimum(lengths, window)
        some = kept > 0
        kept[some] = ends[some] - np.maximum(self.basket_starts[ends[some] - kept[some]], (ends - lengths)[some])
        starts = np.cumsum(kept) - kept
        entries = np.repeat(ends, kept) - 1 - (np.arange(kept.sum()) - np.repeat(starts, kept))
        return kept, entries, np.repeat(ends, kept) - np.minimum(self.basket_ends[entries], np.repeat(ends, kept))

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]], times: Sequence[Sequence[int]] | None = None) -> "Sequences":
        """From one Python list each, oldest first."""
        starts = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.int64)])
        moments = None if times is None else _flat(times)
        return cls(starts, _flat(lists), moments)

    @classmethod
    def from_entries(
        cls,
        owners: Int[np.ndarray, " m"],
        items: Int[np.ndarray, " m"],
        times: Int[np.ndarray, " m"] | None,
        count: int,
        moments: Int[np.ndarray, " m"] | None = None,
    ) -> "Sequences":
        """From entries in any order: ordered by owner, then by time, ties as they came; lists may be empty.

        Args:
            owners: which list each entry goes to.
            items: the entries.
            times: their times; None keeps their order.
            count: number of the lists.
            moments: where there are no times, which entries of a list share one; None keeps their order.
        """
        by = moments if times is None else times
        order = np.argsort(owners, kind="stable") if by is None else np.lexsort((by, owners))
        starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])
        return cls(starts, items, times, moments).pick(starts, order)

    def pick(
        self, starts: Int[np.ndarray, " n1"], entries: Int[np.ndarray, " k"] | Bool[np.ndarray, " m"]
    ) -> "Sequences":
        """Other lists of some of the entries, with all that is known of each.

        Args:
            starts: where each list begins, and the end of the last.
            entries: which entries they hold, one list after the other.
        """
        times, moments = (None if x is None else x[entries] for x in (self.times, self.moments))
        return replace(self, starts=starts, items=self.items[entries], times=times, moments=moments)

    def take(self, indices: Int[np.ndarray, " k"]) -> "Sequences":
        """Some of the lists, in the order of `indices`."""
        lengths = self.lengths[indices]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        where = np.repeat(self.starts[indices] - starts[:-1], lengths) + np.arange(starts[-1])
        return self.pick(starts, where)

    def block(self, rows: slice) -> "Sequences":
        """Some neighbouring lists."""
        starts = self.starts[rows.start : rows.stop + 1]
        return self.pick(starts - starts[0], np.arange(starts[0], starts[-1]))

    def without_times(self) -> "Sequences":
        """The same lists, of which only the order of the baskets is known."""
        return replace(self, times=None, moments=self.moments if self.times is None else self.times)

    def beginnings(self, lengths: Int[np.ndarray, " n"]) -> "Sequences":
        """The first entries of each list, so many of each; none where a length is not positive."""
        kept = self.positions < lengths[self.owners]
        starts = np.concatenate([[0], np.cumsum(np.clip(lengths, 0, self.lengths))])
        return self.pick(starts, kept)


def _flat(lists: Sequence[Sequence[int]]) -> Int[np.ndarray, " m"]:
    return np.array([x for one in lists for x in one], np.int64)


def require_times(times: Int[np.ndarray, " m"] | None) -> Int[np.ndarray, " m"]:
    """The times.

    Raises:
        ValueError: only the order is known.
    """
    if times is None:
        raise ValueError("these data have no times, only an order; bring data with timestamps")
    return times
