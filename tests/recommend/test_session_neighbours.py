"""Session-kNN against a slow, plain program; nothing after a query's time counts, and no order within a basket."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.generator import generate_dataset
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import split_by_time, time_quantile
from lrgd_jax.recommend.measure.session_neighbours import SessionNeighbours, stan, vs_knn

ITEMS = 48


@pytest.fixture(scope="module")
def asked():
    """A context with baskets, and questions about it."""
    data = generate_dataset(3, users=50, items=ITEMS)
    week = 7 * 86400
    sequences = replace(data.sequences, times=data.sequences.seconds // week * week)
    quantiles = (time_quantile(sequences, x) for x in (0.5, 0.8))
    valid, test = quantiles
    split = split_by_time(data.catalogue, data.users, sequences, valid_from=valid, test_from=test)
    assert split.context("test").tied.any()
    return split.context("test"), split.test.take(np.arange(0, len(split.test), 5))


def ages_of(history):
    """Youngest age of every item of a list of (item, moment): how many come later."""
    return {x: sum(m > moment for _, m in history) for x, moment in sorted(history, key=lambda one: one[1])}


def slowly(made: SessionNeighbours, queries: Queries):
    context, scores = made.context, np.zeros((len(queries), ITEMS))
    moments = np.arange(len(context.items)) if context.times is None else context.times
    for q in range(len(queries)):
        limit = np.inf if context.times is None else queries.seconds[q]
        histories = queries.histories
        own = range(histories.starts[q], histories.starts[q + 1])
        history = [(int(histories.items[e]), e if histories.times is None else histories.times[e]) for e in own]
        ages, lists = ages_of(history), []
        for user in range(len(context)):
            entries = range(context.starts[user], context.starts[user + 1])
            known = [(int(context.items[e]), moments[e]) for e in entries if moments[e] < limit]
            shared = {item for item, _ in known} & ages.keys()
            if user == queries.users[q] or not shared:
                continue
            linear = made.weights == "linear"
            weights = [len(history) - ages[j] if linear else made.decay ** ages[j] for j in shared]
            weight = sum(weights) / len(history) if linear else sum(weights)
            place = {j: max(sum(m < at for _, m in known) for x, at in known if x == j) for j in shared}
            age = min(ages[j] for j in shared)
            at = max(place[j] for j in shared if ages[j] == age)
            similarity = weight / (len(history) * len(known)) ** made.scaling
            lists.append((similarity, max(1 - age / 10, 0) if linear else 1.0, at, known))
        lists.sort(key=lambda one: -one[0])
        least = lists[min(made.neighbours, len(lists)) - 1][0] if lists else 0.0
        for similarity, match, at, known in lists:
            for item, moment in known if similarity >= least else ():
                distance = sum(m < moment for _, m in known) - at
                if distance > 0 or not made.forward:
                    scores[q, item] += similarity * match * made.distance_decay ** abs(distance)
    counts, which = made.popularity.at(queries)
    return scores + (made.popularity_weight * counts / np.maximum(counts.max(axis=1, keepdims=True), 1))[which]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda context: vs_knn(context, ITEMS, neighbours=7),
        lambda context: stan(context, ITEMS, neighbours=7, decay=0.5, distance_decay=0.5),
        lambda context: stan(context, ITEMS, forward=True),
    ],
    ids=["vs-knn", "stan", "forward"],
)
def test_scores_are_those_of_the_formula(asked, make, timed):
    context, queries = asked
    if not timed:
        context, queries = (
            replace(context, times=None),
            replace(queries, times=None, histories=replace(queries.histories, times=None)),
        )
    made = make(context)
    wanted = slowly(made, queries)
    # sums of positive terms, each of a few roundings, in another order
    terms = len(context.items)
    np.testing.assert_array_less(np.abs(made.scores(queries) - wanted), 8 * terms * np.finfo(float).eps * (wanted + 1))
    assert wanted.any()


def test_what_happens_at_or_after_the_query_changes_nothing(asked):
    context, queries = asked
    early = queries.take(np.flatnonzero(queries.seconds <= np.median(queries.seconds)))
    known = context.seconds < early.seconds.max()
    before = Sequences.from_entries(context.owners[known], context.items[known], context.seconds[known], len(context))
    for make in (vs_knn, stan):
        np.testing.assert_array_equal(make(context, ITEMS).scores(early), make(before, ITEMS).scores(early))


def test_a_history_without_items_and_one_that_nobody_shares_leave_popularity():
    context = Sequences.from_lists([[0, 1], [1, 2]])
    queries = Queries.at(Sequences.from_lists([[3, 4], [5]]), np.array([1, 2]))
    made = stan(context, 6)
    np.testing.assert_array_equal(made.scores(queries), np.tile(0.01 * np.array([1, 2, 1, 0, 0, 0]) / 2, (2, 1)))


@pytest.mark.parametrize(("name", "value"), [("neighbours", 0), ("decay", 0.0), ("distance_decay", 1.5)])
def test_wrong_settings_are_refused(name, value):
    with pytest.raises(ValueError, match=str(value)):
        stan(Sequences.from_lists([[0, 1]]), 2, **{name: value})
