"""Ranks under ties: by counting, by all orders of the tied items, and where the scores say nothing."""

import itertools

import numpy as np
import pytest

from lrgd_jax.recommend.measure.metrics import hit_rate, mean_rank, ndcg, places, reciprocal_rank

METRICS = (hit_rate, ndcg, reciprocal_rank)
GAINS = {hit_rate: lambda r: 1.0, ndcg: lambda r: 1 / np.log2(1 + r), reciprocal_rank: lambda r: 1 / r}


def by_all_orders(scores, target, k, gain):
    """The metric's mean over every order of the items that agrees with the scores."""
    orders = [o for o in itertools.permutations(range(len(scores))) if (np.diff(scores[list(o)]) <= 0).all()]
    ranks = [o.index(target) + 1 for o in orders]
    return sum(gain(r) if r <= k else 0.0 for r in ranks) / len(ranks)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_expected_value_is_the_mean_over_all_orders_of_the_tied(metric, k):
    scores = np.random.default_rng(k).integers(0, 3, (12, 6)).astype(float)
    targets = np.arange(12) % 6
    found = metric(places(scores, targets), k, expected=True)
    wanted = [by_all_orders(s, t, k, GAINS[metric]) for s, t in zip(scores, targets, strict=True)]
    # at most 6! terms of size 1, summed and divided, on either side
    np.testing.assert_array_less(np.abs(found - wanted), 1000 * np.finfo(float).eps)


@pytest.mark.parametrize("metric", METRICS)
def test_without_ties_both_readings_are_the_plain_metric(metric):
    scores = np.random.default_rng(0).permuted(np.tile(np.arange(20.0), (50, 1)), axis=1)
    targets = np.arange(50) % 20
    rank = 1 + (scores > scores[np.arange(50), targets][:, None]).sum(1)
    where = places(scores, targets)
    np.testing.assert_array_equal(mean_rank(where), rank)
    plain = np.array([GAINS[metric](r) if r <= 7 else 0.0 for r in rank])
    np.testing.assert_array_equal(metric(where, 7), plain)
    np.testing.assert_array_less(np.abs(metric(where, 7, expected=True) - plain), 20 * np.finfo(float).eps)


def test_ties_share_the_mean_of_their_places():
    where = places(np.array([[3.0, 2, 2, 2, 1]]), np.array([2]))
    assert mean_rank(where).tolist() == [3.0]
    assert hit_rate(where, 2).tolist() == [0.0]
    assert hit_rate(where, 3).tolist() == [1.0]
    assert hit_rate(where, 2, expected=True).tolist() == [1 / 3]


@pytest.mark.parametrize("items", [2, 5, 100])
def test_a_constant_score_vector_is_never_a_hit(items):
    where = places(np.zeros((1, items)), np.array([1]))
    assert hit_rate(where, items).tolist() == [0.0]
    masked = np.zeros((1, items + 3))
    masked[0, 2:5] = -np.inf
    assert hit_rate(places(masked, np.array([1])), 10).tolist() == [0.0]


def test_the_only_candidate_is_a_hit_though_it_ties_with_nobody_else():
    assert hit_rate(places(np.array([[-np.inf, 1.0]]), np.array([1])), 1).tolist() == [1.0]


def test_a_seen_target_is_no_hit():
    where = places(np.array([[-np.inf, 1.0, 2.0]]), np.array([0]))
    assert where.excluded.tolist() == [True]
    for metric in METRICS:
        assert metric(where, 3).tolist() == metric(where, 3, expected=True).tolist() == [0.0]


@pytest.mark.parametrize(
    ("scores", "targets", "said"),
    [
        ([[np.nan, 1.0]], [0], "NaN"),
        ([[np.inf, 1.0]], [0], "infinite"),
        ([[0.0, 1.0]], [2], "no item"),
        ([[0.0, 1.0]], [0, 1], "do not fit"),
    ],
)
def test_wrong_scores_are_named(scores, targets, said):
    with pytest.raises(ValueError, match=said):
        places(np.array(scores), np.array(targets))


def test_no_place_is_no_k():
    with pytest.raises(ValueError, match="k = 0"):
        hit_rate(places(np.array([[1.0, 2.0]]), np.array([1])), 0)
