"""The tables of forms, regularisers, prunings, attacks and selectors, and what is built from them."""

import numpy as np
import pytest
import scipy.sparse as sp
from recommend.generated_context import ONE_HOT, context_model, timed_split, untimed_split
from recommend.histories import ITEMS, histories, model_of

from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.registry import FORMS, build, build_from_histories
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.robustness.attack_detection import PRUNING, suspicion
from lrgd_jax.recommend.robustness.data_regularisers import REGULARISERS, shrink_by_ridge
from lrgd_jax.recommend.robustness.shilling_attacks import ATTACKS
from lrgd_jax.recommend.selection import LABELLED, PERSONAL, PERSONAL_LABELLED, SHARED


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_a_class_with_a_sentence(name):
    assert issubclass(FORMS[name], OneStep)
    assert FORMS.descriptions[name].endswith(".")
    assert len(FORMS.descriptions) == len(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_histories_is_the_form_of_their_parts(name):
    past = histories()
    parts = transitions(past, ONE_HOT.keys(), ITEMS), InitialWeights.of(popularity(past, ITEMS), ONE_HOT)
    whole = build_from_histories(past, ITEMS, ONE_HOT, form=name)
    assert np.array_equal(whole.scores(histories(5)), build(name, *parts, ONE_HOT).scores(histories(5)))


def test_sums_that_are_told_are_read_until_the_rates_are_others():
    model = model_of()
    told = model.with_dual_weights(sp.csr_array((ITEMS, ITEMS)))
    assert told.dual_weights.nnz == 0
    again = told.with_rates(model.demonstrations.rates)
    assert np.array_equal(again.dual_weights.toarray(), model.dual_weights.toarray())


@pytest.mark.parametrize("name", REGULARISERS)
def test_a_regulariser_has_a_strength_of_its_own_and_takes_another(name):
    split = untimed_split()
    model, regulariser = context_model(split), REGULARISERS[name]
    asked = split.valid.histories
    usual, same = regulariser(model, 3), regulariser(model, 3, regulariser.strength)
    assert np.array_equal(usual.scores(asked), same.scores(asked))
    assert np.array_equal(usual.scores(asked), model.scores(asked)) == (name == "none")
    assert regulariser.description.endswith(".")


def test_a_ridge_of_another_strength_is_another_ridge():
    model = context_model(untimed_split())
    found = REGULARISERS["ridge"](model, strength=2.0).demonstrations.keys
    assert np.array_equal(found.toarray(), shrink_by_ridge(model, 2.0).demonstrations.keys.toarray())


@pytest.mark.parametrize("name", PRUNING)
def test_a_pruning_takes_only_what_does_no_good(name):
    split = untimed_split()
    suspected = suspicion(context_model(split), split.valid, ListLoss(0.1))
    taken = PRUNING[name](suspected, 0.5)
    assert taken.shape == suspected.effects.shape
    assert (suspected.effects[taken] <= 0).all()


def test_attacks_say_what_they_do():
    assert all(plan.description.endswith(".") and plan.pushes >= 1 for plan in ATTACKS.values())


def test_selectors_that_read_labels_are_selectors():
    assert set(LABELLED) < set(SHARED)
    assert set(PERSONAL_LABELLED) < set(PERSONAL)
    assert set(SHARED) - set(LABELLED) >= {"random", "attention", "reproduce"}


def test_a_split_without_times_shows_no_time_to_anybody():
    timed, untimed = timed_split(), timed_split().without_times()
    assert timed.context("test").times is not None
    assert untimed.context("test").times is None
    assert untimed.valid.histories.items.tolist() == timed.valid.histories.items.tolist()
    with pytest.raises(ValueError, match="no times"):
        _ = untimed.valid.seconds


def test_a_block_of_lists_is_its_neighbours():
    lists = histories(timed=True)
    block = lists.block(slice(2, 5))
    assert [block.of(k).tolist() for k in range(3)] == [lists.of(k).tolist() for k in range(2, 5)]
    assert block.seconds.tolist() == lists.seconds[lists.starts[2] : lists.starts[5]].tolist()
