"""Questions and demonstrations side by side: a history, what came next, whose it was and when."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["NOTHING", "Events", "events_of_queries", "events_of_sequences"]

NOTHING = -1
"""Stands where a history is shorter than the window."""


@dataclass(frozen=True)
class Events:
    """Items that were taken, each with what its user had before.

    Attributes:
        histories: the latest items before, latest first, then `NOTHING`; shape [n, window].
        ages: how many items of later baskets each has; shape [n, window].
        targets: what came next; shape [n].
        users: whose; shape [n].
        times: when, in seconds since 1970; None where only the order is known; shape [n].

    Examples:
        >>> events = events_of_sequences(Sequences.from_lists([[3, 1, 2]], [[5, 9, 9]]), window=2)
        >>> events.histories.tolist(), events.targets.tolist()
        ([[3, -1], [3, -1]], [1, 2])
    """

    histories: Int[np.ndarray, "n window"]
    ages: Int[np.ndarray, "n window"]
    targets: Int[np.ndarray, " n"]
    users: Int[np.ndarray, " n"]
    times: Int[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, which: Int[np.ndarray, " k"] | Bool[np.ndarray, " n"]) -> "Events":
        """Some of them, by number or by a mask."""
        times = None if self.times is None else self.times[which]
        return Events(self.histories[which], self.ages[which], self.targets[which], self.users[which], times)


def events_of_sequences(sequences: Sequences, window: int) -> Events:
    """Every transition of everybody's list: a target for each item but those of the first basket.

    Args:
        sequences: one list a user, oldest first.
        window: how many of the latest items before a target are kept.
    """
    later = np.flatnonzero(sequences.before > 0)
    ends, lengths = sequences.basket_starts[later], sequences.before[later]
    histories, ages = _windows(sequences, ends, lengths, window)
    times = None if sequences.times is None else sequences.times[later]
    return Events(histories, ages, sequences.items[later], sequences.owners[later], times)


def events_of_queries(queries: Queries, window: int) -> Events:
    """The questions of a split; a history may be empty.

    Args:
        queries: each with what is known before its target.
        window: how many of the latest items are kept.
    """
    lists = queries.histories
    histories, ages = _windows(lists, lists.starts[1:], lists.lengths, window)
    return Events(histories, ages, queries.targets, queries.users, queries.times)


def _windows(
    lists: Sequences, ends: Int[np.ndarray, " n"], lengths: Int[np.ndarray, " n"], window: int
) -> tuple[Int[np.ndarray, "n window"], Int[np.ndarray, "n window"]]:
    """The latest items before each end and their ages, latest first; of a basket that does not fit, a part."""
    kept, entries, entry_ages = lists.latest(ends, lengths, window)
    rows = np.repeat(np.arange(len(ends)), kept)
    places = np.arange(len(entries)) - np.repeat(np.cumsum(kept) - kept, kept)
    inside = places < window
    histories = np.full((len(ends), window), NOTHING, np.int32)
    ages = np.zeros((len(ends), window), np.int32)
    histories[rows[inside], places[inside]] = lists.items[entries[inside]]
    ages[rows[inside], places[inside]] = entry_ages[inside]
    return histories, ages
