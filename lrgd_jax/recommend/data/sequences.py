"""Ordered lists of items, such as everybody's history, stored one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

__all__ = ["Sequences", "require_times"]


@dataclass(frozen=True)
class Sequences:
    """Ordered lists of items, one a user or one a query, oldest first, stored one after the other.

    Attributes:
        starts: list i holds the entries starts[i] to starts[i + 1]; shape [n + 1], starts[0] = 0.
        items: shape [m].
        times: seconds since 1970, not decreasing within a list, shape [m]; None where only the order is known.

    Examples:
        >>> lists = Sequences.from_lists([[3, 1], [2]])
        >>> len(lists), lists.of(0).tolist(), lists.owners.tolist()
        (2, [3, 1], [0, 0, 1])
    """

    starts: Int[np.ndarray, " n1"]
    items: Int[np.ndarray, " m"]
    times: Int[np.ndarray, " m"] | None = None

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

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]], times: Sequence[Sequence[int]] | None = None) -> "Sequences":
        """From one Python list each, oldest first."""
        starts = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.int64)])
        flat = [np.array([x for one in part for x in one], np.int64) for part in (lists, times) if part is not None]
        return cls(starts, *flat)

    @classmethod
    def from_entries(
        cls,
        owners: Int[np.ndarray, " m"],
        items: Int[np.ndarray, " m"],
        times: Int[np.ndarray, " m"] | None,
        count: int,
    ) -> "Sequences":
        """From entries in any order: ordered by owner, then by time, ties as they came; lists may be empty.

        Args:
            owners: which list each entry goes to.
            items: the entries.
            times: their times; None keeps their order.
            count: number of the lists.
        """
        order = np.argsort(owners, kind="stable") if times is None else np.lexsort((times, owners))
        starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])
        return cls(starts, items[order], None if times is None else times[order])

    def take(self, indices: Int[np.ndarray, " k"]) -> "Sequences":
        """Some of the lists, in the order of `indices`."""
        lengths = self.lengths[indices]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        where = np.repeat(self.starts[indices] - starts[:-1], lengths) + np.arange(starts[-1])
        return Sequences(starts, self.items[where], None if self.times is None else self.times[where])

    def block(self, rows: slice) -> "Sequences":
        """Some neighbouring lists."""
        starts = self.starts[rows.start : rows.stop + 1]
        entries = slice(starts[0], starts[-1])
        times = None if self.times is None else self.times[entries]
        return Sequences(starts - starts[0], self.items[entries], times)

    def without_times(self) -> "Sequences":
        """The same lists, of which only the order is known."""
        return Sequences(self.starts, self.items)

    def beginnings(self, lengths: Int[np.ndarray, " n"]) -> "Sequences":
        """The first entries of each list, so many of each; none where a length is not positive."""
        kept = self.positions < lengths[self.owners]
        starts = np.concatenate([[0], np.cumsum(np.clip(lengths, 0, self.lengths))])
        return Sequences(starts, self.items[kept], None if self.times is None else self.times[kept])


def require_times(times: Int[np.ndarray, " m"] | None) -> Int[np.ndarray, " m"]:
    """The times.

    Raises:
        ValueError: only the order is known.
    """
    if times is None:
        raise ValueError("these data have no times, only an order; bring data with timestamps")
    return times
