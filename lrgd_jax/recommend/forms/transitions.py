"""Demonstrations: every observed transition of every user, from the history before it to the item that came next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys, on_grid
from lrgd_jax.recommend.sparse_matrices import columns_of, one_hot, row_numbers, with_data

__all__ = ["Transitions", "steps_before_end", "transitions"]


@dataclass(frozen=True)
class Transitions:
    r"""Demonstrations $(x_i, y_i)$ with a rate each: what attention over past users attends to.

    Attributes:
        keys: x_i, features of the history before, shape [N, items].
        targets: y_i, the number of the item that came next, shape [N].
        users: whose transition it is, numbers into the data set's users, shape [N].
        rates: eta_i, how far its step goes, shape [N].
        times: times of the targets, in seconds since 1970, shape [N]; None where only the order is known.
        previous: the latest item of the history, of a latest basket the one with the largest number, shape [N].
        baskets: equal for demonstrations of one user whose targets came at one time, and neighbours then, shape [N];
            None where each target has a time of its own.

    Examples:
        >>> made = transitions(Sequences.from_lists([[0, 2, 1]]), HistoryKeys(0.5, 0.0), items=3)
        >>> made.take(made.targets == 1).previous.tolist()
        [2]
        >>> made.with_rates(np.array([1.0, 0.5])).rated_keys().toarray().tolist()
        [[1.0, 0.0, 0.0], [0.25, 0.0, 0.5]]
    """

    keys: sp.csr_array
    targets: Int[np.ndarray, " N"]
    users: Int[np.ndarray, " N"]
    rates: Float[np.ndarray, " N"]
    times: Int[np.ndarray, " N"] | None
    previous: Int[np.ndarray, " N"]
    baskets: Int[np.ndarray, " N"] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return columns_of(self.keys)

    def with_rates(self, rates: Float[np.ndarray, " N"]) -> "Transitions":
        """The same demonstrations with other rates.

        Raises:
            ValueError: not one rate each, or one is not finite.
        """
        rates = np.asarray(rates, np.float64)
        if rates.shape != (len(self),):
            raise ValueError(f"expected one rate for each of {len(self)} demonstrations, got shape {rates.shape}")
        if not np.isfinite(rates).all():
            raise ValueError(f"rates must be finite; that of demonstration {np.argmin(np.isfinite(rates))} is not")
        return replace(self, rates=rates)

    def take(self, which: Int[np.ndarray, " K"] | Bool[np.ndarray, " N"]) -> "Transitions":
        """Some of them, by number or by a mask."""
        times, baskets = (None if x is None else x[which] for x in (self.times, self.baskets))
        keys: sp.csr_array = self.keys[which]  # pyright: ignore[reportAssignmentType]
        of_targets = self.targets[which], self.users[which], self.rates[which]
        return Transitions(keys, *of_targets, times, self.previous[which], baskets)

    def rated_keys(self) -> sp.csr_array:
        """eta_i x_i, on the grid of the keys, shape [N, items]."""
        return with_data(self.keys, on_grid(self.keys.data * self.rates[row_numbers(self.keys)]))

    def target_matrix(self) -> sp.csr_array:
        """y_i as one-hot rows, shape [N, items]."""
        return one_hot(self.targets, self.items)


def transitions(
    sequences: Sequences, keys: HistoryKeys, items: int, *, users: Sequence[int] | Int[np.ndarray, " n"] | None = None
) -> Transitions:
    """All transitions of ordered lists, at rate one: each item but those of a list's first basket is a target.

    The key of a target is the history before its basket: items of one basket share a key, and there is no transition
    from one of them to another.

    Args:
        sequences: one list a user, oldest first.
        keys: how a history becomes a key.
        items: size of the catalogue.
        users: their numbers; 0, 1, … unless given.

    Returns:
        The demonstrations, list by list and oldest first.

    Raises:
        ValueError: an item is not in the catalogue.

    Examples:
        >>> made = transitions(Sequences.from_lists([[0, 2, 1], [1]]), HistoryKeys(0.5, 0.0), items=3)
        >>> made.targets.tolist(), made.users.tolist()
        ([2, 1], [0, 0])
        >>> made.keys.toarray().tolist()
        [[1.0, 0.0, 0.0], [0.5, 0.0, 1.0]]
    """
    before = sequences.before
    later = np.flatnonzero(before > 0)
    ends = sequences.basket_starts[later]
    owners = np.arange(len(sequences)) if users is None else np.asarray(users)
    return Transitions(
        keys=keys.of_prefixes(sequences, ends, before[later], items),
        targets=sequences.items[later],
        users=owners[sequences.owners[later]],
        rates=np.ones(len(later)),
        times=None if sequences.times is None else sequences.times[later],
        previous=_largest_items(sequences)[ends - 1],
        baskets=ends,
    )


def _largest_items(sequences: Sequences) -> Int[np.ndarray, " m"]:
    """The item with the largest number in the basket of each entry."""
    if not len(sequences.items):
        return sequences.items
    heads, basket = np.unique(sequences.basket_starts, return_inverse=True)
    return np.maximum.reduceat(sequences.items, heads)[basket]


def steps_before_end(demonstrations: Transitions) -> Float[np.ndarray, " N"]:
    """How many transitions of the same user come after each; neighbouring ones are in order, but for those of a basket.

    Examples:
        >>> lists = Sequences.from_lists([[0, 2, 1], [0, 2, 1]], [[1, 2, 3], [1, 2, 2]])
        >>> steps_before_end(transitions(lists, HistoryKeys(), items=3)).tolist()
        [1.0, 0.0, 0.0, 0.0]
    """
    users, baskets = demonstrations.users, demonstrations.baskets
    end = _run_ends(np.diff(users) != 0)
    own = np.arange(len(users)) if baskets is None else _run_ends((np.diff(users) != 0) | (np.diff(baskets) != 0))
    return (end - own).astype(float)


def _run_ends(breaks: Bool[np.ndarray, " N-1"]) -> Int[np.ndarray, " N"]:
    """The last entry of each entry's run, where runs end at the breaks."""
    last = np.append(np.flatnonzero(breaks), len(breaks))
    return last[np.searchsorted(last, np.arange(len(breaks) + 1))]
