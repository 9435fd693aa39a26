"""Intervals and tests: by enumeration where that is possible, and their error rates where it is not."""

import itertools
import math

import numpy as np
import pytest

from lrgd_jax.recommend.measure.statistics import LEVEL, confidence_interval, paired_difference, per_user


def test_the_means_are_over_queries():
    values, users = np.array([1.0, 0.0, 0.0, 1.0]), np.array([7, 7, 7, 3])
    assert confidence_interval(values, users, seed=0).mean == 0.5
    names, means = per_user(values, users)
    assert names.tolist() == [3, 7]
    assert means.tolist() == [1.0, 1 / 3]


def test_the_bootstrap_of_three_users_has_the_quantiles_of_all_its_draws():
    values, users = np.array([0.0, 1.0, 4.0]), np.arange(3)
    draws = [np.mean(x) for x in itertools.product(values, repeat=3)]
    found = confidence_interval(values, users, seed=0, level=0.5)
    # 2000 draws from 27 equally likely ones: quantile 1/4 lies between its neighbours' jumps unless a share of
    # at least 1/27 is off, ten standard deviations of a share of 1/4 in 2000 draws away at 4 / 27
    low, high = (np.quantile(draws, [q - 4 / 27, q + 4 / 27]) for q in (0.25, 0.75))
    assert low[0] <= found.low <= low[1]
    assert high[0] <= found.high <= high[1]


def test_queries_of_one_user_do_not_count_as_independent():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.integers(0, 2, 50).astype(float), 20)
    clustered = confidence_interval(values, np.repeat(np.arange(50), 20), seed=1)
    apart = confidence_interval(values, np.arange(1000), seed=1)
    # sqrt(20) times as wide; half of that leaves room for the resampling
    assert clustered.high - clustered.low > math.sqrt(20) / 2 * (apart.high - apart.low)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    trials = 200
    hits = 0
    for trial in range(trials):
        values = rng.random(60) < 0.3
        found = confidence_interval(values.astype(float), np.arange(60), seed=trial, resamples=400)
        hits += found.low <= 0.3 <= found.high
    # five standard deviations of a share of that many trials; the percentile method is a little short at 60 users
    short = 1 / 60
    assert hits / trials >= LEVEL - short - 5 * math.sqrt(LEVEL * (1 - LEVEL) / trials)


def test_the_permutation_test_is_that_of_all_signs():
    gaps = np.array([0.3, 0.1, -0.2, 0.4, 0.25])
    seen = abs(gaps.sum())
    sums = [abs(np.dot(signs, gaps)) for signs in itertools.product((-1, 1), repeat=5)]
    exact = np.mean([x >= seen * (1 - 8 * np.finfo(float).eps) for x in sums])
    resamples = 4000
    found = paired_difference(gaps, np.zeros(5), np.arange(5), seed=0, resamples=resamples)
    assert abs(found.p - exact) <= 5 * math.sqrt(exact * (1 - exact) / resamples) + 1 / resamples


def test_equal_recommenders_are_rarely_called_different():
    rng = np.random.default_rng(0)
    trials = 200
    called = 0
    for trial in range(trials):
        first, second = rng.random((2, 80)) < 0.2
        users = np.arange(80) // 2
        called += paired_difference(first * 1.0, second * 1.0, users, seed=trial, resamples=200).p <= 1 - LEVEL
    assert called / trials <= 1 - LEVEL + 5 * math.sqrt(LEVEL * (1 - LEVEL) / trials)


def test_a_better_recommender_is_found():
    rng = np.random.default_rng(0)
    worse = (rng.random(2000) < 0.1) * 1.0
    better = np.maximum(worse, rng.random(2000) > 0.97)
    found = paired_difference(better, worse, np.arange(2000), seed=0)
    assert found.p == 1 / 2001
    assert 0 < found.difference.low < found.difference.mean < found.difference.high
    assert found.relative is not None
    assert found.relative.mean == better.sum() / worse.sum() - 1


def test_nothing_is_relative_to_nothing():
    assert paired_difference(np.ones(3), np.zeros(3), np.arange(3), seed=0).relative is None


def test_the_same_seed_gives_the_same_interval():
    values, users = np.random.default_rng(0).random(30), np.arange(30)
    assert confidence_interval(values, users, seed=4) == confidence_interval(values, users, seed=4)
    assert confidence_interval(values, users, seed=4) != confidence_interval(values, users, seed=5)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="no values"):
        confidence_interval(np.zeros(0), np.zeros(0, int), seed=0)
    with pytest.raises(ValueError, match="one user a value"):
        confidence_interval(np.zeros(2), np.zeros(3, int), seed=0)
    with pytest.raises(ValueError, match="same queries"):
        paired_difference(np.zeros(2), np.zeros(3), np.zeros(2, int), seed=0)
    with pytest.raises(ValueError, match="level = 95"):
        confidence_interval(np.ones(3), np.arange(3), seed=0, level=95)


def test_a_ratio_that_all_users_share_has_no_width():
    """Three hits where the other has two, whoever is drawn: 3n/2n - 1 is a half, and 3n - 2n over n is one."""
    found = paired_difference(np.full(7, 3.0), np.full(7, 2.0), np.arange(7), seed=0, resamples=50)
    assert found.relative is not None
    assert (found.relative.mean, found.relative.low, found.relative.high) == (0.5, 0.5, 0.5)
    assert (found.difference.mean, found.difference.low, found.difference.high) == (1.0, 1.0, 1.0)
    assert found.users == 7


def test_nothing_is_relative_to_what_a_resample_may_lack():
    """The one user for whom the other recommender hits is left out of a resample with probability (2/3)^3."""
    found = paired_difference(np.ones(3), np.array([1.0, 0.0, 0.0]), np.arange(3), seed=0, resamples=50)
    assert found.relative is None
    assert found.difference.mean == 2 / 3
