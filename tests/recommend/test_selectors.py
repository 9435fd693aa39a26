"""Effects, selectors and sparse scores against plain computations on a small generated catalogue."""

import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from recommend.generated_context import context_model, untimed_split

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.transitions import steps_before_end, transitions
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.measure.metrics import Places
from lrgd_jax.recommend.measure.sparse_scores import all_places
from lrgd_jax.recommend.selection import LABELLED, PERSONAL, SHARED, Pool, budget_rates, pool_effects, rank_by_value
from lrgd_jax.recommend.selection.attended_pairs import attended_pairs, fit_pair_predictor, pair_rows, rank_choices
from lrgd_jax.recommend.selection.bm25 import bm25
from lrgd_jax.recommend.selection.effect_predictor import fit_predictor
from lrgd_jax.recommend.selection.greedy_diversity import greedy_dpp, greedy_mmr

UNIT = np.finfo(float).eps / 2
LOSS = ListLoss(0.7, 20)


@pytest.fixture(scope="module")
def split():
    return untimed_split()


@pytest.fixture(scope="module")
def model(split):
    return context_model(split)


@pytest.fixture(scope="module")
def pool(model, split):
    return Pool(model, split.valid, 200, LOSS)


def test_sparse_places_are_those_of_the_evaluation(model, split):
    half = np.random.default_rng(0).integers(0, 2, len(model.demonstrations)).astype(float)
    for rates in (np.ones_like(half), half, np.zeros_like(half)):
        rated = model.with_rates(rates)
        found = all_places(rated, split.test)
        wanted = evaluate(lambda queries, rated=rated: rated.scores(queries.histories), split, "test").where
        for name in Places.__annotations__:
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


def test_a_history_is_not_changed_by_ranking(model, split):
    twice = Sequences(np.array([0, 4]), np.array([5, 3, 5, 1]))
    queries = Queries(np.array([0]), twice, np.array([7]))
    all_places(model, queries)
    assert twice.items.tolist() == [5, 3, 5, 1]


def test_an_item_that_was_seen_is_no_candidate_and_teaches_nothing(model, split):
    history = split.test.histories.of(0)
    queries = Queries(np.array([0]), Sequences(np.array([0, len(history)]), history), history[:1])
    ranked = LOSS(model, queries)
    assert ranked.places.excluded.all()
    assert ranked.loss == 0
    assert not ranked.residuals.data.any()
    assert not ranked.residuals[:, history].toarray().any()


def test_the_list_loss_is_the_cross_entropy_of_its_list(model, split):
    asked = split.valid.take(np.arange(8))
    ranked = LOSS(model, asked)
    scores = model.scores(asked.histories)
    for row, target in enumerate(asked.targets):
        on_list = np.flatnonzero(ranked.residuals[[row]].toarray()[0])
        others = [item for item in on_list if item != target]
        assert len(others) <= LOSS.candidates
        logits = scores[row, [target, *others]] / LOSS.temperature
        plain = np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[0]
        # a sum of at most 21 exponentials, each within a few units of its logit's size
        bound = UNIT * (len(logits) + 4 * np.abs(logits).max() + 8) * max(1.0, plain)
        assert abs(plain - ranked.losses[row]) <= bound


def test_effects_are_the_gradient_that_autodiff_takes(model, split):
    asked = split.valid.take(np.arange(40))
    found = first_order_effects(model, asked, LOSS(model, asked).residuals)
    lists = LOSS(model, asked).residuals.toarray() != 0
    weights = jnp.asarray(model.attention_weights(asked.histories).toarray())
    targets = jnp.asarray(model.demonstrations.target_matrix().toarray())
    constant, scales = jnp.asarray(model.initial.constant_scores()), jnp.asarray(model.target_scales())

    def loss(rates):
        scores = ((weights * rates[None, :]) @ targets + constant) * scales[None, :] / LOSS.temperature
        logits = jnp.where(jnp.asarray(lists), scores, -jnp.inf)
        own = jnp.take_along_axis(logits, jnp.asarray(asked.targets)[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(logits, axis=1) - own)

    wanted = -np.asarray(jax.grad(loss)(jnp.ones(len(model.demonstrations))))
    # every entry is a sum over queries of weight times residual: as many roundings as terms, and those of the residuals
    terms = len(asked) + len(model.demonstrations) + lists.shape[1]
    size = np.asarray(jnp.abs(weights).sum(axis=0)) * np.asarray(scales)[model.demonstrations.targets]
    logits = float(np.abs(np.asarray(model.scores(asked.histories))).max() / LOSS.temperature)
    bound = UNIT * terms * (1 + logits) * size / (LOSS.temperature * len(asked)) + np.finfo(float).tiny
    assert (np.abs(found - wanted) <= bound).all()
    assert np.abs(wanted).max() > bound.max()


@pytest.mark.parametrize("name", SHARED)
def test_an_order_holds_each_demonstration_once(name, pool):
    order = SHARED[name](pool, np.random.default_rng(0))
    assert len(set(order.tolist())) == len(order) > 0
    assert 0 <= order.min() <= order.max() < len(pool)
    if name != "DPP":
        assert len(order) >= pool.largest
    np.testing.assert_array_equal(order, SHARED[name](pool, np.random.default_rng(0)))


@pytest.mark.parametrize("name", [name for name in SHARED if name not in LABELLED])
def test_what_claims_to_read_no_label_reads_none(name, pool):
    shuffled = replace(pool, queries=replace(pool.queries, targets=np.roll(pool.queries.targets, 1)))
    first, second = (SHARED[name](one, np.random.default_rng(0)) for one in (pool, shuffled))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", LABELLED)
def test_what_reads_labels_follows_them(name, pool):
    shuffled = replace(pool, queries=replace(pool.queries, targets=np.roll(pool.queries.targets, 1)))
    first, second = (SHARED[name](one, np.random.default_rng(0))[: pool.largest] for one in (pool, shuffled))
    assert first.tolist() != second.tolist()


def test_stage_one_lowers_the_loss_that_it_reads(pool):
    losses = {}
    for name in ("random", "effect"):
        order = SHARED[name](pool, np.random.default_rng(0))
        losses[name] = LOSS(pool.model.with_rates(1 - budget_rates(order[::-1], 60, len(pool))), pool.queries).loss
    best = SHARED["effect"](pool, np.random.default_rng(0))
    without_best = LOSS(pool.model.with_rates(1 - budget_rates(best, 60, len(pool))), pool.queries).loss
    assert losses["effect"] < losses["random"] < without_best


def test_an_effect_loses_half_of_what_a_chosen_one_like_it_has(pool):
    """e (1 - max cos / 2) over the chosen with the same target, the largest first; an effect below zero stays."""
    values, targets = pool_effects(pool), pool.model.demonstrations.targets
    keys = pool.model.demonstrations.keys.toarray()
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    wanted = values.copy()
    for target in np.unique(targets):
        left = np.flatnonzero((targets == target) & (values > 0)).tolist()
        chosen: list[int] = []
        while left:
            marginal = {k: values[k] * (1 - max((keys[k] @ keys[j] for j in chosen), default=0.0) / 2) for k in left}
            best = max(left, key=marginal.__getitem__)
            wanted[best] = marginal[best]
            left.remove(best)
            chosen.append(best)
    order = SHARED["effect, not redundant"](pool, np.random.default_rng(0))
    found = wanted[order]
    # neighbours in the order may have values that differ by rounding alone: a cosine of two rows, and two products
    slack = (2 * keys.shape[1] + 6) * UNIT * np.abs(values).max()
    assert len(order) == len(pool)
    assert (np.diff(found) <= slack).all()
    assert (wanted < values).any()


def test_a_budget_takes_the_first_of_an_order():
    order = np.array([4, 1, 3, 0])
    assert budget_rates(order, 2, 6).tolist() == [0, 1, 0, 0, 1, 0]
    assert budget_rates(order, 0, 6).tolist() == [0] * 6
    with pytest.raises(ValueError, match="a budget of 5 needs an order at least as long"):
        budget_rates(order, 5, 6)


def test_equal_values_stand_in_random_order():
    orders = {
        tuple(rank_by_value(np.array([0.0, 1.0, 0.0, 0.0]), np.random.default_rng(k)).tolist()) for k in range(20)
    }
    assert {order[0] for order in orders} == {1}
    assert len(orders) > 1


def test_steps_before_the_end_are_counted_within_each_user():
    made = transitions(Sequences.from_lists([[0, 1, 2, 3], [1], [2, 0], [3, 1, 0]]), HistoryKeys(), 4)
    assert steps_before_end(made).tolist() == [2, 1, 0, 0, 1, 0]
    tied = Sequences.from_lists([[0, 1, 2, 3], [2, 0], [3, 1, 0]], [[1, 2, 2, 4], [1, 1], [1, 2, 2]])
    assert steps_before_end(transitions(tied, HistoryKeys(), 4)).tolist() == [1, 1, 0, 0, 0]


def test_greedy_mmr_is_greedy():
    rng = np.random.default_rng(1)
    rows = sp.csr_array(rng.random((9, 5)) * (rng.random((9, 5)) < 0.6) + 1e-3)
    rows = sp.csr_array(rows.toarray() / np.linalg.norm(rows.toarray(), axis=1, keepdims=True))
    relevance = rng.random(9)
    found = greedy_mmr(relevance, rows, 9, 0.6)
    cosines, chosen = (rows @ rows.T).toarray(), []
    for _ in range(9):
        alike = cosines[:, chosen].max(axis=1) if chosen else np.zeros(9)
        score = 0.4 * relevance / relevance.max() - 0.6 * alike
        chosen.append(max((k for k in range(9) if k not in chosen), key=lambda k: score[k]))
    assert found.tolist() == chosen


def test_greedy_dpp_takes_the_largest_determinant():
    rng = np.random.default_rng(2)
    rows = rng.random((7, 6))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    quality = 0.5 + rng.random(7)
    kernel = quality[:, None] * (rows @ rows.T) * quality
    found, chosen = greedy_dpp(sp.csr_array(rows), quality, 4), []
    for _ in range(4):
        left = [k for k in range(7) if k not in chosen]
        chosen.append(max(left, key=lambda k: np.linalg.det(kernel[np.ix_([*chosen, k], [*chosen, k])])))
    assert found.tolist() == chosen


def test_a_determinantal_process_ends_where_nothing_new_is_left():
    rows = sp.csr_array(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    assert sorted(greedy_dpp(rows, np.array([2.0, 1.0, 1.0]), 3).tolist()) == [0, 2]


def test_bm25_prefers_rare_words_and_short_texts():
    texts = ("red lamp", "red kettle", "red lamp of many many other long words", "blue drill")
    weights, present = bm25(texts)
    scores = {word: (weights @ present[[at]].T).toarray()[:, 0] for word, at in (("lamp", 0), ("drill", 3))}
    assert scores["lamp"].argmax() == 0
    assert scores["lamp"][0] > scores["lamp"][2] > 0
    assert scores["drill"].tolist()[:3] == [0, 0, 0]
    with pytest.raises(ValueError, match="no text has a word"):
        bm25(("", " "))


def test_a_predictor_learns_what_is_quadratic_in_its_features():
    rng = np.random.default_rng(3)
    given = rng.standard_normal((400, 3))
    wanted = 2 * given[:, 0] - given[:, 1] * given[:, 2] + 0.5
    predicted = fit_predictor(given[:300], wanted[:300])(given[300:])
    assert np.corrcoef(predicted, wanted[300:])[0, 1] ** 2 > 0.99


@pytest.fixture(scope="module")
def pairs(model, split):
    asked = split.test.take(np.arange(25))
    values = pool_effects(Pool(model, split.valid, 10, LOSS))
    return attended_pairs(model, asked, values, LOSS, split.catalogue.titles)


def test_all_candidates_together_are_the_whole_context(model, split, pairs):
    orders = [np.arange(n) for n in np.diff(pairs.starts)]
    found = rank_choices(model, pairs, orders, max(len(x) for x in orders))
    wanted = all_places(model, pairs.queries)
    np.testing.assert_array_equal(found.above, wanted.above)
    np.testing.assert_array_equal(found.candidates, wanted.candidates)


def test_what_is_known_of_a_pair_is_what_its_columns_say(model, split, pairs):
    """Log weight, cosine, log total, share, log popularity, log age, data value; by dense arrays, pair by pair."""
    made, queries = model.demonstrations, model.queries(pairs.queries.histories).toarray()
    keys, values = made.keys.toarray(), pool_effects(Pool(model, split.valid, 10, LOSS))
    ages, counts = steps_before_end(made), model.initial.counts().reshape(-1)
    for query in range(3):
        own = slice(pairs.starts[query], pairs.starts[query + 1])
        which, targets = pairs.which[own], made.targets[pairs.which[own]]
        products, scales = keys[which] @ queries[query], model.target_scales().reshape(-1)[targets]
        totals = np.bincount(targets, products * scales, minlength=model.items)[targets]
        lengths = np.linalg.norm(keys[which], axis=1) * np.linalg.norm(queries[query])
        wanted = np.stack(
            [
                np.log(products * scales),
                products / lengths,
                np.log(totals),
                products * scales / totals,
                np.log1p(counts[targets]),
                np.log1p(ages[which]),
                values[which] / np.abs(values).max(),
            ],
            axis=1,
        )
        # sums over at most so many terms on either side, then a few products and a logarithm
        bound = UNIT * (2 * model.items + 2 * len(made) + 20) * (1 + np.abs(wanted))
        assert (np.abs(pairs.features.columns()[own, :7] - wanted) <= bound).all()


def test_texts_speak_where_there_are_any(model, split, pairs):
    """The score of a target's title is the sum of the weights of its words that the history's titles have."""
    titles = split.catalogue.titles
    weights = bm25(titles)[0].toarray()
    had = pairs.queries.histories.of(0)
    words = (weights[had] > 0).any(axis=0)
    targets = model.demonstrations.targets[pairs.which[: pairs.starts[1]]]
    wanted = weights[targets] @ words
    found = pairs.features.text[: pairs.starts[1]]
    assert (np.abs(found - wanted) <= UNIT * weights.shape[1] * wanted.max()).all()
    assert found.any()
    values = np.ones(len(model.demonstrations))
    for missing in (None, ("",) * len(titles)):
        assert not attended_pairs(model, pairs.queries.take(np.arange(2)), values, LOSS, missing).features.text.any()


def test_no_candidate_points_to_what_the_user_has(model, pairs):
    targets = model.demonstrations.targets[pairs.which]
    for query, (start, end) in enumerate(itertools.pairwise(pairs.starts)):
        assert not set(targets[start:end]) & set(pairs.queries.histories.of(query))


def test_effects_of_pairs_sum_to_the_effects_of_demonstrations(model, pairs):
    sums = np.bincount(pairs.which, pairs.effects, minlength=len(model.demonstrations)) / len(pairs.queries)
    wanted = first_order_effects(model, pairs.queries, LOSS(model, pairs.queries).residuals)
    sizes = np.bincount(pairs.which, np.abs(pairs.effects), minlength=len(model.demonstrations))
    bound = UNIT * (4 * len(pairs.queries) + 2 * pairs.queries.histories.lengths.max() + 8) * sizes
    assert (np.abs(sums - wanted) <= bound).all()


def test_an_effect_on_what_the_user_has_never_rewards_a_candidate(pairs):
    """Why choosing by the effect on the user's own items fails: all that it could reward repeats what is there."""
    assert (pairs.pseudo <= 0).all()
    assert (pairs.pseudo < 0).any()


@pytest.mark.parametrize("name", PERSONAL)
def test_a_personal_order_is_a_choice(name, model, pairs):
    learnt, rows = fit_pair_predictor(pairs), pair_rows(model)
    for query in range(5):
        candidates = pairs.candidates(model, rows, query, learnt)
        order = PERSONAL[name](candidates, 6, np.random.default_rng(0))
        assert len(set(order.tolist())) == len(order) <= 6
        assert len(order) == min(6, len(candidates)) or name == "DPP"


def test_matching_pursuit_takes_the_strongest_voice_first(model, pairs):
    candidates = pairs.candidates(model, pair_rows(model), 0, fit_pair_predictor(pairs))
    totals = np.bincount(candidates.targets, candidates.weights)
    first = PERSONAL["reproduce"](candidates, 1, np.random.default_rng(0))[0]
    assert first == np.argmax(candidates.weights * totals[candidates.targets])


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda pool: replace(pool, largest=0), "a budget must lie between 1 and the"),
        (lambda pool: replace(pool, largest=10**6), "got 1000000"),
        (lambda pool: replace(pool, queries=pool.queries.take(np.arange(0))), "there are none"),
        (lambda pool: ListLoss(0.0), "positive temperature"),
        (lambda pool: ListLoss(1.0, 0), "at least one candidate"),
        (lambda pool: LOSS(pool.model, pool.queries.take(np.arange(0))), "there are no queries"),
    ],
)
def test_wrong_input_is_named(pool, refused, message):
    with pytest.raises(ValueError, match=message):
        refused(pool)
