"""The linear recommender: keys, transitions, two forms of the same scores, held-back demonstrations, dense JAX."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from recommend.histories import ITEMS, allowed, histories, model_of, positive_rates, terms_of, vectors
from support.equivalence import evaluate_trace

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.dense_reference import add_popularity, discounted_keys, item_knn
from lrgd_jax.recommend.forms.history_keys import GRID, HistoryKeys
from lrgd_jax.recommend.forms.popularity import popularity
from lrgd_jax.recommend.forms.transitions import transitions


def magnitude(model, asked, times=None):
    """The scores with every term positive."""
    initial = model.initial
    keys = model.queries(asked, times)
    carried = abs(model.attention_weights(asked, times)) @ model.demonstrations.target_matrix()
    scores = np.asarray(carried.todense()) + np.abs(initial.constant_scores(times))
    scores = scores * np.abs(model.target_scales(times))
    z = np.abs(initial.vectors)
    return scores + initial.similarity_weight * (abs(keys) @ z) @ z.T


def test_a_key_weighs_items_by_age_and_sums_repeats():
    key = HistoryKeys(0.5, 0.0).of(Sequences(np.array([0, 4]), np.array([2, 0, 2, 1])), 4)
    assert key.toarray().tolist() == [[0.25, 1.0, 0.125 + 0.5, 0.0]]


def test_a_key_sees_its_window_only_and_an_empty_history_is_zero():
    keys = HistoryKeys(1.0, 0.0, window=2).of(Sequences(np.array([0, 3, 3]), np.array([2, 0, 1])), 3)
    assert keys.toarray().tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_scaled_keys_have_length_one_up_to_the_grid():
    lengths = np.sqrt((HistoryKeys(0.75, 1.0).of(histories(), ITEMS).toarray() ** 2).sum(axis=1))
    assert (np.abs(lengths - 1) <= ITEMS * GRID).all()


@pytest.mark.parametrize("wrong", [{"decay": 0.0}, {"decay": 1.5}, {"window": 0}])
def test_senseless_keys_are_refused(wrong):
    with pytest.raises(ValueError, match="key must"):
        HistoryKeys(**wrong)


def test_an_item_of_another_catalogue_is_refused():
    with pytest.raises(ValueError, match="another catalogue"):
        HistoryKeys().of(histories(), 3)


def test_every_item_but_the_first_is_a_target():
    past = replace(histories(timed=True), ordered=True)
    made = transitions(past, HistoryKeys(), ITEMS)
    expected = [(u, *past.of(u)[t - 1 : t + 1]) for u in range(len(past)) for t in range(1, past.lengths[u])]
    assert list(zip(made.users, made.previous, made.targets, strict=True)) == expected
    keys = [
        HistoryKeys().of(Sequences(np.array([0, t]), past.of(u)[:t]), ITEMS).toarray()[0]
        for u in range(len(past))
        for t in range(1, past.lengths[u])
    ]
    assert np.array_equal(made.keys.toarray(), keys)


def test_counts_before_a_time_are_those_of_earlier_interactions():
    past = histories(timed=True)
    times = np.array([30, 0, 17, 30, 1000])
    expected = [np.bincount(past.items[past.times < t], minlength=ITEMS) for t in times]
    assert np.array_equal(popularity(past, ITEMS).before(times), expected)


@pytest.mark.parametrize("rates", [None, positive_rates], ids=["rates one", "rates"])
def test_attention_and_dual_give_the_same_scores(rates):
    model, asked = model_of(rates=rates), histories(5)
    difference = np.abs(model.attention_scores(asked) - model.dual_scores(asked))
    assert (difference <= allowed(terms_of(model), magnitude(model, asked))).all()


def test_the_sparse_scores_are_those_of_dense_jax():
    past, asked = histories(), histories(5)
    model = model_of(past=past, rates=positive_rates)
    made, counts = model.demonstrations, model.initial.popularity.counts
    keys, targets = jnp.asarray(made.rated_keys().toarray()), jnp.asarray(made.target_matrix().toarray())

    def dense(query, keys, targets, feature_scales, target_scales, counts, weight, z, similarity):
        scores = item_knn(query, keys, targets, jnp.ones_like(keys[:, 0]), feature_scales, target_scales)
        similar = z @ (z.T @ (feature_scales * query))
        return add_popularity(scores, counts, weight, target_scales) + similarity * similar

    one = np.maximum(counts, 1)
    scores = model.scores(asked)
    for u, query in enumerate(HistoryKeys(0.5, 0.0).of(asked, ITEMS).toarray()):
        arguments = query, keys, targets, one**-0.5, one**-0.25, counts, 0.125, vectors(), 0.5
        right = evaluate_trace(dense, *map(jnp.asarray, arguments))
        bound = right.error + allowed(terms_of(model), magnitude(model, asked)[u])
        assert (np.abs(scores[u] - right.value) <= bound).all()


def test_production_keys_are_the_dense_ones_up_to_the_grid():
    past = histories()
    length = past.lengths.max()
    ages = np.zeros((len(past), length, ITEMS))
    for u in range(len(past)):
        ages[u, np.arange(past.lengths[u]), past.of(u)[::-1]] = 1
    right = evaluate_trace(discounted_keys, jnp.asarray(ages), jnp.asarray(0.75))
    left = HistoryKeys(0.75, 0.0).of(past, ITEMS).toarray()
    assert (np.abs(left - right.value) <= right.error + GRID).all()


def test_a_query_sees_what_came_before_its_time_only():
    past, asked = histories(timed=True), histories(5)
    times = np.arange(len(asked)) * 6
    model = model_of(past=past)
    scores = model.scores(asked, times)
    for u, t in enumerate(times):
        made = model.demonstrations.take(past.times[transitions_of(past)] < t)
        earlier = popularity(Sequences(np.array([0, (past.times < t).sum()]), past.items[past.times < t]), ITEMS)
        alone = type(model)(made, type(model.initial)(earlier, 0.125, vectors(), 0.5), model.query_keys, 0.25, 0.5)
        expected = alone.scores(asked.take(np.array([u])))
        bound = allowed(terms_of(model), magnitude(alone, asked.take(np.array([u]))))
        assert (np.abs(scores[u] - expected) <= bound).all()


def transitions_of(past):
    """Where in the lists the targets stand."""
    return np.flatnonzero(past.before > 0)


def test_demonstrations_without_times_cannot_be_held_back():
    with pytest.raises(ValueError, match="no times"):
        model_of().scores(histories(5), np.zeros(9, np.int64))


def test_rate_zero_leaves_a_demonstration_out_and_popularity_alone():
    model = model_of()
    silent = model.with_rates(np.arange(len(model.demonstrations)) % 2.0)
    left = model.demonstrations.take(np.arange(len(model.demonstrations)) % 2 == 1)
    assert np.array_equal(
        silent.scores(histories(5)), type(model)(left, model.initial, model.query_keys, 0.25, 0.5).scores(histories(5))
    )


@pytest.mark.parametrize("rates", [np.ones(3), np.full(10**6, 1.0)])
def test_rates_are_one_a_demonstration(rates):
    with pytest.raises(ValueError, match="one rate for each"):
        model_of().with_rates(rates)


def test_rates_are_finite():
    model = model_of()
    rates = np.ones(len(model.demonstrations))
    rates[2] = np.nan
    with pytest.raises(ValueError, match="demonstration 2"):
        model.with_rates(rates)


def test_blocks_cover_all_queries():
    model, asked = model_of(), histories(5)
    whole = np.concatenate([scores for _, scores in model.blocks(asked, block=4)])
    # products of dense vectors may be grouped by the size of a block
    assert (np.abs(whole - model.scores(asked)) <= allowed(terms_of(model), magnitude(model, asked))).all()
