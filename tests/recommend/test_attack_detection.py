"""Effects of interactions against the derivative by hand, sums over groups, outliers, and the area under the curve."""

import numpy as np
import pytest
import scipy.sparse as sp

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.robustness.attack_detection import Suspicion, area_under_curve, interaction_effects

ITEMS = 7


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    lists = Sequences.from_lists([rng.integers(0, ITEMS, 5).tolist() for _ in range(6)])
    model = OneStep(
        transitions(lists, HistoryKeys(0.8, 0.5), ITEMS), InitialWeights(popularity(lists, ITEMS), 0.5), HistoryKeys()
    )
    histories = Sequences.from_lists([rng.integers(0, ITEMS, 3).tolist() for _ in range(4)])
    queries = Queries(np.arange(4), histories, rng.integers(0, ITEMS, 4))
    return model, queries, rng.standard_normal((4, ITEMS))


def test_an_effect_is_the_part_of_the_demonstration_and_of_the_popularity_it_is_counted_in(case):
    model, queries, residuals = case
    found = interaction_effects(model, queries, sp.csr_array(residuals))
    keys, asked = model.demonstrations.keys.toarray(), model.queries(queries.histories).toarray()
    targets = model.demonstrations.targets
    scales = model.target_scales()[targets] / len(queries)
    by_hand = scales * ((keys @ asked.T) * residuals[:, targets].T + 0.5 * residuals[:, targets].T).sum(axis=1)
    sizes = scales * ((keys @ asked.T) * abs(residuals[:, targets].T) + 0.5 * abs(residuals[:, targets].T)).sum(axis=1)
    # both sides sum at most queries x items products, of three factors and a scaling each
    roundings = 2 * (len(queries) * ITEMS + 5)
    assert (abs(found - by_hand) <= roundings * np.finfo(float).eps * sizes).all()


def test_groups_sum_what_would_be_removed_together():
    effects, users, targets = np.array([1.0, -2.0, 4.0, -8.0]), np.array([0, 0, 1, 1]), np.array([2, 1, 2, 1])
    found = Suspicion(effects, users, targets, np.zeros(4))
    assert found.by_user.tolist() == [-1.0, -4.0]
    assert found.by_item.tolist() == [0.0, -10.0, 5.0, 0.0]


def test_the_worst_share_harms_and_is_no_larger():
    found = Suspicion(np.array([-1.0, -3.0, 2.0, 0.0]), np.zeros(4, int), np.zeros(4, int), np.zeros(1))
    assert found.worst(0.25).tolist() == [False, True, False, False]
    assert found.worst(1.0).tolist() == [True, True, False, False]
    assert not found.worst(0.0).any()


def test_an_outlier_is_promised_far_more_than_it_is_wanted():
    rng = np.random.default_rng(0)
    lifts = np.append(rng.standard_normal(999), -20.0)
    found = Suspicion(np.array([-1.0, 0.0, 2.0, -1.0]), np.zeros(4, int), np.array([999, 999, 999, 0]), lifts)
    assert np.flatnonzero(found.outlying_items()).tolist() == [999]
    # whatever helps somebody stays
    assert found.outlying().tolist() == [True, True, False, False]


def test_normal_lifts_raise_no_more_false_alarms_than_promised():
    alarms = 0
    for seed in range(100):
        lifts = np.random.default_rng(seed).standard_normal(500)
        none = np.zeros(0, int)
        alarms += Suspicion(np.zeros(0), none, none, lifts).outlying_items(0.5).any()
    # 100 trials at probability 1/2, and four standard deviations of a binomial
    assert alarms <= 50 + 4 * 5


def test_lifts_that_are_all_the_same_have_no_outlier():
    found = Suspicion(np.zeros(2), np.zeros(2, int), np.zeros(2, int), np.ones(5))
    assert not found.outlying_items().any()


def test_the_area_counts_pairs_with_ties_half():
    rng = np.random.default_rng(1)
    suspects, others = rng.integers(0, 5, 20).astype(float), rng.integers(0, 6, 30).astype(float)
    pairs = (suspects[:, None] < others).sum() + (suspects[:, None] == others).sum() / 2
    # ranks are multiples of a half, so both are exact but for the division and the difference from 1
    assert abs(area_under_curve(suspects, others) - pairs / 600) <= 2 * np.finfo(float).eps
    assert area_under_curve(np.array([-1.0]), np.array([0.0, 1.0])) == 1
    assert area_under_curve(np.ones(3), np.ones(2)) == 0.5


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda s: s.worst(1.5), r"share of the demonstrations lies in \[0, 1\], got 1.5"),
        (lambda s: s.outlying_items(0.0), r"false alarm lies in \(0, 1\), got 0.0"),
        (lambda s: area_under_curve(np.zeros(0), np.ones(1)), "suspects and others, got 0 and 1"),
    ],
)
def test_wrong_input_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused(Suspicion(np.zeros(2), np.zeros(2, int), np.zeros(2, int), np.ones(5)))
