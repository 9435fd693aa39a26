"""The evaluation: batches change nothing, seen items are out, and its numbers are those of a slow, plain program."""

import numpy as np
import pytest

from lrgd_jax.recommend.data.dataset import Catalogue, Queries, Split
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.measure.baselines import Chance, MostPopular
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.measure.ranking import NOBODY, best, without_seen

ITEMS = 30


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    lists = [rng.choice(ITEMS, rng.integers(3, 8), replace=False).tolist() for _ in range(40)]
    # user 0 asks twice, and one query wants what it has seen
    users, targets = np.array([*range(40), 0]), np.array([x[-1] for x in lists] + [lists[0][0]])
    queries = Queries(users, Sequences.from_lists([x[:-1] for x in lists] + [lists[0][:-1]]), targets)
    train = Sequences.from_lists([x[:-2] for x in lists])
    names = tuple(str(x) for x in range(ITEMS))
    return Split(Catalogue(names), tuple(f"u{k}" for k in range(40)), train, queries, queries)


def coarse(queries):
    """Scores with many ties, different for every query."""
    rng = np.random.default_rng(5)
    table = rng.integers(0, 6, (41, ITEMS)).astype(np.float32)
    return table[(queries.users + queries.targets) % 41]


def slowly(split, k):
    """NDCG@k and HR@k, query by query, ties at their mean rank."""
    found, scores = [], coarse(split.test)
    for row, target, history in zip(scores, split.test.targets, map(split.test.histories.of, range(41)), strict=True):
        candidates = [x for x in range(ITEMS) if x not in history]
        if target not in candidates:
            found.append((0.0, 0.0))
            continue
        above = sum(row[x] > row[target] for x in candidates)
        tied = sum(row[x] == row[target] for x in candidates) - 1
        rank = 1 + above + tied / 2
        found.append((float(rank <= k), 1 / np.log2(1 + rank) if rank <= k else 0.0))
    return np.array(found)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_values_are_those_of_a_plain_program_whatever_the_batch(split, batch):
    evaluation = evaluate(coarse, split, ks=(3, 10), batch=batch)
    for k in (3, 10):
        hits, gains = slowly(split, k).T
        np.testing.assert_array_equal(evaluation.values(f"HR@{k}"), hits)
        np.testing.assert_array_equal(evaluation.values(f"NDCG@{k}"), gains)
    assert evaluation.summary()["targets_seen_before"] == 1
    assert evaluation.summary()["users"] == 40
    assert evaluation.summary()["queries"] == 41


def test_a_user_s_value_is_the_mean_of_the_user_s_queries(split):
    evaluation = evaluate(coarse, split)
    names, means = evaluation.per_user("HR@10")
    values = evaluation.values("HR@10")
    assert names.tolist() == list(range(40))
    assert means[0] == (values[0] + values[40]) / 2


def test_the_scores_of_a_recommender_are_left_as_they_were(split):
    table = np.random.default_rng(1).random((41, ITEMS))
    table.setflags(write=False)
    evaluation = evaluate(lambda queries: table, split, exposure=True)
    assert evaluation.shown[5].sum() == 41 * 5


def test_exposure_counts_the_lists(split):
    evaluation = evaluate(coarse, split, ks=(4,), batch=9, exposure=True)
    lists = best(without_seen(coarse(split.test), split.test), 4)
    np.testing.assert_array_equal(evaluation.shown[4], np.bincount(lists.ravel(), minlength=ITEMS))
    assert {"coverage@4", "Gini@4"} <= evaluation.summary().keys()


def test_the_best_items_are_those_of_a_stable_sort(split):
    scores = without_seen(coarse(split.test), split.test)
    for k in (1, 5, ITEMS):
        wanted = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        wanted = np.where(np.take_along_axis(scores, wanted, 1) == -np.inf, NOBODY, wanted)
        np.testing.assert_array_equal(best(scores, k), wanted)


def test_a_recommender_against_itself_differs_by_nothing(split):
    one = evaluate(coarse, split)
    same = one.against(one, "NDCG@10")
    assert (same.difference.low, same.difference.mean, same.difference.high) == (0.0, 0.0, 0.0)
    assert same.p == 1.0
    assert same.users == 40


def test_chance_is_the_same_for_the_same_seed_and_close_to_its_rate(split):
    one, same, other = (evaluate(Chance(ITEMS, seed), split, ks=(10,)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.where.above, same.where.above)
    assert (one.where.above != other.where.above).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ks": (31,)}, "k = 31: expected 1 to 30, the size of the catalogue"),
        ({"ks": (0,)}, "k = 0"),
        ({"batch": 0}, "batch = 0"),
        ({"part": "train"}, "unknown part 'train'"),
    ],
)
def test_wrong_settings_are_named(split, change, said):
    with pytest.raises(ValueError, match=said):
        evaluate(MostPopular(split.train, ITEMS), split, **change)


def test_wrong_scores_are_named(split):
    with pytest.raises(ValueError, match=r"shape \(41, 29\); expected \[queries, items\] = \(41, 30\)"):
        evaluate(lambda queries: np.zeros((len(queries), ITEMS - 1)), split)
    with pytest.raises(ValueError, match="NaN"):
        evaluate(lambda queries: np.full((len(queries), ITEMS), np.nan), split)
    with pytest.raises(ValueError, match="unknown metric 'F1@3'"):
        evaluate(coarse, split).values("F1@3")


def test_an_empty_part_is_named(split):
    nothing = split.test.take(np.arange(0))
    with pytest.raises(ValueError, match="no queries"):
        evaluate(coarse, Split(split.catalogue, split.users, split.train, nothing, nothing))
