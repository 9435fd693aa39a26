"""The metrics against those of ranx, on random score matrices; ties by giving ranx every order of the tied items."""

import itertools

import numpy as np
import pytest

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.measure.metrics import hit_rate, ndcg, places, reciprocal_rank
from lrgd_jax.recommend.measure.multi_target_metrics import average_precision, normalised_gain, recall

pytestmark = [
    pytest.mark.parity,
    # what numba says while it compiles ranx
    pytest.mark.filterwarnings("ignore:.*unsafe cast"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
ONE = {"hit_rate": hit_rate, "ndcg": ndcg, "mrr": reciprocal_rank}
SEVERAL = {"recall": recall, "map": average_precision, "ndcg": normalised_gain}
EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def ranx():
    return pytest.importorskip("ranx", reason="parity of the metrics needs ranx; install the parity extra")


def theirs(ranx, name, k, rankings, wanted):
    """A metric of ranx, for rankings without ties, one value each."""
    run = {f"{q:06d}": {f"i{x}": -float(place) for place, x in enumerate(o)} for q, o in enumerate(rankings)}
    relevant = {f"{q:06d}": {f"i{x}": 1 for x in items} for q, items in enumerate(wanted)}
    return ranx.evaluate(ranx.Qrels(relevant), ranx.Run(run), f"{name}@{k}", return_mean=False)


def orders_of(row):
    return [o for o in itertools.permutations(range(len(row))) if (np.diff(row[list(o)]) <= 0).all()]


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("k", [1, 5, 10])
def test_one_wanted_item_without_ties(ranx, name, k):
    scores = np.random.default_rng(0).permuted(np.tile(np.arange(40.0), (60, 1)), axis=1)
    targets = np.random.default_rng(1).integers(0, 40, 60)
    ours = ONE[name](places(scores, targets), k)
    wanted = theirs(ranx, name, k, np.argsort(-scores, axis=1), targets[:, None])
    np.testing.assert_array_less(np.abs(ours - wanted), 10 * EPS)
    assert k == 1 or ours.any()


@pytest.mark.parametrize("name", ONE)
def test_one_wanted_item_with_ties(ranx, name):
    scores = np.random.default_rng(2).integers(0, 3, (12, 6)).astype(float)
    targets = np.arange(12) % 6
    ours = ONE[name](places(scores, targets), 3, expected=True)
    for row, target, value in zip(scores, targets, ours, strict=True):
        orders = orders_of(row)
        values = theirs(ranx, name, 3, orders, [[target]] * len(orders))
        np.testing.assert_array_less(np.abs(value - values.mean()), 1000 * EPS)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_wanted_items_with_and_without_ties(ranx, name):
    rng = np.random.default_rng(3)
    plain = rng.permuted(np.tile(np.arange(30.0), (40, 1)), axis=1)
    wanted = [rng.choice(30, rng.integers(1, 6), replace=False).tolist() for _ in range(40)]
    ours = SEVERAL[name](plain, Sequences.from_lists(wanted), 8)
    np.testing.assert_array_less(np.abs(ours - theirs(ranx, name, 8, np.argsort(-plain, axis=1), wanted)), 100 * EPS)
    tied = rng.integers(0, 3, (8, 6)).astype(float)
    tied[:, :2] = [0, 1]
    few = [rng.choice(6, 3, replace=False).tolist() for _ in range(8)]
    for row, items, value in zip(tied, few, SEVERAL[name](tied, Sequences.from_lists(few), 4), strict=True):
        orders = orders_of(row)
        mean = theirs(ranx, name, 4, orders, [items] * len(orders)).mean()
        np.testing.assert_array_less(np.abs(value - mean), 1000 * EPS)
