"""An interaction is one more step, an erased user steps back: after any edits the sums are those of a fresh start."""

from dataclasses import replace

import numpy as np
import pytest
from recommend.histories import ITEMS, allowed, histories, terms_of

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.serving.interaction_memory import Memory
from lrgd_jax.recommend.serving.recommender import Recommender

KEYS = HistoryKeys(0.8, 0.5, window=6)


def refitted(memory):
    """A memory that has never seen anything but what is left."""
    return Memory.of(memory.sequences(), list(memory.histories), memory.keys, memory.items, memory.rates())


def same(left, right):
    return np.array_equal(left.toarray(), right.toarray())


def edited(memory, rng, edits, every):
    """Random interactions, erased users and readings in between."""
    clock = 100
    for number in range(edits):
        users = list(memory.histories)
        if rng.random() < 0.1 and users:
            memory.forget(users[rng.integers(len(users))])
        else:
            clock += int(rng.integers(50) == 0)
            user = f"new {number}" if rng.random() < 0.15 else f"user {rng.integers(40)}"
            together = not memory.timed and rng.random() < 0.5
            memory.append(user, int(rng.integers(memory.items)), clock if memory.timed else None, together=together)
        if number % every == 0:
            memory.sums()
    return memory


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("timed", [False, True])
def test_ten_thousand_edits_are_a_refit_bit_by_bit(timed, ordered):
    past = replace(histories(users=40, items=60, timed=timed), ordered=ordered)
    rates = np.random.default_rng(4).random(len(past.items))
    memory = Memory.of(past, [f"user {u}" for u in range(40)], KEYS, 60, rates)
    edited(memory, np.random.default_rng(11), 10_000, every=997)
    left = memory.sequences()
    assert len(left.items) > 500
    assert left.tied.sum() > 100
    assert (left.before != left.positions).any() == (not ordered)
    assert same(memory.sums(), refitted(memory).sums())


def test_erasing_everybody_leaves_nothing():
    memory = Memory.of(histories(), [str(u) for u in range(9)], KEYS, ITEMS)
    for user in list(memory.histories):
        memory.forget(user)
    assert memory.sums().nnz == 0
    assert len(memory.demonstrations()) == 0


def test_the_recommender_after_edits_scores_as_a_refit():
    past = histories(timed=False)
    catalogue = Catalogue(tuple(f"item-{k}" for k in range(ITEMS)))
    users = [f"user-{u}" for u in range(len(past))]
    found = Recommender(catalogue).fit(past, users)
    found.update("user-3", ["item-5", "item-1"]).update("somebody", ["item-2", "item-4", "item-2"]).erase("user-0")
    lists = [past.of(u).tolist() for u in range(1, 9)]
    lists[2] += [5, 1]
    lists.append([2, 4, 2])
    starts = np.concatenate([[0], np.cumsum([len(x) for x in lists])])
    again = Recommender(catalogue).fit(Sequences(starts, np.concatenate(lists)), [*users[1:], "somebody"])
    asked = histories(5)
    assert np.array_equal(found.model.scores(asked), again.model.scores(asked))
    assert found.history("user-3") == lists[2]


@pytest.mark.parametrize("form", ["linear", "normalised", "softmax", "delta", "ridge", "steps"])
def test_updates_within_one_time_have_no_order(form):
    """Baskets built item by item, in two orders, and by a fit."""
    catalogue, users = Catalogue(tuple(f"item-{k}" for k in range(ITEMS))), [str(u) for u in range(9)]
    past, asked = histories(timed=True), histories(5)
    lists = [Recommender(catalogue, form=form).fit(past, users) for _ in range(2)]
    for recommender, order in zip(lists, ([5, 1, 7, 3], [3, 7, 5, 1]), strict=True):
        for item in order:
            recommender.update("2", [item], [90])
        recommender.update("2", [2, 4][:: 1 if order[0] == 5 else -1], [91, 91])
    one, other = (recommender.model.scores(asked) for recommender in lists)
    bound = allowed(terms_of(lists[0].model) * len(lists[0].model.demonstrations), np.abs(one).max())
    assert np.array_equal(one, other)
    stored = [Recommender(catalogue, form=form).fit(replace(past, ordered=True), users) for _ in range(2)]
    for recommender, order in zip(stored, ([5, 1, 7, 3], [3, 7, 5, 1]), strict=True):
        recommender.update("2", order, [90] * 4)
    one, other = (recommender.model.scores(asked) for recommender in stored)
    assert (np.abs(one - other) > bound).any()


def test_an_erased_user_is_unknown():
    found = Recommender(Catalogue(("a", "b"))).fit(Sequences(np.array([0, 2]), np.array([0, 1])), ["ann"])
    found.erase("ann")
    with pytest.raises(ValueError, match="no user 'ann'"):
        found.erase("ann")


@pytest.mark.parametrize(
    ("items", "times", "message"),
    [
        (["item-99"], None, "no item 'item-99'"),
        ([99], None, "numbered from 0 to 11"),
        (["item-1"], [5], "no times"),
        (["item-1"], [5, 6], "one time for each"),
    ],
)
def test_a_wrong_update_changes_nothing(items, times, message):
    catalogue = Catalogue(tuple(f"item-{k}" for k in range(ITEMS)))
    found = Recommender(catalogue).fit(histories())
    before = found.memory.sequences()
    with pytest.raises(ValueError, match=message):
        found.update("0", ["item-1", *items] if times is None else items, times)
    assert np.array_equal(found.memory.sequences().items, before.items)


@pytest.mark.parametrize(
    ("times", "message"), [(None, "have times"), ([10], "comes before"), ([99, 98], "not in order")]
)
def test_times_come_in_order(times, message):
    found = Recommender(Catalogue(tuple(map(str, range(ITEMS))))).fit(histories(timed=True))
    with pytest.raises(ValueError, match=message):
        found.update("2" if times == [10] else "0", [1] * len(times or [0]), times)


def test_where_there_are_times_they_say_what_came_together():
    known = Recommender(Catalogue(tuple(map(str, range(ITEMS))))).fit(histories(timed=True))
    with pytest.raises(ValueError, match="give equal times instead"):
        known.update("0", [1, 2], [99, 99], together=True)
    assert known.update("0", [1, 2], [99, 99]).memory.past("0").tied.tolist()[-2:] == [False, True]


def test_users_have_one_name_each():
    with pytest.raises(ValueError, match="different names"):
        Memory.of(histories(), ["same"] * 9, KEYS, ITEMS)
