"""Baskets against the definition written out event by event, and no order within a basket that anything depends on."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from recommend import naive_baskets as naive

from lrgd_jax.recommend.data.dataset import Catalogue, Part
from lrgd_jax.recommend.data.splits import leave_last_out, split_by_time
from lrgd_jax.recommend.data.ties import TieRule
from lrgd_jax.recommend.forms.meta_parameters import TIMED
from lrgd_jax.recommend.forms.registry import FORMS
from lrgd_jax.recommend.measure.baselines import item_knn_and_popularity, markov
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.measure.metrics import mean_rank
from lrgd_jax.recommend.measure.prequential_windows import cut_windows
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.serving.recommender import Recommender

ITEMS = 6
CATALOGUE = Catalogue(tuple(f"i{k}" for k in range(ITEMS)))
TEXTS = Catalogue(CATALOGUE.names, vectors=np.random.default_rng(0).standard_normal((ITEMS, 3)))
RULES = [TieRule("basket"), TieRule("as-stored"), TieRule("shuffle", 3)]


@st.composite
def events(draw, least=0, most=7, moments=4):
    """Lists of events with many ties: users with one basket, items twice in a basket or at two times, empty lists."""
    pair = st.tuples(st.integers(0, ITEMS - 1), st.integers(1, moments))
    lists = draw(st.lists(st.lists(pair, min_size=least, max_size=most), min_size=1, max_size=4))
    return naive.events_of([sorted(one, key=lambda x: x[1]) for one in lists])


def read_by(rule, lists, timed):
    """The lists as the package reads them by a rule, and the same events for the definition."""
    read = rule.of(naive.library_lists(lists, timed))
    moments = read.seconds if timed else read.moments
    pairs = list(zip(read.items.tolist(), moments.tolist(), strict=True))
    again = naive.events_of([pairs[a:b] for a, b in zip(read.starts[:-1], read.starts[1:], strict=True)])
    assert [sorted((x.item, x.moment) for x in one) for one in again] == [
        sorted((x.item, x.moment) for x in one) for one in lists
    ]
    if rule.kind != "shuffle":
        assert again == lists
    return read, again


def asked_as(queries, questions):
    """The package's queries are the definition's."""
    assert len(queries) == len(questions)
    for k, one in enumerate(questions):
        assert (queries.users[k], queries.targets[k]) == (one.user, one.target.item)
        assert queries.histories.of(k).tolist() == [x.item for x in one.history]
        assert sorted(queries.seen.of(k)) == sorted(x.item for x in (*one.history, *one.mates))
    assert queries.shared.tolist() == [one.shared for one in questions]


def evaluated_as(split, part, context, questions, ordered):
    """Scores, ranks and groups are the definition's, by attention, by the dual and by sparse scores."""
    timed = split.train.times is not None
    recommender = Recommender(CATALOGUE, naive.EXACT).fit(split.context(part), split.users)
    expected = np.array(
        [naive.scores(context, x.history, x.target.moment if timed else None, ITEMS, ordered) for x in questions]
    )
    queries = split.queries(part)
    np.testing.assert_array_equal(recommender.scores(queries), expected)
    ranks = [
        naive.rank(row, x.target.item, {y.item for y in (*x.history, *x.mates)})
        for row, x in zip(expected, questions, strict=True)
    ]
    measured = evaluate(recommender, split, part, batch=2)
    np.testing.assert_array_equal(mean_rank(measured.where), ranks)
    shares = {False: "own time", True: "shared time"}
    for shared, name in shares.items():
        own = [rank <= 3 for rank, x in zip(ranks, questions, strict=True) if x.shared == shared]
        groups = measured.groups()
        assert (name in groups) == bool(own)
        if own:
            assert groups[name].values("HR@3").tolist() == own
    if not timed:
        np.testing.assert_array_equal(mean_rank(all_places(recommender.model, queries)), ranks)


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
@given(lists=events())
def test_leaving_the_last_out(rule, timed, lists):
    assume(any(len(one) >= 3 for one in lists))
    long = [one for one in lists if len(one) >= 3]
    ordered = rule.kind != "basket"
    kept, long = read_by(rule, long, timed)
    users = tuple("uvwx"[: len(long)])
    split = leave_last_out(CATALOGUE, users, kept, rule)
    assert [split.train.of(k).tolist() for k in range(len(long))] == [[x.item for x in one[:-2]] for one in long]
    parts: list[tuple[Part, int, int]] = [("valid", 2, 1 if timed else 2), ("test", 1, 0 if timed else 1)]
    for part, back, shown in parts:
        questions = [naive.question(u, one, one[-back], ordered) for u, one in enumerate(long)]
        asked_as(split.queries(part), questions)
        context = [one[: len(one) - shown] for one in long]
        assert [split.context(part).of(k).tolist() for k in range(len(long))] == [[x.item for x in c] for c in context]
        evaluated_as(split, part, context, questions, ordered)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
@given(lists=events(most=6, moments=5))
def test_a_cut_in_time(rule, lists):
    ordered = rule.kind != "basket"
    read, lists = read_by(rule, lists, True)
    questions = {
        part: [
            naive.question(u, one, x, ordered)
            for u, one in enumerate(lists)
            for x in one
            if low <= x.moment < high and any(naive.before(y, x, ordered) for y in one)
        ]
        for part, low, high in (("valid", 3, 4), ("test", 4, 9))
    }
    assume(all(questions.values()) and any(x.moment < 3 for one in lists for x in one))
    split = split_by_time(CATALOGUE, tuple("uvwx"[: len(lists)]), read, valid_from=3, test_from=4, ties=rule)
    ends: list[tuple[Part, int]] = [("valid", 4), ("test", 9)]
    for part, end in ends:
        asked_as(split.queries(part), questions[part])
        # whatever happened may be demonstrated to later queries
        evaluated_as(split, part, [[x for x in one if x.moment < end] for one in lists], questions[part], ordered)


@given(lists=events(least=1, most=6, moments=5))
def test_windows_of_time_ask_as_the_definition_does(lists):
    moments = np.sort([x.moment for one in lists for x in one])
    assume(len(np.unique(moments[len(moments) // 2 :])) > 1)
    (window,) = cut_windows(naive.library_lists(lists, True), 1, 0.5)
    asked = [(u, one, x) for u, one in enumerate(lists) for x in one if window.start <= x.moment < window.end]
    questions = [naive.question(u, one, x, False) for u, one, x in asked]
    asked_as(window.queries, [x for x in questions if x.history])


@pytest.mark.parametrize("form", FORMS)
@given(
    lists=events(least=3, most=9, moments=3),
    timed=st.booleans(),
    part=st.sampled_from(["valid", "test"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_order_within_a_basket_is_seen_anywhere(form, lists, timed, part, seed):
    """Lists, scores, metrics, explanations, memories and baselines, bit by bit; which target is asked stays."""
    rng = np.random.default_rng(seed)
    # the last two events are asked about, so they stay where they are
    other = naive.events_of(
        [
            [(x.item, x.moment) for x in (*sorted(one[:-2], key=lambda x: (x.moment, rng.random())), *one[-2:])]
            for one in lists
        ]
    )
    users = tuple("uvwx"[: len(lists)])
    splits = [leave_last_out(TEXTS, users, naive.library_lists(x, timed)) for x in (lists, other)]
    models = [Recommender(TEXTS, TIMED, form).fit(x.context(part), users) for x in splits]
    left, right = (model.scores(x.queries(part)) for model, x in zip(models, splits, strict=True))
    np.testing.assert_array_equal(left, right)
    left, right = (evaluate(model, x, part, ks=(3,), exposure=True) for model, x in zip(models, splits, strict=True))
    assert left.means() == right.means()
    np.testing.assert_array_equal(left.shown[3], right.shown[3])
    for baseline in (item_knn_and_popularity, markov):
        left, right = (baseline(x.context(part), ITEMS).scores(x.queries(part)) for x in splits)
        np.testing.assert_array_equal(left, right)
    left, right = models
    assert [left.recommend(u).items.tolist() for u in users] == [right.recommend(u).items.tolist() for u in users]
    np.testing.assert_array_equal(left.memory.sums().toarray(), right.memory.sums().toarray())
    if left.model.adds_up:
        for item in range(ITEMS):
            one, same = left.explain("u", item), right.explain("u", item)
            assert (one.score, one.total, sorted(one.contributions)) == (
                same.score,
                same.total,
                sorted(same.contributions),
            )
            before = [x.model.demonstrations.previous[y.demonstrations] for x, y in ((left, one), (right, same))]
            assert sorted(before[0]) == sorted(before[1])


@pytest.mark.parametrize("timed", [True, False])
@given(lists=events(least=1, moments=3), seed=st.integers(0, 2**32 - 1))
def test_updates_and_erasures_in_any_order_within_baskets_are_a_fit(timed, lists, seed):
    """Event by event, users interleaved, baskets in any order, others erased: scores and sums of a fit, bit by bit."""
    rng, users = np.random.default_rng(seed), "uvwx"[: len(lists)]
    known = Recommender(TEXTS, TIMED).fit(naive.library_lists([[], [*lists[0]]], timed), ["nobody", "ghost"])
    steps = [(x.moment, rng.random(), u, x.item) for u, one in enumerate(lists) for x in one]
    latest = {}
    for moment, _, u, item in sorted(steps):
        if timed:
            known.update(users[u], [item], [moment])
        else:
            known.memory.append(users[u], item, together=latest.get(u) == moment)
            latest[u] = moment
    known.erase("ghost").erase("nobody")
    fresh = Recommender(TEXTS, TIMED).fit(naive.library_lists(lists, timed), list(users))
    np.testing.assert_array_equal(known.memory.sums().toarray(), fresh.memory.sums().toarray())
    for user in users:
        assert sorted(known.history(user)) == sorted(fresh.history(user))
        left, right = (x.recommend(user) for x in (known, fresh))
        assert (left.items.tolist(), left.scores.tolist()) == (right.items.tolist(), right.scores.tolist())


@given(lists=events(least=3, moments=3))
def test_what_was_taken_with_a_target_says_nothing_about_it_where_only_the_order_is_known(lists):
    """In the shared context the mates of a target speak for themselves, which are no candidates."""
    split = leave_last_out(CATALOGUE, tuple("uvwx"[: len(lists)]), naive.library_lists(lists, False))
    for u, one in enumerate(lists):
        without = [[x for x in other[:-1] if v != u or x.moment < one[-1].moment] for v, other in enumerate(lists)]
        rows = [
            Recommender(CATALOGUE, naive.EXACT).fit(context, split.users).scores(split.test)[u]
            for context in (split.context("test"), naive.library_lists(without, False))
        ]
        candidates = np.setdiff1d(np.arange(ITEMS), split.test.seen.of(u))
        np.testing.assert_array_equal(rows[0][candidates], rows[1][candidates])
