"""Cuts through everybody's history: what is learnt from, what choices are made on, what is reported."""

import numpy as np
from jaxtyping import Bool, Int

from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Sequences, Split

__all__ = ["by_time", "leave_last_out", "moment"]

LEAST = 3
"""Items of a user that is cut: one to learn from, one to choose on, one to report."""


def leave_last_out(catalogue: Catalogue, users: tuple[str, ...], sequences: Sequences) -> Split:
    """Each user's last item is a test target, the one before it a validation target, the rest is for training.

    A test query's history holds the validation item. Users with fewer than three items are left out.

    Raises:
        ValueError: no user has three items.
    """
    long = np.flatnonzero(sequences.lengths >= LEAST)
    if not len(long):
        raise ValueError(f"no user has {LEAST} items or more, so none can be cut; lower the k-core or bring more data")
    kept = sequences.take(long)
    valid, test = (_asked(kept, back) for back in (2, 1))
    return Split(catalogue, tuple(users[x] for x in long), _without_last(kept, LEAST - 1), valid, test)


def by_time(
    catalogue: Catalogue, users: tuple[str, ...], sequences: Sequences, *, valid_from: int, test_from: int
) -> Split:
    """What happened before `valid_from` is for training; every later event is asked about, after its user's own past.

    Events at `valid_from` <= time < `test_from` are validation targets, those from `test_from` on test targets. An
    event with nothing before it is no query: there is no history to ask with.

    Args:
        catalogue: the items.
        users: their names.
        sequences: one list a user, with times.
        valid_from: in seconds since 1970.
        test_from: likewise, later.

    Raises:
        ValueError: there are no times, the two are not in order, or a part would be empty.
    """
    if valid_from >= test_from:
        raise ValueError(f"validation begins at {valid_from} and the test at {test_from}: it must begin later")
    times = sequences.seconds
    place = np.arange(len(times)) - sequences.starts[sequences.owners]
    early = times < valid_from
    parts = (times >= valid_from) & (times < test_from), times >= test_from
    valid, test = (_events(sequences, np.flatnonzero(part & (place > 0))) for part in parts)
    for name, size in (("training", early.sum()), ("validation", len(valid)), ("test", len(test))):
        if not size:
            raise ValueError(
                f"no {name} part: the data reach from {times.min()} to {times.max()}; choose other dates to cut at"
            )
    train = Sequences.grouped(sequences.owners[early], sequences.items[early], times[early], len(users))
    return Split(catalogue, users, train, valid, test)


def moment(sequences: Sequences, share: float) -> int:
    """The time before which a share of all events lies.

    Raises:
        ValueError: there are no times, or the share is no share.
    """
    if not 0 < share < 1:
        raise ValueError(f"share = {share}: expected a number between 0 and 1, such as 0.9")
    return int(np.quantile(sequences.seconds, share, method="higher"))


def _events(sequences: Sequences, where: Int[np.ndarray, " q"]) -> Queries:
    """One question an event: what came there, after all of its list that came before."""
    owners = sequences.owners[where]
    first = sequences.starts[owners]
    lengths = where - first
    starts = np.concatenate([[0], np.cumsum(lengths)])
    before = np.repeat(first - starts[:-1], lengths) + np.arange(starts[-1])
    times = sequences.seconds
    return Queries(
        owners, Sequences(starts, sequences.items[before], times[before]), sequences.items[where], times[where]
    )


def _asked(kept: Sequences, back: int) -> Queries:
    """What came `back` places before the end, after all that came before it."""
    where = kept.starts[1:] - back
    times = None if kept.times is None else kept.times[where]
    return Queries(np.arange(len(kept)), _without_last(kept, back), kept.items[where], times)


def _without_last(kept: Sequences, count: int) -> Sequences:
    starts = np.concatenate([[0], np.cumsum(kept.lengths - count)])
    stays = _before_end(kept, count)
    return Sequences(starts, kept.items[stays], None if kept.times is None else kept.times[stays])


def _before_end(kept: Sequences, count: int) -> Bool[np.ndarray, " m"]:
    ends: Int[np.ndarray, " m"] = np.repeat(kept.starts[1:], kept.lengths)
    return np.arange(len(kept.items)) < ends - count
