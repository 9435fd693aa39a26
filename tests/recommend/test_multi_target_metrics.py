"""Several wanted items: against every order of the tied, and against the metrics for one."""

import itertools

import numpy as np
import pytest

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg, places, reciprocal_rank
from lrgd_jax.recommend.measure.multi_target_metrics import average_precision, normalised_gain, recall

EPS = np.finfo(float).eps


def plain(order, wanted, k):
    """Recall, average precision and NDCG of one order."""
    ranks = [place for place, item in enumerate(order[:k], start=1) if item in wanted]
    precision = sum((number + 1) / rank for number, rank in enumerate(ranks)) / len(wanted)
    best = sum(1 / np.log2(2 + place) for place in range(min(k, len(wanted))))
    return len(ranks) / len(wanted), precision, sum(1 / np.log2(1 + rank) for rank in ranks) / best


@pytest.mark.parametrize("k", [1, 3, 6])
def test_they_are_means_over_all_orders_of_the_tied(k):
    rng = np.random.default_rng(k)
    scores = rng.integers(0, 3, (10, 6)).astype(float)
    scores[:, :2] = [0, 1]
    wanted = [rng.choice(6, rng.integers(1, 4), replace=False).tolist() for _ in range(10)]
    found = np.stack(
        [metric(scores, Sequences.from_lists(wanted), k) for metric in (recall, average_precision, normalised_gain)], 1
    )
    for row, items, values in zip(scores, wanted, found, strict=True):
        orders = [o for o in itertools.permutations(range(6)) if (np.diff(row[list(o)]) <= 0).all()]
        mean = np.mean([plain(order, items, k) for order in orders], axis=0)
        # at most 6! orders are summed
        np.testing.assert_array_less(np.abs(values - mean), 1000 * EPS)


@pytest.mark.parametrize(
    ("metric", "single"), [(recall, hit_rate), (average_precision, reciprocal_rank), (normalised_gain, ndcg)]
)
def test_with_one_wanted_item_they_are_the_metrics_for_one(metric, single):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 8, (40, 20)).astype(float)
    targets = rng.integers(0, 20, 40)
    seen = Sequences.from_lists([[int(x) for x in rng.integers(0, 20, 4)] for _ in range(40)])
    found = metric(scores, Sequences.from_lists([[int(x)] for x in targets]), 5, seen)
    wanted = single(places(scores, targets, seen), 5, expected=True)
    np.testing.assert_array_less(np.abs(found - wanted), 100 * EPS)
    assert wanted.any()


def test_equal_scores_say_nothing():
    wanted = Sequences.from_lists([[0, 1]])
    for metric in (recall, average_precision, normalised_gain):
        assert metric(np.zeros((1, 4)), wanted, 4).tolist() == [0.0]


def test_what_was_seen_cannot_be_found_but_stays_wanted():
    scores = np.array([[3.0, 2.0, 1.0, 0.0]])
    assert recall(scores, Sequences.from_lists([[0, 1]]), 2, Sequences.from_lists([[0]])).tolist() == [0.5]


@pytest.mark.parametrize(
    ("wanted", "k", "said"),
    [([[0], [1]], 2, "do not fit"), ([[]], 2, "no item at all"), ([[0]], 5, "k = 5: expected 1 to 4")],
)
def test_wrong_input_is_named(wanted, k, said):
    with pytest.raises(ValueError, match=said):
        recall(np.arange(4.0)[None], Sequences.from_lists(wanted), k)
    with pytest.raises(ValueError, match="NaN"):
        recall(np.full((1, 4), np.nan), Sequences.from_lists([[0]]), 2)
