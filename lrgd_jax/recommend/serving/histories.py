"""Everybody's history by name: arrays as they were read, and beside them the histories that have changed since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences

__all__ = ["Histories", "History"]

NEW = -1
"""In place of the number of a list: the user came later, or has changed."""


@dataclass
class History:
    """One user's past.

    Attributes:
        items: oldest first.
        times: times of each, in seconds since 1970, or None.
        rates: rates of the transition into each item; items of the first basket have none, and theirs are not read.
        moments: numbers that do not decrease, equal for items of one basket: the times where there are any.
    """

    items: list[int]
    times: list[int] | None
    rates: list[float]
    moments: list[int]


class Histories(Mapping[str, History]):
    """Histories by the users' names, in the order in which the users came.

    What was read stays in arrays, a tenth of the size of lists; a history becomes lists when it first changes.

    Args:
        sequences: one list a user, with times or moments.
        users: their names, all different.
        rates: one an entry; all one unless given.

    Examples:
        >>> known = Histories(Sequences.from_lists([[3, 1], [2]]), ["Ada", "Bo"])
        >>> known.changing("Ada").items.append(2)
        >>> known["Ada"].items, list(known)
        ([3, 1, 2], ['Ada', 'Bo'])
    """

    def __init__(
        self, sequences: Sequences, users: Sequence[str], rates: Float[np.ndarray, " m"] | None = None
    ) -> None:
        if sequences.times is None:
            # numbers of baskets, whatever the moments were
            sequences = replace(sequences, moments=sequences.basket_numbers)
        self._read = replace(sequences, moments=sequences.moments if sequences.times is None else sequences.times)
        self._rates = rates
        self._places = {user: place for place, user in enumerate(users)}
        self._changed: dict[str, History] = {}
        self._as_read = True

    def __getitem__(self, user: str) -> History:
        place = self._places[user]
        if place == NEW:
            return self._changed[user]
        own = slice(self._read.starts[place], self._read.starts[place + 1])
        moments, items = _moments(self._read)[own].tolist(), self._read.items[own].tolist()
        rates = [1.0] * len(items) if self._rates is None else self._rates[own].tolist()
        return History(items, None if self._read.times is None else list(moments), rates, moments)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, user: object) -> bool:
        return user in self._places

    @property
    def timed(self) -> bool:
        """Whether every interaction has a time."""
        return self._read.times is not None

    @property
    def ordered(self) -> bool:
        """Whether interactions of one time count in the order in which they came all the same."""
        return self._read.ordered

    @property
    def falls(self) -> bool:
        """Whether the rate of a transition that was read is below zero."""
        return self._rates is not None and bool((self._rates < 0).any())

    def latest(self, user: str) -> int:
        """The moment of a user's latest interaction; below all moments where there is none."""
        place = self._places[user]
        if place == NEW:
            moments = self._changed[user].moments
            return moments[-1] if moments else -(2**63)
        start, end = self._read.starts[place : place + 2]
        return int(_moments(self._read)[end - 1]) if end > start else -(2**63)

    def changing(self, user: str) -> History:
        """The history of a user as lists that may be appended to; empty where there was none."""
        if user not in self._places:
            self._changed[user] = History([], None if self._read.times is None else [], [], [])
        elif self._places[user] != NEW:
            self._changed[user] = self[user]
        self._places[user], self._as_read = NEW, False
        return self._changed[user]

    def remove(self, user: str) -> None:
        """Forgets a user."""
        self._as_read = False
        self._places.pop(user)
        self._changed.pop(user, None)

    def lists(self, users: Sequence[str] | None = None) -> tuple[Sequences, Float[np.ndarray, " m"]]:
        """One list a user and the rates of all entries.

        Args:
            users: whose; everybody's, in the order in which they came, unless given.
        """
        read = self._read
        if users is None and self._as_read:
            return read, np.ones(len(read.items)) if self._rates is None else self._rates
        names = [*self._places] if users is None else users
        places = np.array([self._places[name] for name in names], np.int64)
        late = places == NEW
        changed = [self._changed[name] for name, new in zip(names, late, strict=True) if new]
        places[late] = len(read) + np.arange(len(changed))
        if not changed:
            return read.take(places), self._rates_of(read, places)
        every = _joined(read, changed)
        return every.take(places), self._rates_of(every, places, [rate for past in changed for rate in past.rates])

    def one(self, user: str) -> Sequences:
        """The history of one user as one list."""
        place = self._places[user]
        if place != NEW:
            own = slice(self._read.starts[place], self._read.starts[place + 1])
            items, moments = self._read.items[own], _moments(self._read)[own]
            starts, times = np.array([0, len(items)]), None if self._read.times is None else moments
            return Sequences(starts, items, times, moments, self._read.ordered)
        past = self._changed[user]
        items, moments = np.array(past.items, np.int64), np.array(past.moments, np.int64)
        starts, times = np.array([0, len(items)]), None if past.times is None else moments
        return Sequences(starts, items, times, moments, self._read.ordered)

    def _rates_of(
        self, lists: Sequences, places: Int[np.ndarray, " n"], added: Sequence[float] = ()
    ) -> Float[np.ndarray, " m"]:
        read = np.ones(len(self._read.items)) if self._rates is None else self._rates
        numbered = replace(lists, items=np.arange(len(lists.items))).take(places).items
        return np.concatenate([read, np.array(added, np.float64)])[numbered]


def _joined(read: Sequences, changed: Sequence[History]) -> Sequences:
    """The lists that were read, and after them the changed ones."""
    lengths = [len(past.items) for past in changed]
    starts = np.concatenate([read.starts, read.starts[-1] + np.cumsum(lengths)])
    items = np.concatenate([read.items, np.array([item for past in changed for item in past.items], np.int64)])
    later = np.array([moment for past in changed for moment in past.moments], np.int64)
    moments = np.concatenate([_moments(read), later])
    return Sequences(starts, items, None if read.times is None else moments, moments, read.ordered)


def _moments(sequences: Sequences) -> Int[np.ndarray, " m"]:
    moments = sequences.moments if sequences.times is None else sequences.times
    assert moments is not None  # noqa: S101 (the constructor has seen to it)
    return moments
