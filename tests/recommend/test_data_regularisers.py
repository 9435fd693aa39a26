"""Perturbed data and regularised recommenders: what each does to the demonstrations, by hand on small lists."""

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.generator import generate_split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import GRID, HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.robustness.data_perturbations import PERTURBATIONS, perturb_lists, perturb_queries
from lrgd_jax.recommend.robustness.data_regularisers import (
    clip_keys,
    decay_rates,
    drop_demonstrations,
    remove_popularity,
    shrink_by_ridge,
    shrink_rates,
)

ITEMS, KEYS = 100, HistoryKeys(0.8, 0.5)


@pytest.fixture(scope="module")
def lists():
    train = generate_split(0, 120, ITEMS).train
    return Sequences(train.starts, train.items)


@pytest.fixture(scope="module")
def model(lists):
    return OneStep(transitions(lists, KEYS, ITEMS), InitialWeights(popularity(lists, ITEMS)), KEYS)


def keys_differ(one, other):
    return (one.keys != other.keys).nnz > 0


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_nothing_is_hit_at_strength_zero(lists, kind):
    plain, found = transitions(lists, KEYS, ITEMS), perturb_lists(kind, lists, KEYS, ITEMS, 0.0, seed=0)
    assert np.array_equal(found.demonstrations.targets, plain.targets)
    assert not keys_differ(found.demonstrations, plain)
    assert np.array_equal(found.counted.items, lists.items)


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_what_is_hit_is_a_function_of_the_seed(lists, kind):
    once, again, other = (perturb_lists(kind, lists, KEYS, ITEMS, 0.4, seed=seed).demonstrations for seed in (3, 3, 4))
    assert np.array_equal(once.targets, again.targets)
    assert not keys_differ(once, again)
    if kind != "query noise":
        changed = len(once) != len(other) or not np.array_equal(once.targets, other.targets)
        assert changed or keys_differ(once, other)


def test_noise_hits_targets_or_keys_and_never_both(lists):
    plain = transitions(lists, KEYS, ITEMS)
    targets = perturb_lists("target noise", lists, KEYS, ITEMS, 0.5, seed=0)
    keys = perturb_lists("key noise", lists, KEYS, ITEMS, 0.5, seed=0)
    assert not keys_differ(targets.demonstrations, plain)
    assert keys_differ(keys.demonstrations, plain)
    assert np.array_equal(keys.demonstrations.targets, plain.targets)
    share = (targets.demonstrations.targets != plain.targets).mean()
    # one hundredth of the hits draws the item itself; four standard deviations of a binomial
    assert abs(share - 0.5 * 0.99) <= 4 * 0.5 / np.sqrt(len(plain))
    # popularity counts what is recorded
    assert not np.array_equal(targets.counted.items, lists.items)
    assert np.array_equal(keys.counted.items, lists.items)


def test_all_interactions_can_be_lost(lists):
    found = perturb_lists("lost interactions", lists, KEYS, ITEMS, 1.0, seed=0)
    assert len(found.demonstrations) == len(found.counted.items) == 0
    assert len(found.counted) == len(lists)


def test_cold_items_lose_theirs_and_the_others_keep_them(lists):
    found = perturb_lists("cold items", lists, KEYS, ITEMS, 1.0, seed=0)
    before, after = (np.bincount(x.items, minlength=ITEMS) for x in (lists, found.counted))
    cold = after == 0
    assert cold.sum() >= ITEMS // 2
    assert np.array_equal(after[~cold], before[~cold])


def test_shuffled_lists_hold_the_same_items(lists):
    found = perturb_lists("shuffled histories", lists, KEYS, ITEMS, 1.0, seed=0).counted
    assert all(sorted(found.of(k)) == sorted(lists.of(k)) for k in range(len(lists)))
    assert not np.array_equal(found.items, lists.items)


def test_query_noise_changes_what_the_recommender_is_told(lists):
    queries = Queries(np.arange(len(lists)), lists, np.zeros(len(lists), int))
    noisy = perturb_queries(queries, ITEMS, 0.5, seed=0)
    assert np.array_equal(noisy.targets, queries.targets)
    assert np.array_equal(noisy.histories.starts, lists.starts)
    assert not np.array_equal(noisy.histories.items, lists.items)


def test_decay_counts_the_later_demonstrations_of_the_same_user():
    lists = Sequences.from_lists([[0, 1, 2, 3], [3, 2]])
    model = OneStep(transitions(lists, KEYS, 4), InitialWeights(popularity(lists, 4)), KEYS)
    assert decay_rates(model, 0.5).demonstrations.rates.tolist() == [0.25, 0.5, 1.0, 1.0]


def test_a_smaller_step_pulls_toward_the_initial_weights(model):
    assert (shrink_rates(model, 0.5).demonstrations.rates == 0.5).all()
    assert (shrink_rates(model, 0.5).initial.constant_scores() == model.initial.constant_scores()).all()
    assert not remove_popularity(model).initial.constant_scores().any()


def test_ridge_divides_by_the_diagonal_of_the_gram_matrix(model):
    keys = model.demonstrations.keys.toarray()
    gram = np.diag(keys.T @ keys)
    shrunken = shrink_by_ridge(model, 2.0).demonstrations.keys.toarray()
    # entries are below 1, with a few roundings each and the diagonal's sum, then put on the grid
    bound = GRID / 2 + (len(keys) + 4) * np.finfo(float).eps
    assert (abs(shrunken - keys * 2 / (2 + gram)) <= bound).all()
    strong = shrink_by_ridge(model, 2.0**60).demonstrations
    assert not keys_differ(strong, model.demonstrations)


def test_clipping_shortens_long_keys_and_leaves_the_others(model):
    keys = model.demonstrations.keys.toarray()
    lengths = np.linalg.norm(keys, axis=1)
    found = clip_keys(model, 1.1).demonstrations.keys.toarray()
    assert np.array_equal(found[lengths <= 1.1], keys[lengths <= 1.1])
    assert (lengths > 1.1).any()
    # each entry is moved by half a grid step at most
    assert (np.linalg.norm(found, axis=1) <= 1.1 + np.sqrt(ITEMS) * GRID).all()


def test_dropout_keeps_the_expectation(model):
    rates = drop_demonstrations(model, 0.25, seed=0).demonstrations.rates
    assert set(rates) == {0.0, 1 / 0.75}
    assert np.array_equal(rates, drop_demonstrations(model, 0.25, seed=0).demonstrations.rates)
    # four standard deviations of the mean of n such rates
    assert abs(rates.mean() - 1) <= 4 * np.sqrt(0.25 / 0.75 / len(rates))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            lambda m, s: perturb_lists("other", s, KEYS, ITEMS, 0.5, 0),
            "no perturbation 'other'; known are target noise",
        ),
        (lambda m, s: perturb_lists("key noise", s, KEYS, ITEMS, 1.5, 0), r"probability in \[0, 1\], got 1.5"),
        (lambda m, s: shrink_rates(m, 0.0), "size of a step must be positive"),
        (lambda m, s: decay_rates(m, 1.0), r"the decay must lie in \[0, 1\)"),
        (lambda m, s: drop_demonstrations(m, -0.5, 0), r"the rate of dropping must lie in \[0, 1\)"),
        (lambda m, s: shrink_by_ridge(m, -1.0), "strength of a ridge must be positive"),
        (lambda m, s: clip_keys(m, 0.0), "largest step must be positive"),
    ],
)
def test_wrong_input_is_named(model, lists, refused, message):
    with pytest.raises(ValueError, match=message):
        refused(model, lists)
