"""The data of a recommender: a catalogue, users' ordered histories, and the questions asked about them."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.sequences import Sequences, require_times
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["Catalogue", "Dataset", "Part", "Queries", "Split"]

Part: TypeAlias = Literal["valid", "test"]
"""Which questions of a split: those that choices are made on, or those that are reported once."""


@dataclass(frozen=True)
class Catalogue:
    """The items that can be recommended, by number 0, 1, …

    Attributes:
        names: name of each item, as the data call it.
        titles: texts, empty where there is none; None where the data have no text at all.
        vectors: dense features, shape [items, d], or None.

    Raises:
        ValueError: a name is there twice, or titles or vectors are not as many as the names, or not finite.

    Examples:
        >>> catalogue = Catalogue(("b1", "b2"), titles=("Atlas", ""))
        >>> len(catalogue), catalogue.title(0), catalogue.title(1)
        (2, 'Atlas', 'b2')
    """

    names: tuple[str, ...]
    titles: tuple[str, ...] | None = None
    vectors: Float[np.ndarray, "items d"] | None = None

    def __post_init__(self) -> None:
        """Every item has a name of its own, and as many titles and vectors as there are items.

        Raises:
            ValueError: it is not so.
        """
        if len(set(self.names)) < len(self.names):
            twice = next(name for name, count in Counter(self.names).items() if count > 1)
            raise ValueError(f"the catalogue names {twice[:60]!r} twice; expected each item once")
        for what, rows in (("titles", self.titles), ("vectors", self.vectors)):
            if rows is not None and len(rows) != len(self.names):
                raise ValueError(f"the catalogue has {len(self.names)} items and {len(rows)} {what}; expected as many")
        if self.vectors is not None and self.vectors.dtype.kind == "f" and not np.isfinite(self.vectors).all():
            raise ValueError("the vectors of the catalogue hold a number that is infinite or not a number")

    def __len__(self) -> int:
        return len(self.names)

    def title(self, item: int) -> str:
        """What people call an item: its title, or its name where it has none."""
        text = "" if self.titles is None else self.titles[item]
        return text or self.names[item]


@dataclass(frozen=True)
class Dataset:
    """Everybody's history.

    Attributes:
        catalogue: the items.
        users: the users' names, in the order of the sequences.
        sequences: one list a user.

    Examples:
        >>> data = Dataset(Catalogue(("b1", "b2")), ("Ada",), Sequences.from_lists([[1, 0]]))
        >>> [data.catalogue.names[item] for item in data.sequences.of(0)]
        ['b2', 'b1']
    """

    catalogue: Catalogue
    users: tuple[str, ...]
    sequences: Sequences


@dataclass(frozen=True)
class Queries:
    """Questions: what does this user take next, after this history?

    Attributes:
        users: numbers into the data set's users, shape [q].
        histories: what each had before, one list a query; nothing of the target's own basket.
        targets: what came next, shape [q].
        times: times of the targets, in seconds since 1970, shape [q]; None where only the order is known.
        mates: what each took together with the target and is stored before it, one list a query: no history, and no
            candidate either, so that a question has the same candidates however ties are read; None where nobody has
            any.
        shared: whether the target shares its time with the interaction stored before it, shape [q]; None where that is
            not known.
        moments: when the targets came, as `Sequences.moments` says it; None where the times say so, or nothing does.

    Examples:
        >>> queries = Queries.at(Sequences.from_lists([[3, 1, 2]]), np.array([2]))
        >>> queries.histories.of(0).tolist(), queries.targets.tolist()
        ([3, 1], [2])
        >>> baskets = Queries.at(Sequences.from_lists([[3, 1, 2]], [[5, 9, 9]]), np.array([2]))
        >>> baskets.histories.of(0).tolist(), baskets.seen.of(0).tolist(), baskets.shared.tolist()
        ([3], [3, 1], [True])
    """

    users: Int[np.ndarray, " q"]
    histories: Sequences
    targets: Int[np.ndarray, " q"]
    times: Int[np.ndarray, " q"] | None = None
    mates: Sequences | None = None
    shared: Bool[np.ndarray, " q"] | None = None
    moments: Int[np.ndarray, " q"] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def seconds(self) -> Int[np.ndarray, " q"]:
        """The targets' times.

        Raises:
            ValueError: only the order is known.
        """
        return require_times(self.times)

    @cached_property
    def seen(self) -> Sequences:
        """What is no candidate: the histories, and what was taken together with the targets."""
        if self.mates is None:
            return self.histories
        parts = self.histories, self.mates
        owners, items = (np.concatenate([getattr(part, name) for part in parts]) for name in ("owners", "items"))
        timed = self.histories.times is not None and self.mates.times is not None
        times = np.concatenate([part.seconds for part in parts]) if timed else None
        return Sequences.from_entries(owners, items, times, len(self))

    @classmethod
    def at(cls, sequences: Sequences, entries: Int[np.ndarray, " q"]) -> "Queries":
        """One question an entry: what came there, after all of its list that came before its basket."""
        users, times = sequences.owners[entries], sequences.times
        first = sequences.basket_starts[entries]
        histories = _pieces(sequences, sequences.starts[users], first)
        mates = _pieces(sequences, first, entries)
        return cls(
            users,
            histories,
            sequences.items[entries],
            None if times is None else times[entries],
            mates if len(mates.items) else None,
            sequences.tied[entries] if sequences.knows_ties else None,
            None if sequences.moments is None else sequences.moments[entries],
        )

    def take(self, indices: Int[np.ndarray, " k"]) -> "Queries":
        """Some of the questions, in the order of `indices`."""
        times, shared, moments = (None if x is None else x[indices] for x in (self.times, self.shared, self.moments))
        mates, histories = None if self.mates is None else self.mates.take(indices), self.histories.take(indices)
        return Queries(self.users[indices], histories, self.targets[indices], times, mates, shared, moments)

    def without_times(self) -> "Queries":
        """The same questions, of which only the order of the baskets is known."""
        mates = None if self.mates is None else self.mates.without_times()
        moments = self.moments if self.times is None else self.times
        return replace(self, histories=self.histories.without_times(), times=None, mates=mates, moments=moments)


@dataclass(frozen=True)
class Split:
    """A data set cut for honest measurement.

    Attributes:
        catalogue: the items.
        users: the users' names.
        train: one list a user, without validation and test targets.
        valid: on which choices are made; a validation target is no part of `train`.
        test: on which results are reported, once.
        ties: how interactions of one user at one time are read.
        interactions: of a cut in time, all that happened, one list a user, of which some events are in no part: those
            of a first basket are not asked about. None where the parts hold everything.

    Examples:
        >>> from lrgd_jax.recommend.data.splits import leave_last_out
        >>> split = leave_last_out(Catalogue(tuple("abcd")), ("Ada",), Sequences.from_lists([[0, 1, 2, 3]]))
        >>> split.train.items.tolist(), split.valid.targets.tolist(), split.test.targets.tolist()
        ([0, 1], [2], [3])
        >>> split.context("test").items.tolist()
        [0, 1, 2]
    """

    catalogue: Catalogue
    users: tuple[str, ...]
    train: Sequences
    valid: Queries
    test: Queries
    ties: TieRule = BASKETS
    interactions: Sequences | None = None

    def queries(self, part: Part) -> Queries:
        """The questions of one part.

        Raises:
            ValueError: there is no such part.
        """
        if part not in ("valid", "test"):
            raise ValueError(f"unknown part {part!r} of a split; expected 'valid' or 'test'")
        return self.valid if part == "valid" else self.test

    def without_times(self) -> "Split":
        """The same split, of which only the order is known; no context is then masked by time."""
        valid, test = self.valid.without_times(), self.test.without_times()
        return replace(self, train=self.train.without_times(), valid=valid, test=test, interactions=None)

    def context(self, part: Part) -> Sequences:
        """All that may be demonstrated to the queries of a part, one list a user.

        Where only the order is known, these are the training lists, and for the test queries the validation
        targets after them. Where times are known, the targets themselves become demonstrations for *later* queries:
        to a query with target time t only the entries with times < t may be shown, and who reads must mask by that.
        The test targets are never part of the context of the validation queries. Of a cut in time, events that nobody
        is asked about are part of it too.

        Where only the order is known, what is stored before a target in its own basket stays. It speaks for itself
        alone, which is no candidate for that target, and to others' queries it is as much past as all else.
        """
        if self.interactions is not None:
            known = self.interactions
            shown = known.seconds < self.test.seconds.min() if part == "valid" else np.ones(len(known.items), bool)
            return known.beginnings(np.bincount(known.owners[shown], minlength=len(known)))
        asked = [self.valid] if part == "valid" else [self.valid, self.test]
        if self.train.times is None:
            asked = asked[:-1] if part == "test" else []
        events = [queries.take(_first_asked(queries)) for queries in asked]
        owners = np.concatenate([self.train.owners, *(queries.users for queries in events)])
        items = np.concatenate([self.train.items, *(queries.targets for queries in events)])
        times, moments = self.train.times, self.train.moments
        if times is not None:
            times = np.concatenate([times, *(queries.seconds for queries in events)])
        elif moments is not None:
            moments = np.concatenate([moments, *(_moments_after(moments, queries) for queries in events)])
        return self.ties.of(Sequences.from_entries(owners, items, times, len(self.users), moments))


def _pieces(sequences: Sequences, first: Int[np.ndarray, " q"], end: Int[np.ndarray, " q"]) -> Sequences:
    """One list a query: the entries from `first` to before `end`."""
    lengths = end - first
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return sequences.pick(starts, np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1]))


def _first_asked(queries: Queries) -> Int[np.ndarray, " k"]:
    """The events that are asked about, each once, in the order in which they were first asked."""
    columns = [queries.users, queries.targets, *([] if queries.times is None else [queries.times])]
    return np.sort(np.unique(np.stack(columns), axis=1, return_index=True)[1])


def _moments_after(moments: Int[np.ndarray, " m"], queries: Queries) -> Int[np.ndarray, " q"]:
    """When the targets came; where nobody says so, each by itself and after all that is known."""
    if queries.moments is not None:
        return queries.moments
    return moments.max(initial=0) + 1 + np.arange(len(queries))
