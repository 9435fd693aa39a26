"""The made-up catalogue: the same for the same seed, with a tail, with drift, and with something to learn."""

import numpy as np
import pytest
from scipy.special import iv

from lrgd_jax.recommend.data.generator import generate_dataset, generate_split
from lrgd_jax.recommend.measure.baselines import Chance, MostPopular, item_knn_and_popularity
from lrgd_jax.recommend.measure.evaluation import evaluate


def test_the_seed_fixes_everything():
    one, same, other = generate_dataset(3), generate_dataset(3), generate_dataset(4)
    np.testing.assert_array_equal(one.sequences.items, same.sequences.items)
    np.testing.assert_array_equal(one.sequences.seconds, same.sequences.seconds)
    assert one.catalogue.titles == same.catalogue.titles
    assert one.sequences.items[:50].tolist() != other.sequences.items[:50].tolist()


def test_histories_are_in_order_and_repeat_nothing():
    lists = generate_dataset(0).sequences
    for k in range(len(lists)):
        times = lists.seconds[lists.starts[k] : lists.starts[k + 1]]
        assert (np.diff(times) > 0).all()
        assert len(set(lists.of(k).tolist())) == lists.lengths[k] >= 4


def test_users_come_throughout_the_period_and_every_ten_days_on_average():
    days, users = 40, 500
    lists = generate_dataset(0, users, days=days).sequences
    first = lists.seconds[lists.starts[:-1]] - 1_577_836_800  # 2020-01-01T00:00:00Z
    assert 0 <= first.min() <= first.max() < days * 86_400
    # five standard errors: a uniform law over T has the deviation T/sqrt(12), an exponential one its own mean
    assert abs(first.mean() / 86_400 - days / 2) < 5 * days / np.sqrt(12 * users)
    inside = np.setdiff1d(np.arange(1, len(lists.seconds)), lists.starts)
    gaps = (lists.seconds[inside] - lists.seconds[inside - 1]) / 86_400
    assert abs(gaps.mean() - 10) < 5 * 10 / np.sqrt(len(gaps))


def test_the_next_item_is_later_by_a_second_at_least(monkeypatch):
    """Where a day is a second long, a gap is below one with probability 1 - exp(-1/10), and must still be one."""
    monkeypatch.setattr("lrgd_jax.recommend.data.generator.DAY", 1)
    lists = generate_dataset(0, 200).sequences
    inside = np.setdiff1d(np.arange(1, len(lists.seconds)), lists.starts)
    assert (lists.seconds[inside] - lists.seconds[inside - 1]).min() == 1


def test_items_come_into_fashion_and_go_out(monkeypatch):
    """By fashion alone: the density of an item's times is ~ exp(F sin(2 pi (t/T + s))), its resultant I1(F)/I0(F)."""
    days, users, strength = 1_000, 20_000, 2.0
    for name, value in {"TASTE": 0.0, "CHAIN": 0.0, "TAIL": 0.0, "FASHION": strength}.items():
        monkeypatch.setattr(f"lrgd_jax.recommend.data.generator.{name}", value)
    items = 400
    lists = generate_dataset(0, users, items, length=4, days=days).sequences
    first = lists.starts[:-1]
    angle = 2 * np.pi * (lists.seconds[first] - 1_577_836_800) / (days * 86_400)
    n = np.bincount(lists.items[first], minlength=items)
    across, along = (np.bincount(lists.items[first], part(angle), items) for part in (np.sin, np.cos))
    # without bias: of the squared sum n terms, each one, are no products of different users
    squares = (across**2 + along**2 - n) / (n * (n - 1))
    wanted = (iv(1, strength) / iv(0, strength)) ** 2
    # the sum over 400 random phases wavers by this share, and so does the density
    wavering = np.sqrt((iv(0, 2 * strength) / iv(0, strength) ** 2 - 1) / items)
    assert abs(squares.mean() - wanted) < 5 * squares.std() / np.sqrt(items) + 2 * wavering * wanted


def test_a_history_has_its_mean_length():
    """At least 4, and so many more: a geometric number has a deviation of at most its mean; the longest are cut."""
    users = 2_000
    lengths = generate_dataset(1, users, items=60, length=8).sequences.lengths
    assert lengths.min() == 4
    assert lengths.max() <= 16
    excess = np.clip(np.random.default_rng(5).geometric(1 / 5, 10**6) + 3, 4, 16)
    assert abs(lengths.mean() - excess.mean()) < 5 * excess.std() / np.sqrt(users)


def test_a_tenth_of_the_items_takes_far_more_than_a_tenth():
    data = generate_dataset(0)
    counts = np.sort(np.bincount(data.sequences.items, minlength=len(data.catalogue)))[::-1]
    assert counts[:30].sum() > 2.5 * 30 / 300 * counts.sum()
    assert len(set(data.catalogue.titles or ())) == len(data.catalogue)


@pytest.mark.parametrize("seed", [0, 1])
def test_past_users_tell_more_than_popularity_and_that_more_than_chance(seed):
    split = generate_split(seed)
    context, items = split.context("test"), len(split.catalogue)
    neighbours, popular, chance = (
        evaluate(x, split)
        for x in (item_knn_and_popularity(context, items), MostPopular(context, items), Chance(items))
    )
    assert neighbours.against(popular, "NDCG@10").difference.low > 0
    assert popular.against(chance, "NDCG@10").difference.low > 0


def test_vectors_know_what_goes_together():
    split = generate_split(0)
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
        generate_split(0, **sizes)
