"""The made-up catalogue: the same for the same seed, with a tail, with drift, and with something to learn."""

import numpy as np
import pytest

from lrgd_jax.recommend.data.generated import generated, generated_dataset
from lrgd_jax.recommend.measure.baselines import Chance, Popularity, item_knn_and_popularity
from lrgd_jax.recommend.measure.evaluation import evaluate


def test_the_seed_fixes_everything():
    one, same, other = generated_dataset(3), generated_dataset(3), generated_dataset(4)
    np.testing.assert_array_equal(one.sequences.items, same.sequences.items)
    np.testing.assert_array_equal(one.sequences.seconds, same.sequences.seconds)
    assert one.catalogue.titles == same.catalogue.titles
    assert one.sequences.items[:50].tolist() != other.sequences.items[:50].tolist()


def test_histories_are_in_order_and_repeat_nothing():
    lists = generated_dataset(0).sequences
    for k in range(len(lists)):
        times = lists.seconds[lists.starts[k] : lists.starts[k + 1]]
        assert (np.diff(times) > 0).all()
        assert len(set(lists.of(k).tolist())) == lists.lengths[k] >= 4


def test_a_tenth_of_the_items_takes_far_more_than_a_tenth():
    data = generated_dataset(0)
    counts = np.sort(np.bincount(data.sequences.items, minlength=len(data.catalogue)))[::-1]
    assert counts[:30].sum() > 2.5 * 30 / 300 * counts.sum()
    assert len(set(data.catalogue.titles or ())) == len(data.catalogue)


@pytest.mark.parametrize("seed", [0, 1])
def test_past_users_tell_more_than_popularity_and_that_more_than_chance(seed):
    split = generated(seed)
    context, items = split.context("test"), len(split.catalogue)
    neighbours, popular, chance = (
        evaluate(x, split) for x in (item_knn_and_popularity(context, items), Popularity(context, items), Chance(items))
    )
    assert neighbours.against(popular, "NDCG@10").difference.low > 0
    assert popular.against(chance, "NDCG@10").difference.low > 0


def test_vectors_know_what_goes_together():
    split = generated(0)
    vectors = split.catalogue.vectors
    assert vectors is not None
    last = vectors[split.test.histories.items[split.test.histories.starts[1:] - 1]]
    rng = np.random.default_rng(0)
    near = np.einsum("qd,qd->q", last, vectors[split.test.targets])
    far = np.einsum("qd,qd->q", last, vectors[rng.permutation(split.test.targets)])
    # five standard errors of the difference of the means
    assert (near - far).mean() > 5 * (near - far).std() / np.sqrt(len(near))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [({"users": 0}, "users = 0"), ({"items": 20}, "items = 20: expected at least 48"), ({"length": 3}, "length = 3")],
)
def test_a_size_that_makes_no_sense_is_named(sizes, said):
    with pytest.raises(ValueError, match=said):
        generated(0, **sizes)
