"""Lists from sparse sums are those of a score for every item; after any edits they are those of a refit, bit by bit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from recommend.histories import allowed, histories, terms_of, vectors

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.measure.ranking import NOBODY, best
from lrgd_jax.recommend.serving import popular_order, summed_steps
from lrgd_jax.recommend.serving.item_lists import top
from lrgd_jax.recommend.serving.recommender import Recommender

ITEMS = 60
USERS = [f"user {u}" for u in range(40)]
NAMES = tuple(f"item-{k}" for k in range(ITEMS))
PLAIN = Catalogue(NAMES)
TITLED = Catalogue(NAMES, tuple(f"thing {k % 7} of kind {k % 3}" for k in range(ITEMS)))
METAS = {
    "as shipped": Meta(),
    "no popularity": Meta(popularity=0.0),
    "nothing is scaled": Meta(target_scaling=0.0, feature_scaling=0.0, key_scaling=0.0, query_decay=1.0),
    "popular items first": Meta(popularity=5.0, target_scaling=-0.5),
    "the latest item": Meta(window=1),
}


def recommender(meta=None, catalogue=PLAIN, rates=None, **about):
    past = histories(users=40, items=ITEMS, longest=12, **about)
    return Recommender(catalogue, meta).fit(past, USERS, None if rates is None else rates(len(past.items)))


def by_all_scores(known, user, k, barred, only=None):
    """The list from a score for every item."""
    scores = known.model.scores(known.memory.past(user))
    scores[0, barred] = -np.inf
    if only is not None:
        scores[0, np.setdiff1d(np.arange(ITEMS), only)] = -np.inf
    items = best(scores, k)[0]
    items = items[items != NOBODY]
    return items, scores[0, items]


def allowed_by(known, user):
    """How far two ways of adding up a score may be apart."""
    model = known.model
    heavy = model.with_rates(np.abs(model.demonstrations.rates)).scores(known.memory.past(user))
    return allowed(terms_of(model), np.abs(heavy).max())


def signed(n):
    return np.random.default_rng(3).normal(size=n)


@pytest.mark.parametrize("rates", [None, signed])
@pytest.mark.parametrize("catalogue", [PLAIN, TITLED, Catalogue(NAMES, vectors=vectors(items=ITEMS))])
@pytest.mark.parametrize("name", METAS)
def test_lists_are_those_of_a_score_for_every_item(name, catalogue, rates):
    known = recommender(METAS[name], catalogue, rates)
    for user in USERS[::5]:
        had = known.history(user)
        wishes: Any = (
            (1, {}, had, None),
            (10, {}, had, None),
            (ITEMS, {}, had, None),
            (7, {"seen": True}, [], None),
            (7, {"deny": [3, 4, "item-5"]}, [*had, 3, 4, 5], None),
            (7, {"allow": ["item-9", 2, 30, 2], "deny": [2]}, [*had, 2], [9, 2, 30]),
        )
        for k, options, barred, only in wishes:
            found = known.recommend(user, k, **options)
            items, scores = by_all_scores(known, user, k, barred, only)
            np.testing.assert_array_equal(found.items, items)
            assert (np.abs(found.scores - scores) <= allowed_by(known, user)).all()


@pytest.mark.parametrize("timed", [False, True])
def test_many_at_once_are_each_by_oneself(timed):
    known = recommender(timed=timed, catalogue=TITLED)
    known.update("late", [5, 6, 7], [99] * 3 if timed else None)
    table = known.recommend_many(k=4, deny=[0])
    assert table.columns == ["user", "place", "item", "title", "score"]
    assert table["user"].unique(maintain_order=True).to_list() == [*USERS, "late"]
    for user in ("late", "user 3", "user 39"):
        one, own = known.recommend(user, 4, deny=[0]), table.filter(table["user"] == user)
        assert own["item"].to_list() == list(one.names)
        assert own["score"].to_list() == one.scores.tolist()
        assert own["place"].to_list() == [1, 2, 3, 4]
    other = Recommender(TITLED, form="softmax").fit(known.memory.sequences(), [*known.memory.histories])
    softly = other.recommend_many(["user 3"], 4)
    assert softly["item"].to_list() == list(other.recommend("user 3", 4).names)
    assert known.recommend_many([], 4).rows() == []


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("timed", [False, True])
def test_lists_between_edits_are_those_of_a_refit(timed, ordered, monkeypatch):
    monkeypatch.setattr(popular_order, "LATE", 9)
    monkeypatch.setattr(summed_steps, "LEAST", 50)
    past = replace(histories(users=40, items=ITEMS, timed=timed), ordered=ordered)
    known, rng, clock = Recommender(PLAIN).fit(past, USERS), np.random.default_rng(5), 100
    for number in range(600):
        users = [*known.memory.histories]
        clock += int(rng.integers(20) == 0)
        user = users[rng.integers(len(users))] if rng.random() < 0.8 else f"new {number}"
        if rng.random() < 0.12:
            known.erase(users[rng.integers(len(users))])
        else:
            items = rng.integers(ITEMS, size=rng.integers(1, 4)).tolist()
            times = [clock] * len(items) if timed else None
            known.update(user, items, times, together=not timed and rng.random() < 0.5)
        if number % 40 == 0:
            memory = known.memory
            fresh = Recommender(PLAIN, known.meta).fit(memory.sequences(), [*memory.histories], memory.rates())
            assert np.array_equal(memory.counts, fresh.memory.counts)
            for asked in [*memory.histories][:: len(memory.histories) // 5]:
                one, other = known.recommend(asked, 12), fresh.recommend(asked, 12)
                assert np.array_equal(one.items, other.items)
                assert np.array_equal(one.scores, other.scores)
            assert known.recommend_many(k=5).equals(fresh.recommend_many(k=5))
    refit = Recommender(PLAIN, known.meta).fit(known.memory.sequences())
    assert np.array_equal(known.memory.sums().toarray(), refit.memory.sums().toarray())


def test_a_model_stays_as_it_was_when_the_memory_goes_on():
    known = recommender()
    before, asked = known.model, known.memory.past("user 7")
    scores = before.scores(asked)
    known.update("user 7", [1, 2, 3]).recommend("user 7")
    assert np.array_equal(before.scores(asked), scores)
    assert not np.array_equal(known.model.scores(asked), scores)


def test_sums_in_pieces_are_the_sums():
    past, keys = histories(users=40, items=ITEMS, timed=True), HistoryKeys(0.8, 0.5)
    rates = np.random.default_rng(0).random(len(past.items))
    whole, pieces = (summed_steps.sum_steps(past, rates, keys, ITEMS, piece=n) for n in (10**6, 3))
    assert np.array_equal(whole.toarray(), pieces.toarray())
    nobody = Sequences(np.zeros(1, np.int64), np.zeros(0, np.int64))
    assert summed_steps.sum_steps(nobody, rates[:0], keys, ITEMS).nnz == 0


def test_one_history_has_the_key_of_many():
    for seed in range(6):
        past = histories(seed, timed=seed % 2 == 0)
        for keys in (HistoryKeys(0.7, 0.0, 3), HistoryKeys(0.7, 0.5)):
            rows = keys.of(past, 12)
            for number in range(len(past)):
                features, entries = keys.of_one(past.take(np.array([number])), 12)
                assert np.array_equal(features, rows[[number]].indices)
                assert np.array_equal(entries, rows[[number]].data)


def test_the_best_of_many_with_equal_scores_and_repeats():
    rng = np.random.default_rng(0)
    for count in (1, 5, 400, 5000):
        scores = rng.integers(0, 9, 1000).astype(float)
        scores[::7] = -np.inf
        items = rng.integers(0, 1000, count)
        for k in (1, 4, 20):
            masked = np.full(1000, -np.inf)
            masked[items] = scores[items]
            expected = best(masked[None], k)[0]
            assert np.array_equal(top(items, scores[items], k)[0], expected[expected != NOBODY])


def test_what_one_reads_says_what_it_is(tmp_path):
    known = recommender(catalogue=TITLED)
    assert repr(known).startswith("Recommender(linear, 40 users, 60 items, ")
    assert repr(Recommender(PLAIN)) == "Recommender(linear, 60 items, not fitted)"
    listed = known.recommend("user 3", 8, seen=True)
    assert repr(listed).startswith("Recommended(8 items: 'thing ")
    assert repr(listed).endswith(", 3 more)")
    assert [row.place for row in listed.rows] == [*range(1, 9)]
    assert [row.had for row in listed.rows] == [item in known.history("user 3") for item in listed.items]
    assert any(row.had for row in listed.rows)
    assert repr(known.recommend("user 3", 8, allow=[])) == "Recommended(0 items)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 2.5}, "k: expected a whole number, got 2.5"),
        ({"k": True}, "k: expected a whole number, got True"),
        ({"k": ITEMS + 1}, "k = 61: expected 1 to 60"),
        ({"allow": ["item-3", "itm-4"]}, "there is no item 'itm-4' among 60; near are 'item-4'"),
        ({"deny": [ITEMS]}, "an item to deny: expected a whole number from 0 to 59, got 60"),
        ({"allow": "item-3"}, "an item to allow: expected a list of names, got the one text 'item-3'"),
    ],
)
def test_wrong_wishes_are_named(options: Any, message):
    known = recommender()
    for ask in (lambda: known.recommend("user 3", **options), lambda: known.recommend_many(["user 3"], **options)):
        with pytest.raises(ValueError, match=message):
            ask()
    with pytest.raises(ValueError, match="no user 'usr 3'"):
        known.recommend_many(["user 3", "usr 3"])
