"""Peers of the one step, and the diagnostics of benchmarks, against their definitions; nothing after a query counts."""

from dataclasses import replace

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.generator import generate_dataset
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.splits import leave_last_out, split_by_time, time_quantile
from lrgd_jax.recommend.measure.diagnostics import Reach, diagnose
from lrgd_jax.recommend.measure.linear_item_models import LinearItems, ease, slist
from lrgd_jax.recommend.measure.text_neighbours import GraphHeuristic, star

ITEMS = 48
EPS = np.finfo(np.float64).eps


@pytest.fixture(scope="module")
def asked():
    """A context with times, questions about it, and the vectors of the items, of length one."""
    data = generate_dataset(5, users=50, items=ITEMS)
    valid, test = (time_quantile(data.sequences, x) for x in (0.5, 0.8))
    split = split_by_time(data.catalogue, data.users, data.sequences, valid_from=valid, test_from=test)
    vectors = np.random.default_rng(0).normal(size=(ITEMS, 5))
    return split.context("test"), split.test, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def binary(lists):
    matrix = np.zeros((len(lists), ITEMS))
    matrix[lists.owners, lists.items] = 1
    return matrix


@pytest.mark.parametrize("whole", [1.0, 0.4, 0.0])
def test_the_weights_minimise_the_loss_under_a_zero_diagonal(asked, whole):
    lists = asked[0].without_times()
    made = slist(lists, ITEMS, ridge=3.0, whole=whole, fade=0.5)
    weights = made._fit(lists)
    assert not np.diag(weights).any()
    past, future = [], []
    for user in range(len(lists)):
        one = lists.of(user)
        for cut in range(1, len(one)):
            rows = np.zeros((2, ITEMS))
            for place, item in enumerate(one):
                rows[int(place >= cut), item] += 0.5 ** (cut - 1 - place if place < cut else place - cut)
            past.append(rows[0])
            future.append(rows[1])
    x, s, t = binary(lists), np.array(past), np.array(future)
    # the gradient in every free entry vanishes, up to the rounding of what it is the difference of
    parts = whole * x.T @ (x @ weights - x), (1 - whole) * s.T @ (s @ weights - t), 3.0 * weights
    sizes = (
        whole * x.T @ (x @ np.abs(weights) + x) + (1 - whole) * s.T @ (s @ np.abs(weights) + t) + 3 * np.abs(weights)
    )
    condition = np.linalg.cond(whole * x.T @ x + (1 - whole) * s.T @ s + 3 * np.eye(ITEMS))
    free = ~np.eye(ITEMS, dtype=bool)
    bound = condition * (len(s) + len(x) + ITEMS) * EPS * sizes.max()
    assert np.abs(sum(parts))[free].max() < bound
    # the bound would not let another ridge pass
    assert bound < np.abs(weights).max()


def test_ease_is_the_published_closed_form(asked):
    lists = asked[0].without_times()
    weights = ease(lists, ITEMS, ridge=7.0)._fit(lists)
    gram = binary(lists).T @ binary(lists) + 7 * np.eye(ITEMS)
    inverse = np.linalg.inv(gram)
    wanted = np.eye(ITEMS) - inverse / np.diag(inverse)
    assert np.abs(weights - wanted).max() < 10 * np.linalg.cond(gram) * ITEMS * EPS * np.abs(wanted).max()


def test_a_fit_is_of_what_was_before_its_moment_and_a_query_uses_the_latest(asked):
    context, queries, _ = asked
    made = ease(context, ITEMS, refits=3)
    moments = made.moments
    assert moments is not None
    assert len(moments) == 3
    for number, moment in enumerate(moments):
        known = context.seconds < moment
        before = Sequences.from_entries(
            context.owners[known], context.items[known], context.seconds[known], len(context)
        ).without_times()
        np.testing.assert_array_equal(made.matrix(number), ease(before, ITEMS).matrix(0))
    late = queries.take(np.flatnonzero(queries.seconds >= moments[-1])[:3])
    matrix = np.zeros((len(late), ITEMS))
    np.add.at(matrix, (late.histories.owners, late.histories.items), 1)
    counts, which = made.popularity.at(late)
    wanted = matrix @ made.matrix(2).astype(float) + 0.01 * (counts / counts.max(axis=1, keepdims=True))[which]
    rounding = np.finfo(np.float32).eps * ITEMS * (matrix @ np.abs(made.matrix(2)) + 1)
    np.testing.assert_array_less(np.abs(made.scores(late) - wanted), rounding)


def test_what_a_list_holds_twice_counts_once_and_the_lists_stay_as_they_are():
    lists, once = Sequences.from_lists([[0, 1, 0], [1, 2]]), Sequences.from_lists([[0, 1], [1, 2]])
    # what has 32 bits is shared by a sparse matrix, and not copied
    lists = replace(lists, items=lists.items.astype(np.int32), starts=lists.starts.astype(np.int32))
    np.testing.assert_array_equal(ease(lists, 3).matrix(0), ease(once, 3).matrix(0))
    assert lists.of(0).tolist() == [0, 1, 0]
    assert lists.starts.tolist() == [0, 3, 5]


def test_star_is_its_formula(asked):
    context, queries, vectors = asked
    queries = queries.take(np.arange(0, len(queries), 9))
    scores = star(context, ITEMS, vectors, decay=0.5, share=0.3, latest=2).scores(queries)
    for q in range(len(queries)):
        lists = [
            context.of(user)[context.seconds[context.starts[user] : context.starts[user + 1]] < queries.seconds[q]]
            for user in range(len(context))
        ]
        counts = np.bincount(np.concatenate(lists), minlength=ITEMS)
        wanted = 0.01 * counts / counts.max()
        for age, j in enumerate(queries.histories.of(q)[::-1][:2]):
            pairs = sum(np.bincount(one, minlength=ITEMS) * (one == j).sum() * (np.arange(ITEMS) != j) for one in lists)
            near = pairs / np.sqrt(np.maximum(counts, 1) * max(counts[j], 1))
            wanted = wanted + 0.5**age * (0.3 * vectors @ vectors[j] + 0.7 * near)
        np.testing.assert_array_less(np.abs(scores[q] - wanted), 100 * len(context.items) * EPS * (np.abs(wanted) + 1))


def test_the_graph_heuristic_ranks_what_is_reached_by_similarity(asked):
    context, queries, vectors = asked
    queries = queries.take(np.arange(0, len(queries), 9))
    scores = GraphHeuristic.of(context, ITEMS, vectors, latest=1, hops=2).scores(queries)
    for q in range(len(queries)):
        follows = np.zeros((ITEMS, ITEMS), bool)
        for user in range(len(context)):
            one = context.of(user)
            seconds = context.seconds[context.starts[user] : context.starts[user + 1]]
            for a, b, when in zip(one, one[1:], seconds[1:], strict=False):
                follows[a, b] |= a != b and when < queries.seconds[q]
        last = queries.histories.of(q)[-1]
        reached = follows[last] | (follows[last] @ follows)
        similar = vectors @ vectors[last]
        np.testing.assert_array_less(np.abs(scores[q] - 2 - similar)[reached], 10 * EPS * 5)
        assert (scores[q][~reached] < 1).all()
    assert (scores > 1).any()


def test_what_happens_at_or_after_the_query_changes_nothing(asked):
    context, queries, vectors = asked
    early = queries.take(np.flatnonzero(queries.seconds <= np.median(queries.seconds)))
    known = context.seconds < early.seconds.max()
    before = Sequences.from_entries(context.owners[known], context.items[known], context.seconds[known], len(context))
    for make in (star, GraphHeuristic.of):
        np.testing.assert_array_equal(
            make(context, ITEMS, vectors).scores(early), make(before, ITEMS, vectors).scores(early)
        )


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"whole": 1.5}, {"refits": 0}])
def test_wrong_settings_are_refused(wrong):
    lists = Sequences.from_lists([[0, 1]])
    made = ease(lists, 2)
    with pytest.raises(ValueError, match="expected ridge > 0"):
        replace(made, **wrong)
    assert isinstance(made, LinearItems)


def test_the_diagnostics_of_lists_that_can_be_counted():
    # whoever took 0 took 1 next, and 2 after that
    lists = Sequences.from_lists([[0, 1, 2, 3], [0, 1, 2, 4], [5, 0, 1, 2], [3, 0, 1, 2]])
    split = leave_last_out(Catalogue(tuple("abcdef")), tuple("wxyz"), lists)
    vectors = np.eye(6)
    vectors[2] = vectors[1]
    found = diagnose(split, "test", vectors)
    # after 2 nobody had taken anything that is known; after 1 came 2 every time
    assert found.hops[0] == Reach(0.5, 2 / 4 / 6)
    assert found.hops[1].targets == 0.5
    # of what 5, 0, 1 and 3, 0, 1 leave nothing is as like 1 as 2 is; to 2 all that 0, 1, 2 leave are as like
    assert found.similarity == (1 + 1 + 0.5 + 0.5) / 4
    assert diagnose(split, "test").similarity is None


def test_without_queries_nothing_is_diagnosed(asked):
    lists = Sequences.from_lists([[0, 1, 2, 3]])
    split = leave_last_out(Catalogue(tuple("abcd")), ("w",), lists)
    with pytest.raises(ValueError, match="no test queries"):
        diagnose(replace(split, test=split.test.take(np.arange(0))))
