"""The baselines against slow, plain programs, and that nothing after a query's time is ever counted."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Queries, Split
from lrgd_jax.recommend.data.generator import generate_dataset
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out, split_by_time, time_quantile
from lrgd_jax.recommend.measure.baselines import (
    Chance,
    MostPopular,
    Neighbours,
    item_knn,
    item_knn_and_popularity,
    markov,
)
from lrgd_jax.recommend.measure.item_pairs import Pairs

KINDS = {"popularity": MostPopular, "knn": item_knn, "knn and popularity": item_knn_and_popularity, "markov": markov}


@pytest.fixture(scope="module")
def split() -> Split:
    data = generate_dataset(2, users=60, items=50)
    return split_by_time(
        data.catalogue,
        data.users,
        data.sequences,
        valid_from=time_quantile(data.sequences, 0.6),
        test_from=time_quantile(data.sequences, 0.8),
    )


def slowly(context: Sequences, items: int, queries: Queries, made: Neighbours, kind: str):
    """The module's formula, event by event."""
    scores = np.zeros((len(queries), items))
    for q in range(len(queries)):
        limit = np.inf if queries.times is None else queries.times[q]
        counts, together = np.zeros(items), np.zeros((items, items))
        for user in range(len(context)):
            past = [
                int(context.items[e])
                for e in range(context.starts[user], context.starts[user + 1])
                if context.times is None or context.times[e] < limit
            ]
            np.add.at(counts, past, 1)
            for place, earlier in enumerate(past):
                for later in past[place + 1 :] if kind == "together" else past[place + 1 : place + 2]:
                    if earlier != later:
                        together[earlier, later] += 1
                        together[later, earlier] += kind == "together"
        history = queries.histories.of(q)
        for age, j in enumerate(history[::-1]):
            scores[q] += made.decay**age * together[j] / max(counts[j], 1) ** made.source_power
        scores[q] /= np.maximum(counts, 1) ** made.target_power
        scores[q] += made.popularity_weight * counts / max(counts.max(), 1)
    return scores


@pytest.mark.parametrize("kind", ["together", "next"])
@pytest.mark.parametrize("timed", [True, False])
def test_scores_are_those_of_the_formula(split, kind, timed):
    context, queries = split.context("test"), split.test.take(np.arange(0, len(split.test), 6))
    if not timed:
        context = replace(context, times=None)
        queries = replace(queries, times=None, histories=replace(queries.histories, times=None))
    made = Neighbours(Pairs.of(context, 50, kind=kind), MostPopular(context, 50), 0.8, 0.5, 0.3, 0.1)
    wanted = slowly(context, 50, queries, made, kind)
    # sums of positive terms: at most as many as there are events times the history, each with a few roundings
    terms = len(context.items) * queries.histories.lengths.max()
    np.testing.assert_array_less(np.abs(made.scores(queries) - wanted), terms * np.finfo(float).eps * (wanted + 1))
    assert wanted.any()


@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_at_or_after_the_query_changes_nothing(split, kind):
    context = split.context("test")
    queries = split.test.take(np.arange(20, 24))
    before = KINDS[kind](context, 50).scores(queries)
    first = queries.seconds.min()
    rng = np.random.default_rng(0)
    later = np.where(context.seconds >= first, rng.integers(0, 50, len(context.items)), context.items)
    after = KINDS[kind](replace(context, items=later), 50).scores(
        queries.take(np.flatnonzero(queries.seconds == first))
    )
    np.testing.assert_array_equal(after, before[queries.seconds == first])
    assert (later != context.items).any()


@pytest.mark.parametrize("kind", KINDS)
def test_batches_change_nothing(split, kind):
    made = KINDS[kind](split.context("test"), 50)
    whole = made.scores(split.test)
    parts = [made.scores(split.test.take(part)) for part in np.array_split(np.arange(len(split.test)), 5)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_before_all_events_all_scores_are_zero(split):
    early = replace(split.test.take(np.arange(3)), times=np.zeros(3, np.int64))
    for kind in KINDS.values():
        assert not kind(split.context("test"), 50).scores(early).any()


def test_chance_is_uniform_enough_and_seeded():
    data = generate_dataset(0, users=30, items=60)
    queries = leave_last_out(data.catalogue, data.users, data.sequences).test
    scores = Chance(60, 1).scores(queries)
    np.testing.assert_array_equal(scores, Chance(60, 1).scores(queries))
    # five standard errors of the mean of uniform numbers
    assert abs(scores.mean() - 0.5) < 5 / np.sqrt(12 * scores.size)


@pytest.mark.parametrize(("name", "least"), [("office", (0.152, 0.120)), ("cds", (0.095, 0.064))])
def test_neighbours_and_popularity_on_real_data(shared_data, name, least):
    from lrgd_jax.recommend.data.folder_layouts import load_split
    from lrgd_jax.recommend.data.ties import AS_STORED
    from lrgd_jax.recommend.measure.evaluation import evaluate

    split = load_split(shared_data / f"amazon_{name}", AS_STORED)
    found = evaluate(item_knn_and_popularity(split.context("test"), len(split.catalogue)), split)
    reached = tuple(found.values(metric).mean() for metric in ("HR@10", "NDCG@10"))
    assert reached[0] >= least[0]
    assert reached[1] >= least[1]


def test_counting_pairs_leaves_them_as_they_are():
    pairs = Pairs.of(Sequences.from_lists([[0, 1], [0, 1], [0, 2]]), 3, kind="next")
    # what has 32 bits is shared by a sparse matrix, and not copied
    pairs = replace(pairs, targets=pairs.targets.astype(np.int32), starts=pairs.starts.astype(np.int32))
    before = pairs.targets.copy()
    assert pairs.counts.toarray().tolist() == [[0, 2, 1], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(pairs.targets, before)
