"""Cuts through everybody's history: what is learnt from, what choices are made on, what is reported."""

from dataclasses import replace

import numpy as np

from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["leave_last_out", "split_by_time", "time_quantile"]

LEAST = 3
"""Items of a user that is cut: one to learn from, one to choose on, one to report."""


def leave_last_out(
    catalogue: Catalogue, users: tuple[str, ...], sequences: Sequences, ties: TieRule = BASKETS
) -> Split:
    """Each user's last item is a test target, the one before it a validation target, the rest is for training.

    A test query's history holds the validation item, unless the two share their time. Of a last basket the items that
    are stored last are asked about, whatever `ties` says but "shuffle"; the others are no candidates for them, and a
    user with a single basket asks with an empty history. Users with fewer than three items are left out.

    Raises:
        ValueError: no user has three items.
    """
    long = np.flatnonzero(sequences.lengths >= LEAST)
    if not len(long):
        raise ValueError(f"no user has {LEAST} items or more, so none can be cut; lower the k-core or bring more data")
    kept = ties.of(sequences.take(long))
    valid, test = (Queries.at(kept, kept.starts[1:] - back) for back in (2, 1))
    train = kept.beginnings(kept.lengths - (LEAST - 1))
    return Split(catalogue, tuple(users[x] for x in long), train, valid, test, ties)


def split_by_time(
    catalogue: Catalogue,
    users: tuple[str, ...],
    sequences: Sequences,
    *,
    valid_from: int,
    test_from: int,
    ties: TieRule = BASKETS,
) -> Split:
    """What happened before `valid_from` is for training; every later event is asked about, after its user's own past.

    Events at `valid_from` <= time < `test_from` are validation targets, those from `test_from` on test targets. An
    event with nothing before it, or before its basket, is no query: there is no history to ask with.

    Args:
        catalogue: the items.
        users: their names.
        sequences: one list a user, with times.
        valid_from: where the validation part begins, in seconds since 1970.
        test_from: where the test part begins; later.
        ties: how interactions of one user at one time are read.

    Raises:
        ValueError: there are no times, the two are not in order, or a part would be empty.
    """
    if valid_from >= test_from:
        raise ValueError(f"validation begins at {valid_from} and the test at {test_from}: it must begin later")
    sequences = ties.of(sequences)
    times = sequences.seconds
    early = times < valid_from
    parts = (times >= valid_from) & (times < test_from), times >= test_from
    valid, test = (Queries.at(sequences, np.flatnonzero(part & (sequences.before > 0))) for part in parts)
    for name, size in (("training", early.sum()), ("validation", len(valid)), ("test", len(test))):
        if not size:
            raise ValueError(
                f"no {name} part: the data reach from {times.min()} to {times.max()}; choose other dates to cut at"
            )
    train = Sequences.from_entries(sequences.owners[early], sequences.items[early], times[early], len(users))
    return Split(catalogue, users, replace(train, ordered=sequences.ordered), valid, test, ties, sequences)


def time_quantile(sequences: Sequences, share: float) -> int:
    """The time before which a share of all events lies.

    Raises:
        ValueError: there are no times, or the share is no share.
    """
    if not 0 < share < 1:
        raise ValueError(f"share = {share}: expected a number between 0 and 1, such as 0.9")
    return int(np.quantile(sequences.seconds, share, method="higher"))
