"""Does a split let anybody look ahead?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from lrgd_jax.recommend.data.dataset import Queries, Split

__all__ = ["Leakage", "leakage"]


@dataclass(frozen=True)
class Leakage:
    """Numbers of queries of both parts that could look ahead.

    Attributes:
        queries: all of them.
        own_future: the user's own training list holds something later than the target.
        trained_target: the very event that is asked about, same user, item and time, is in the training list; not where
            the user took the item twice at that time, and the other one is known.
        late_history: the history holds something later than the target.
        late_demonstrations: others' training lists hold something at or after the target's time. No fault of a split
            that leaves last items out, but who reads must mask by time; see `Split.context`.
        seen_target: the target is in its own history, or stored before in its basket, so that with seen items excluded
            it can be no hit.
        timed: whether times are known; without them the rest but `seen_target` cannot be told.
    """

    queries: int
    own_future: int
    trained_target: int
    late_history: int
    late_demonstrations: int
    seen_target: int
    timed: bool

    def refuse(self) -> None:
        """Raises where no honest measurement is possible.

        Raises:
            ValueError: a user's own future, or the asked event itself, is there to be learnt from.
        """
        faults = {
            "the user's own later events are in the training part": self.own_future,
            "the event that is asked about is in the training part": self.trained_target,
            "the history goes on after the target": self.late_history,
        }
        leaks = [f"{what} ({count} of {self.queries} queries)" for what, count in faults.items() if count]
        if leaks:
            raise ValueError("this split leaks: " + "; ".join(leaks))


def leakage(split: Split) -> Leakage:
    """Counts, over validation and test queries, what could be learnt from the future."""
    parts = [_count_part(split, queries) for queries in (split.valid, split.test)]
    counts = {name: sum(part[name] for part in parts) for name in parts[0]}
    return Leakage(queries=len(split.valid) + len(split.test), timed=split.train.times is not None, **counts)


def _count_part(split: Split, queries: Queries) -> dict[str, int]:
    histories, known = queries.histories, queries.seen
    again = known.items == queries.targets[known.owners]
    seen = int(_lists_with(again, known.owners, len(queries)).sum())
    if split.train.times is None or queries.times is None:
        return dict.fromkeys(_TIMED, 0) | {"seen_target": seen}
    asked = queries.seconds
    late = int(_lists_with(histories.seconds > asked[histories.owners], histories.owners, len(queries)).sum())
    twice = _lists_with(again & (known.seconds == asked[known.owners]), known.owners, len(queries))
    last = np.full(len(split.users), np.iinfo(np.int64).min)
    np.maximum.at(last, split.train.owners, split.train.times)
    events = set(zip(split.train.owners.tolist(), split.train.items.tolist(), split.train.times.tolist(), strict=True))
    same = zip(queries.users.tolist(), queries.targets.tolist(), asked.tolist(), strict=True)
    return {
        "own_future": int((last[queries.users] > asked).sum()),
        "trained_target": sum(event in events and not other for event, other in zip(same, twice, strict=True)),
        "late_history": late,
        "late_demonstrations": int((split.train.times.max(initial=0) >= asked).sum()),
        "seen_target": seen,
    }


_TIMED = ("own_future", "trained_target", "late_history", "late_demonstrations")


def _lists_with(marked: Bool[np.ndarray, " m"], owners: Int[np.ndarray, " m"], count: int) -> Bool[np.ndarray, " q"]:
    """Which lists have an entry that is marked."""
    return np.bincount(owners[marked], minlength=count) > 0
