"""Shilling attacks: what fake users take, that it is only what is public, and that the attack does what it is for."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.ranking import best, without_seen
from lrgd_jax.recommend.robustness.attack_detection import suspicion
from lrgd_jax.recommend.robustness.data_regularisers import prune
from lrgd_jax.recommend.robustness.shilling_attacks import ATTACKS, join_lists, segment, shilling_attack

KEYS = HistoryKeys(0.8, 0.5)


def untimed(queries):
    return replace(queries, histories=replace(queries.histories, times=None), times=None)


@pytest.fixture(scope="module")
def split():
    split = generate_split(0, 300, 150)
    lists = replace(split.train, times=None)
    return replace(split, train=lists, valid=untimed(split.valid), test=untimed(split.test))


@pytest.fixture(scope="module")
def counts(split):
    return popularity(split.train, len(split.catalogue)).counts


def fitted(sequences, items):
    return OneStep(
        transitions(sequences, KEYS, items), InitialWeights(popularity(sequences, items), 0.003), HistoryKeys(0.6, 0.0)
    )


def shown(model, queries, item):
    lists = best(without_seen(model.scores(queries.histories), queries), 10)
    return (lists == item).any(axis=1).mean()


@pytest.mark.parametrize("kind", ATTACKS)
def test_fake_users_take_fillers_and_the_pushed_item(split, counts, kind):
    attack = shilling_attack(kind, split.catalogue, counts, 90, seed=1)
    demonstrations = transitions(join_lists(split.train, attack.lists), KEYS, len(split.catalogue))
    fake = demonstrations.users >= len(split.users)
    pushing = attack.pushing(demonstrations, len(split.users))
    assert fake.sum() == 90
    assert pushing.sum() == (90 * 5 / 9 if kind == "camouflaged" else 90)
    assert not pushing[~fake].any()
    assert counts[attack.item] <= np.median(counts)
    others = attack.lists.items[attack.lists.items != attack.item]
    assert set(others) <= set(attack.audience) - {attack.item}
    # every list ends with it
    assert (attack.lists.items[attack.lists.starts[1:] - 1] == attack.item).all()


def test_a_single_demonstration_makes_one_fake_user(split, counts):
    attack = shilling_attack("bandwagon", split.catalogue, counts, 1, seed=0)
    assert len(attack.lists) == 1
    assert attack.lists.lengths.tolist() == [2]
    with pytest.raises(ValueError, match="0 fake demonstrations make no fake user; a bandwagon one has 1"):
        shilling_attack("bandwagon", split.catalogue, counts, 0, seed=0)


def test_fillers_are_taken_by_popularity_but_for_the_random_attack(split, counts):
    """Where one item alone was ever taken, it alone can be drawn by popularity, and hardly ever uniformly."""
    only = np.zeros(len(counts))
    only[4] = 9.0
    fillers = {}
    for kind in ("bandwagon", "random"):
        attack = shilling_attack(kind, split.catalogue, only, 60, seed=0)
        fillers[kind] = set(attack.lists.items.tolist()) - {attack.item}
    assert fillers["bandwagon"] == {4}
    # 60 uniform draws from 149 that hit at most ten of them: below one in 10^40
    assert len(fillers["random"]) > 10


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_is_a_function_of_its_seed_and_of_what_is_public(split, counts, kind):
    once, again, other = (shilling_attack(kind, split.catalogue, counts, 90, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(once.lists.items, again.lists.items)
    assert not np.array_equal(once.lists.items, other.lists.items)
    assert {shilling_attack(one, split.catalogue, counts, 90, seed=1).item for one in ATTACKS} == {once.item}


def test_the_bandwagon_holds_the_most_popular(split, counts):
    audience = shilling_attack("bandwagon", split.catalogue, counts, 9, seed=0).audience
    assert counts[audience].min() >= np.sort(counts)[-len(audience)]


def test_a_segment_shares_the_word_that_is_taken_most():
    catalogue = Catalogue(tuple("abcdef"), ("red pen", "red pen", "blue pen", "blue cup", "green cup", "pen"))
    # at most two of so few items: pen is too wide, red is taken 7 times, blue 5, cup 3
    assert segment(catalogue, np.array([3.0, 4, 4, 1, 2, 9])).tolist() == [0, 1]


def test_the_attack_works_is_found_and_is_gone(split, counts):
    attack = shilling_attack("bandwagon", split.catalogue, counts, 90, seed=0)
    items = len(split.catalogue)
    honest = fitted(split.train, items)
    model = fitted(join_lists(split.train, attack.lists), items)
    found = suspicion(model, split.valid, ListLoss(0.1))
    fake = model.demonstrations.users >= len(split.users)
    assert np.argmin(found.by_item) == np.argmin(found.log_lifts) == attack.item
    assert found.outlying_items()[attack.item]
    cleaned = prune(model, found.outlying() | fake)
    assert shown(model, split.test, attack.item) > 2 * shown(honest, split.test, attack.item)
    assert shown(cleaned, split.test, attack.item) <= shown(honest, split.test, attack.item)


def test_without_the_fakes_the_dual_is_the_honest_one_exactly(split, counts):
    attack = shilling_attack("random", split.catalogue, counts, 90, seed=0)
    items = len(split.catalogue)
    model = fitted(join_lists(split.train, attack.lists), items)
    cleaned = prune(model, model.demonstrations.users >= len(split.users))
    assert abs(cleaned.dual_weights - fitted(split.train, items).dual_weights).max() == 0
    # of the fake users' interactions their first ones were never demonstrations, and stay counted
    left = cleaned.initial.popularity.counts - counts
    assert np.array_equal(left, np.bincount(attack.lists.items[attack.lists.starts[:-1]], minlength=items))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda s, c: shilling_attack(cast(Any, "other"), s.catalogue, c, 9, 0), "no attack 'other'; known are random"),
        (lambda s, c: shilling_attack("camouflaged", s.catalogue, c, 8, 0), "8 fake demonstrations make no fake user"),
        (lambda s, c: shilling_attack("targeted", replace(s.catalogue, titles=None), c, 9, 0), "no such titles"),
        (lambda s, c: join_lists(generate_split(0, 100, 50).train, s.train), "fake users have no times"),
        (lambda s, c: prune(timed(), np.ones(1, bool)), "this popularity has times"),
    ],
)
def test_wrong_input_is_named(split, counts, refused, message):
    with pytest.raises(ValueError, match=message):
        refused(split, counts)


def timed():
    lists = Sequences(np.array([0, 2]), np.array([0, 1]), np.array([5, 6]))
    return fitted(lists, 2)
