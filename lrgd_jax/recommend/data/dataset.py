"""The data of a recommender: a catalogue, users' ordered histories, and the questions asked about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int

__all__ = ["Catalogue", "Dataset", "Part", "Queries", "Sequences", "Split"]

Part: TypeAlias = Literal["valid", "test"]
"""Which questions of a split: those that choices are made on, or those that are reported once."""


@dataclass(frozen=True)
class Sequences:
    """Ordered lists of items, one a user or one a query, oldest first, stored one after the other.

    Attributes:
        starts: list i holds the entries starts[i] to starts[i + 1]; shape [n + 1], starts[0] = 0.
        items: shape [m].
        times: seconds since 1970, not decreasing within a list, shape [m]; None where only the order is known.
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
        return _known(self.times)

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
            count: of the lists.
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

    def beginnings(self, lengths: Int[np.ndarray, " n"]) -> "Sequences":
        """The first entries of each list, so many of each; none where a length is not positive."""
        kept = self.positions < lengths[self.owners]
        starts = np.concatenate([[0], np.cumsum(np.clip(lengths, 0, self.lengths))])
        return Sequences(starts, self.items[kept], None if self.times is None else self.times[kept])


@dataclass(frozen=True)
class Catalogue:
    """The items that can be recommended, by number 0, 1, …

    Attributes:
        names: of each item, as the data call it.
        titles: texts, empty where there is none; None where the data have no text at all.
        vectors: dense features, shape [items, d], or None.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...] | None = None
    vectors: Float[np.ndarray, "items d"] | None = None

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Dataset:
    """Everybody's history.

    Attributes:
        catalogue: the items.
        users: the users' names, in the order of the sequences.
        sequences: one list a user.
    """

    catalogue: Catalogue
    users: tuple[str, ...]
    sequences: Sequences


@dataclass(frozen=True)
class Queries:
    """Questions: what does this user take next, after this history?

    Attributes:
        users: numbers into the data set's users, shape [q].
        histories: what each had before, one list a query.
        targets: what came next, shape [q].
        times: of the targets, in seconds since 1970, shape [q]; None where only the order is known.
    """

    users: Int[np.ndarray, " q"]
    histories: Sequences
    targets: Int[np.ndarray, " q"]
    times: Int[np.ndarray, " q"] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def seconds(self) -> Int[np.ndarray, " q"]:
        """The targets' times.

        Raises:
            ValueError: only the order is known.
        """
        return _known(self.times)

    @classmethod
    def at(cls, sequences: Sequences, entries: Int[np.ndarray, " q"]) -> "Queries":
        """One question an entry: what came there, after all of its list that came before."""
        lengths = sequences.positions[entries]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        before = np.repeat(entries - lengths - starts[:-1], lengths) + np.arange(starts[-1])
        times = sequences.times
        histories = Sequences(starts, sequences.items[before], None if times is None else times[before])
        asked = None if times is None else times[entries]
        return cls(sequences.owners[entries], histories, sequences.items[entries], asked)

    def take(self, indices: Int[np.ndarray, " k"]) -> "Queries":
        """Some of the questions, in the order of `indices`."""
        times = None if self.times is None else self.times[indices]
        return Queries(self.users[indices], self.histories.take(indices), self.targets[indices], times)


@dataclass(frozen=True)
class Split:
    """A data set cut for honest measurement.

    Attributes:
        catalogue: the items.
        users: the users' names.
        train: one list a user, without validation and test targets.
        valid: on which choices are made; a validation target is no part of `train`.
        test: on which results are reported, once.
    """

    catalogue: Catalogue
    users: tuple[str, ...]
    train: Sequences
    valid: Queries
    test: Queries

    def queries(self, part: Part) -> Queries:
        """The questions of one part.

        Raises:
            ValueError: there is no such part.
        """
        if part not in ("valid", "test"):
            raise ValueError(f"unknown part {part!r} of a split; expected 'valid' or 'test'")
        return self.valid if part == "valid" else self.test

    def context(self, part: Part) -> Sequences:
        """All that may be demonstrated to the queries of a part, one list a user.

        Where only the order is known, these are the training lists, and for the test queries the validation
        targets after them. Where times are known, the targets themselves become demonstrations for *later* queries:
        to a query with target time t only the entries with times < t may be shown, and who reads must mask by that.
        The test targets are never part of the context of the validation queries.
        """
        asked = [self.valid] if part == "valid" else [self.valid, self.test]
        if self.train.times is None:
            asked = asked[:-1] if part == "test" else []
        events = [_distinct(queries.users, queries.targets, queries.times) for queries in asked]
        owners = np.concatenate([self.train.owners, *(users for users, _, _ in events)])
        items = np.concatenate([self.train.items, *(targets for _, targets, _ in events)])
        times = self.train.times
        if times is not None:
            times = np.concatenate([times, *(_known(moments) for _, _, moments in events)])
        return Sequences.from_entries(owners, items, times, len(self.users))


def _known(times: Int[np.ndarray, " m"] | None) -> Int[np.ndarray, " m"]:
    if times is None:
        raise ValueError("these data have no times, only an order; bring data with timestamps")
    return times


def _distinct(
    users: Int[np.ndarray, " q"], items: Int[np.ndarray, " q"], times: Int[np.ndarray, " q"] | None
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Int[np.ndarray, " k"] | None]:
    """The events that are asked about, each once, in the order in which they were first asked."""
    columns = (users, items) if times is None else (users, items, times)
    first = np.sort(np.unique(np.stack(columns), axis=1, return_index=True)[1])
    return users[first], items[first], None if times is None else times[first]
