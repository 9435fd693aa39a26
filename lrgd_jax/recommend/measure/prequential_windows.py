"""Prequential evaluation: time is cut into windows; each is first asked about, then learnt from."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.transitions import Transitions

__all__ = ["Window", "cut_windows", "fade_rates", "happened_before", "latest_before", "latest_entries"]


@dataclass(frozen=True)
class Window:
    """A piece of time and what is asked in it.

    Attributes:
        start: in seconds since 1970; whatever happened before may be known to who answers.
        end: the first second after it.
        queries: one an interaction in the window, but those of a list's first basket.
    """

    start: int
    end: int
    queries: Queries


def cut_windows(sequences: Sequences, count: int, first: float) -> list[Window]:
    """Cuts the later part of everybody's interactions into windows of about equally many.

    A query's history is all that comes before its basket in its user's list, in this window too: what the user did
    earlier is always known. What others did is for whoever answers to hold back.

    Args:
        sequences: one list a user, with times.
        count: number of the windows.
        first: the share of the interactions that come before the first window.

    Raises:
        ValueError: there are no times, the share lies outside (0, 1), or too few distinct times.

    Source:
        Dawid 1984, JRSS A 147 (prequential); Gama, Sebastião and Rodrigues 2013, Machine Learning 90(3).
    """
    times = sequences.seconds
    if count < 1 or not 0 < first < 1:
        raise ValueError(f"windows: expected one window or more after a share in (0, 1), got {count} and {first}")
    ordered = np.sort(times)
    at = (len(ordered) * (first + (1 - first) * np.arange(count) / count)).astype(np.int64)
    edges = np.append(ordered[at], ordered[-1] + 1)
    if (np.diff(edges) <= 0).any():
        raise ValueError(
            f"{count} windows need {count + 1} distinct times after the first {first:.0%} of the interactions; ask for "
            "fewer windows"
        )
    return [_window(sequences, int(start), int(end)) for start, end in pairwise(edges)]


def happened_before(demonstrations: Transitions, time: int) -> Bool[np.ndarray, " N"]:
    """Which demonstrations happened before a time.

    Raises:
        ValueError: the demonstrations have no times.
    """
    return _times(demonstrations) < time


def latest_before(demonstrations: Transitions, time: int, count: int) -> Bool[np.ndarray, " N"]:
    """The latest demonstrations before a time, at most so many, baskets whole; of several at one time the last listed.

    Raises:
        ValueError: the demonstrations have no times, or the count is not positive.
    """
    return _latest(_times(demonstrations), demonstrations.baskets, time, count)


def latest_entries(sequences: Sequences, time: int, count: int) -> Bool[np.ndarray, " m"]:
    """The latest entries before a time, at most so many, baskets whole; of several at one time the last stored.

    Raises:
        ValueError: there are no times, or the count is not positive.

    Examples:
        >>> lists = Sequences.from_lists([[0, 1, 2], [3]], [[1, 2, 2], [3]])
        >>> [lists.items[latest_entries(lists, 9, count)].tolist() for count in (1, 2, 3)]
        [[3], [3], [1, 2, 3]]
    """
    return _latest(sequences.seconds, sequences.basket_starts, time, count)


def _latest(
    times: Int[np.ndarray, " N"], baskets: Int[np.ndarray, " N"] | None, time: int, count: int
) -> Bool[np.ndarray, " N"]:
    """Baskets are numbers, equal within one, whose members are neighbours."""
    if count < 1:
        raise ValueError(f"latest: expected a positive number of them, got {count}")
    order = np.argsort(times, kind="stable")
    end = int(np.searchsorted(times[order], time))
    start = max(0, end - count)
    if baskets is not None:
        while 0 < start < end and baskets[order[start]] == baskets[order[start - 1]]:
            start += 1
    chosen = np.zeros(len(times), bool)
    chosen[order[start:end]] = True
    return chosen


def fade_rates(
    demonstrations: Transitions, time: int, edges: Int[np.ndarray, " w"], decay: float
) -> Float[np.ndarray, " N"]:
    r"""Rates that fade by $1-\eta\lambda$ with every window that was learnt from after a demonstration.

    One more step a window with weight decay, $W\leftarrow(1-\eta\lambda)W + \sum_{i\in\text{window}}y_ix_i^\top$,
    leaves exactly these.

    Args:
        demonstrations: some may lie after `time`; choose among them by `earlier`.
        time: now.
        edges: the starts of the windows.
        decay: eta lambda.

    Raises:
        ValueError: the demonstrations have no times, or the decay lies outside [0, 1).

    Source:
        Claim `weight-decay-is-retention`.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"the decay must lie in [0, 1), got {decay}")
    past = np.sort(edges[edges < time])
    ages = len(past) - np.searchsorted(past, _times(demonstrations), side="right")
    return demonstrations.rates * (1 - decay) ** ages


def _window(sequences: Sequences, start: int, end: int) -> Window:
    times = sequences.seconds
    entries = np.flatnonzero((times >= start) & (times < end) & (sequences.before > 0))
    return Window(start, end, Queries.at(sequences, entries))


def _times(demonstrations: Transitions) -> Int[np.ndarray, " N"]:
    if demonstrations.times is None:
        raise ValueError("these demonstrations have only an order; bring data with timestamps")
    return demonstrations.times
