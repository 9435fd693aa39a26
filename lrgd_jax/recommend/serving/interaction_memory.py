"""Everybody's history with the sums of its demonstrations, kept up to date step by step."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.outside.arrays import require_real, require_whole
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.transitions import Transitions
from lrgd_jax.recommend.serving.histories import Histories, History
from lrgd_jax.recommend.serving.name_lookup import require_name, require_number, unknown_name
from lrgd_jax.recommend.serving.summed_steps import SummedSteps, demonstrate, sum_steps
from lrgd_jax.recommend.sparse_matrices import row_numbers

__all__ = ["Memory"]


class Memory:
    r"""Histories by user, and $\sum_i\eta_i x_iy_i^\top$: an interaction is one more step, an erased user steps back.

    The sums are exact (`GRID` of `lrgd_jax.recommend.forms.history_keys`), so after any edits they are, bit by bit,
    those of a fresh start with what is left. An interaction at the time of the user's latest joins its basket: its key
    is the history before the basket, and no other step changes.

    Args:
        items: size of the catalogue.
        keys: keys of the demonstrations.
        histories: by user.
        steps: the sums of their demonstrations.
        counts: how often each item was taken.

    Attributes:
        timed: whether every interaction has a time.
        ordered: whether interactions of one time count in the order in which they come all the same.
        falls: whether a rate is below zero, so that a step may have lowered a score.
        changed: items whose counts have changed since whoever reads them emptied this.
    """

    def __init__(
        self,
        items: int,
        keys: HistoryKeys,
        histories: Histories,
        steps: SummedSteps,
        counts: Float[np.ndarray, " items"],
    ) -> None:
        self.items, self.keys, self.histories, self._steps, self.counts = items, keys, histories, steps, counts
        self.timed, self.ordered = histories.timed, histories.ordered
        self.changed: set[int] = set()
        self.falls = histories.falls

    @classmethod
    def of(
        cls,
        sequences: Sequences,
        users: Sequence[str],
        keys: HistoryKeys,
        items: int,
        rates: Float[np.ndarray, " m"] | None = None,
    ) -> "Memory":
        """The memory of many users at once.

        Args:
            sequences: one list a user.
            users: their names, all different.
            keys: keys of the demonstrations.
            items: size of the catalogue.
            rates: one an entry of the sequences; all one unless given.

        Raises:
            ValueError: the names are not one a list, an item is not in the catalogue, or rates or times are no numbers
                or not one an entry.
        """
        if len(users) != len(sequences) or len(set(users)) != len(users):
            raise ValueError(f"expected {len(sequences)} different names of users, got {len(set(users))}")
        count = len(sequences.items)
        require_whole("items", sequences.items, least=0, most=items - 1)
        if sequences.times is not None:
            require_whole("times", sequences.times, count=count)
        if rates is not None:
            rates = require_real("rates", np.asarray(rates), (count,))
        histories = Histories(sequences, users, rates)
        lists, weights = histories.lists()
        counts = np.bincount(lists.items, minlength=items).astype(np.float64)
        return cls(items, keys, histories, SummedSteps(sum_steps(lists, weights, keys, items)), counts)

    def append(self, user: str, item: int, time: int | None = None, *, together: bool = False) -> None:
        """One more interaction, by a user who may be new: one more step.

        Args:
            user: whose.
            item: its number.
            time: where the histories have times.
            together: where they have none, whether it came at the time of the user's latest interaction.

        Raises:
            ValueError: the item is not in the catalogue, or the time is missing, out of order, or not wanted.
        """
        self._check(user, item, time)
        past = self.histories.changing(user)
        latest = past.moments[-1] if past.moments else -1
        moment = time if time is not None else latest + (not (together and past.moments))
        recent = self._before(past, moment)
        if len(recent.items):
            key = self.keys.of(recent, self.items)
            self._steps.add(key.indices, np.full(key.nnz, item), key.data)
        self.counts[item] += 1
        self.changed.add(item)
        past.items.append(item)
        past.rates.append(1.0)
        past.moments.append(moment)
        if past.times is not None and time is not None:
            past.times.append(time)

    def _before(self, past: History, moment: int) -> Sequences:
        """What the key of an interaction at a moment reads: whole baskets, as far as the window reaches."""
        end = len(past.items)
        while end and past.moments[end - 1] == moment and not self.ordered:
            end -= 1
        start = max(0, end - self.keys.window)
        while start and past.moments[start - 1] == past.moments[start] and not self.ordered:
            start -= 1
        items, moments = (np.array(x[start:end], np.int64) for x in (past.items, past.moments))
        return Sequences(np.array([0, end - start]), items, moments=moments, ordered=self.ordered)

    def extend(self, user: str, interactions: Sequence[tuple[int, int | None]], *, together: bool = False) -> None:
        """Several interactions (item, time), all or none; where there are no times, `together` makes them one basket.

        Raises:
            ValueError: as `check` says; nothing is changed.
        """
        self.check(user, interactions, together=together)
        for number, (item, time) in enumerate(interactions):
            self.append(user, item, time, together=together and number > 0)

    def check(self, user: str, interactions: Sequence[tuple[int, int | None]], *, together: bool = False) -> None:
        """Raises an error where `extend` would refuse these.

        Raises:
            ValueError: an item is not in the catalogue, a time is missing, out of order, or not wanted, or `together`
                is said where times say it.
        """
        if together and self.timed:
            raise ValueError("these histories have times, which say what came together; give equal times instead")
        latest = None
        for item, time in interactions:
            self._check(user, item, time)
            if latest is not None and time is not None and time < latest:
                raise ValueError(f"the interactions of user {user!r} are not in order: {time} comes after {latest}")
            latest = time

    def require_user(self, user: str) -> None:
        """Raises an error where there is no such user.

        Raises:
            ValueError: there is none; the message names those that are near.
        """
        if require_name("user", user) not in self.histories:
            raise unknown_name("user", user, self.histories)

    def grow(self, items: int) -> None:
        """New items, which nobody has taken, after those that there are."""
        self._steps.grow(items)
        self.counts = np.concatenate([self.counts, np.zeros(items - self.items)])
        self.items = items

    def forget(self, user: str) -> None:
        """Erases a user: all of their steps back, and their part of the popularity.

        Raises:
            ValueError: there is no such user.
        """
        self.require_user(user)
        lists, rates = self.histories.lists([user])
        self.histories.remove(user)
        own = demonstrate(lists, rates, self.keys, self.items)
        keys = own.rated_keys()
        self._steps.add(keys.indices, own.targets[row_numbers(keys)], -1.0 * keys.data)
        self.counts -= np.bincount(lists.items, minlength=self.items)
        self.changed.update(lists.items.tolist())

    @property
    def steps(self) -> SummedSteps:
        """What all steps have added up to, by feature."""
        return self._steps

    def sums(self) -> sp.csr_array:
        """What all steps have added up to, features by items; what happens later does not change it."""
        return self._steps.matrix()

    def sequences(self) -> Sequences:
        """One list a user, in the order in which they came."""
        return self.histories.lists()[0]

    def past(self, user: str, time: int | None = None) -> Sequences:
        """The history of one user as one list, of what was before a time where one is given.

        Raises:
            ValueError: a time is given and the histories have none.
        """
        own = self.histories.one(user)
        if time is None:
            return own
        if own.times is None:
            raise ValueError("these histories have no times; ask without one")
        return own.beginnings(np.array([np.searchsorted(own.times, time)]))

    def rates(self) -> Float[np.ndarray, " m"]:
        """One an entry of the sequences."""
        return self.histories.lists()[1]

    def demonstrations(self) -> Transitions:
        """All transitions, at their rates."""
        return demonstrate(*self.histories.lists(), self.keys, self.items)

    def _check(self, user: str, item: int, time: int | None) -> None:
        require_number("item", item)
        if time is not None:
            require_number("time", time)
        if not 0 <= item < self.items:
            raise ValueError(f"items are numbered from 0 to {self.items - 1}, got {item}")
        if (time is not None) != self.timed:
            raise ValueError(
                "these histories have times: give one with every interaction"
                if self.timed
                else "these histories have no times: give interactions without"
            )
        if time is not None and user in self.histories and (latest := self.histories.latest(user)) > time:
            raise ValueError(f"user {user!r} was last seen at {latest}; an interaction at {time} comes before")
