"""Stage two: what an update does, what the pull and the guard keep, and how a step is chosen without the test items."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from recommend.generated_context import ONE_HOT, context_model, timed_split, untimed_split

from lrgd_jax.recommend.adaptation.collapse_guard import Guard, collapse, effective_rank, perplexity
from lrgd_jax.recommend.adaptation.early_stopping import AdaptationCurve, StoppingPoint, adaptation_curve, choose_stop
from lrgd_jax.recommend.adaptation.rate_adaptation import StageTwo, _loss_and_effects, adapt
from lrgd_jax.recommend.adaptation.rolling_origin import Origin, rolling_origins, step_back
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.transitions import transitions
from lrgd_jax.recommend.measure.metrics import ndcg

EPS = np.finfo(float).eps
STAGE = StageTwo(ListLoss(0.7, 20), step=0.2, pull=0.3)


@pytest.fixture(scope="module")
def split():
    return untimed_split()


@pytest.fixture(scope="module")
def model(split):
    return context_model(split)


@pytest.fixture(scope="module")
def path(model, split):
    return list(adapt(model, [Origin(split.valid)], STAGE, 6))


def test_rates_start_at_one_and_the_loss_that_is_read_falls(model, split, path):
    assert (path[0].rates == 1).all()
    assert np.isnan(path[0].loss)
    assert path[1].loss == STAGE.loss(model, split.valid).loss
    losses = [now.loss for now in path[1:]]
    assert losses == sorted(losses, reverse=True)


def test_an_update_is_a_saturating_exponentiated_gradient_with_a_pull(model, split, path):
    for before, after in itertools.pairwise(path[:4]):
        ranked = STAGE.loss(model.with_rates(before.rates), split.valid)
        gains = before.rates * first_order_effects(model, split.valid, ranked.residuals)
        middling = np.median(np.abs(gains[gains != 0]))
        logs = np.log(before.rates)
        wanted = logs + STAGE.step * (gains / (np.abs(gains) + middling) - STAGE.pull * logs)
        # under a dozen roundings, of terms of at most the step, and of logarithm and exponential
        bound = 16 * EPS * (STAGE.step + np.abs(wanted) + 1)
        assert (np.abs(np.log(after.rates) - wanted) <= bound).all()


def test_no_update_moves_a_rate_further_than_the_step(path):
    for before, after in itertools.pairwise(path):
        moves = np.abs(np.log(after.rates / before.rates))
        largest = STAGE.step * (1 + STAGE.pull * np.abs(np.log(before.rates)).max())
        assert moves.max() <= largest * (1 + 16 * EPS)


def test_a_stronger_pull_keeps_rates_nearer_to_one(model, split):
    spread = [
        np.std(np.log(list(adapt(model, [Origin(split.valid)], replace(STAGE, pull=pull), 5))[-1].rates))
        for pull in (0.0, 1.0, 4.0)
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[0] > spread[-1]


def test_origins_that_know_everything_are_one_origin(model, split, path):
    halves = [Origin(split.valid.take(np.arange(k, len(split.valid), 2))) for k in (0, 1)]
    found = list(adapt(model, halves, STAGE, 3))
    for one, whole in zip(found[1:], path[1:4], strict=True):
        # the same sums in another order: each term is rounded a few times, and there are as many as queries
        bound = 8 * len(split.valid) * EPS
        assert abs(one.loss - whole.loss) <= bound * whole.loss
        assert (np.abs(np.log(one.rates / whole.rates)) <= bound * (1 + np.abs(np.log(whole.rates)))).all()


def test_an_origin_asks_for_what_came_next_and_shows_what_came_before(model, split):
    origins = rolling_origins(split.train, split.valid, 3)
    assert origins[-1] == Origin(split.valid)
    assert len(model.demonstrations) == len(transitions(split.train, ONE_HOT.keys(), model.items))
    for back, origin in ((2, origins[0]), (1, origins[1])):
        shown = [split.train.of(u)[:-back] for u in range(len(split.train))]
        for k, user in enumerate(origin.queries.users):
            np.testing.assert_array_equal(origin.queries.histories.of(k), shown[user])
            assert origin.queries.targets[k] == split.train.of(user)[-back]
        assert [len(one) > 0 for one in shown] == np.isin(np.arange(len(shown)), origin.queries.users).tolist()
        wanted = transitions(Sequences.from_lists(shown), ONE_HOT.keys(), model.items)
        found = origin.context(model).demonstrations
        np.testing.assert_array_equal(found.keys.toarray(), wanted.keys.toarray())
        for name in ("targets", "users", "previous"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


def test_what_an_origin_does_not_know_is_not_moved_by_it(model, split):
    (early, _) = rolling_origins(split.train, split.valid, 2)
    assert early.known is not None
    rates = list(adapt(model, [early], STAGE, 2))[-1].rates
    assert (rates[~early.known] == 1).all()
    assert (rates[early.known] != 1).mean() > 0.5


def test_the_effects_of_all_origins_are_a_slope_of_their_mean_loss(model, split):
    origins = rolling_origins(split.train, split.valid, 3)
    total = sum(len(origin.queries) for origin in origins)
    one, other = (
        sum(STAGE.loss(origin.context(model.with_rates(rates)), origin.queries).losses.sum() for origin in origins)
        for rates in (np.ones(len(model.demonstrations)), np.full(len(model.demonstrations), 1 + 2.0**-20))
    )
    _, effects = _loss_and_effects(model, origins, STAGE.loss)
    slope = (other - one) / total * 2.0**20
    # a difference quotient: second order in the step (curvature at most that of the scores' squares), and rounding
    assert abs(slope + effects.sum()) <= 2.0**-20 * 64 * np.abs(effects).sum() + 2.0**20 * len(origins) * 64 * EPS * one


def test_the_guard_keeps_its_limits_and_shrinks_no_more_than_needed(model, split):
    guard = Guard(voices=0.99, largest=1.5)
    found = list(adapt(model, [Origin(split.valid)], replace(STAGE, guard=guard), 8))
    free = list(adapt(model, [Origin(split.valid)], STAGE, 8))
    n = len(model.demonstrations)
    for now in found:
        assert perplexity(now.rates) >= guard.voices * n
        assert now.rates.max() <= guard.largest * now.rates.mean()
    assert perplexity(free[-1].rates) < guard.voices * n
    # at the limit: nearly as concentrated as is allowed
    last = found[-1].rates
    assert perplexity(last) < (guard.voices + 1) / 2 * n
    assert not np.array_equal(found[-1].rates, np.ones(n))


def test_a_guard_leaves_alone_what_keeps_the_limits(model):
    logs = np.random.default_rng(0).uniform(-1, 1, len(model.demonstrations)) / 100
    assert Guard(0.9, 2.0).pull_back(model, logs) is logs


def test_a_guard_of_the_rank_keeps_the_rank(model):
    logs = np.where(model.demonstrations.targets == model.demonstrations.targets[0], 5.0, 0.0)
    start = effective_rank(model.dual_weights, seed=0)
    loose = effective_rank(model.with_rates(np.exp(logs)).dual_weights, seed=0)
    assert loose < start / 2
    back = Guard(voices=0.0, largest=1e9, rank=0.9).pull_back(model, logs)
    assert effective_rank(model.with_rates(np.exp(back)).dual_weights, seed=0) >= 0.9 * start
    assert back.max() > 0


def test_perplexity_counts_voices():
    assert abs(perplexity(np.ones(8)) - 8) <= 8 * 16 * EPS
    assert perplexity(np.array([3.0, 0.0, 0.0])) == 1
    assert 1 < perplexity(np.array([3.0, 1.0])) < 2
    for wrong in (np.zeros(3), np.array([1.0, -1.0])):
        with pytest.raises(ValueError, match="not negative and not all zero"):
            perplexity(wrong)


def test_the_effective_rank_of_known_matrices():
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal((30, 30)))[0] for _ in range(2))
    for values in (np.ones(5), np.array([3.0, 1.0]), np.array([2.0])):
        k = len(values)
        matrix = (left[:, :k] * values) @ right[:k]
        shares = values**2 / (values**2).sum()
        wanted = np.exp(-np.sum(shares * np.log(shares)))
        # singular values from an orthogonal basis: backward stable, a modest multiple of eps times the size
        assert abs(effective_rank(sp.csr_array(matrix), seed=0) - wanted) <= wanted * 30 * 30 * EPS * 64
    assert effective_rank(sp.csr_array((4, 4)), seed=0) == 0


def test_few_singular_values_give_a_lower_estimate():
    matrix = sp.csr_array(np.diag(np.linspace(1, 3, 40)))
    whole = effective_rank(matrix, seed=0, count=40)
    for count in (4, 10, 20):
        assert effective_rank(matrix, seed=0, count=count) < whole


def test_collapse_sees_a_context_that_one_demonstration_took_over(model):
    rates = np.full(len(model.demonstrations), 1e-9)
    rates[0] = 1.0
    before, after = collapse(model), collapse(model.with_rates(rates))
    assert after.largest > 0.99 > before.largest
    assert after.voices < 2 < before.voices
    assert after.rank < 2 < before.rank


def test_one_step_back_the_validation_items_are_what_is_asked_and_nothing_of_them_is_known(split):
    back = step_back(split)
    assert back.test is split.valid
    assert len(back.train) == len(split.train)
    for user, items in enumerate(map(split.train.of, range(len(split.train)))):
        np.testing.assert_array_equal(back.train.of(user), items[:-1])
    for k, user in enumerate(back.valid.users):
        np.testing.assert_array_equal(back.valid.histories.of(k), split.train.of(user)[:-1])
        assert back.valid.targets[k] == split.train.of(user)[-1]
    twice = step_back(back)
    assert (twice.train.lengths == np.maximum(split.train.lengths - 2, 0)).all()


def test_a_curve_asks_what_the_updates_do_not_read(split):
    back = step_back(split)
    model, origins = context_model(back), rolling_origins(back.train, back.valid, 2)
    found = adaptation_curve(model, origins, back.test, STAGE, 3)
    # the exponential of a sum of as many terms as there are demonstrations, each rounded a few times
    assert abs(found.voices[0] - 1) <= 16 * EPS * len(model.demonstrations)
    for k, now in enumerate(adapt(model, origins, STAGE, 3)):
        asked = STAGE.loss(model.with_rates(now.rates), back.test).places
        assert found.ndcg[k] == ndcg(asked, 10).mean()
    blind = replace(back.test, targets=np.roll(back.test.targets, 1))
    other = adaptation_curve(model, origins, blind, STAGE, 3)
    # other answers change what is measured, and not the rates
    np.testing.assert_array_equal(other.voices, found.voices)
    assert not np.array_equal(other.ndcg, found.ndcg)


def test_the_best_is_chosen_and_the_least_of_equals():
    low, high = (
        AdaptationCurve(np.array([0.0, 0.5, 0.5]), np.array([1, 0.75, 0.5])),
        AdaptationCurve(np.array([0.0, 0.6]), np.ones(2)),
    )
    assert choose_stop({"a": low, "b": low}) == StoppingPoint("a", 1, 0.75)
    assert choose_stop({"a": low, "b": high}) == StoppingPoint("b", 1, 1.0)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda model, split: StageTwo(STAGE.loss, step=0.0), "the step must be positive"),
        (lambda model, split: StageTwo(STAGE.loss, pull=-1.0), "the pull not negative"),
        (lambda model, split: Guard(voices=1.0), "a guard lets rates differ"),
        (lambda model, split: Guard(largest=1.0), "the largest rate above 1"),
        (lambda model, split: next(adapt(model, [], STAGE, 1)), "at least one origin"),
        (lambda model, split: Origin(split.valid.take(np.arange(0))), "this one has none"),
        (
            lambda model, split: Origin(split.valid, np.ones(3, bool)).context(model),
            r"expected shape \(\d+,\), got \(3,\)",
        ),
        (lambda model, split: rolling_origins(split.train, split.valid, 0), "must lie in 1 to"),
        (lambda model, split: rolling_origins(split.train, split.valid, 99), "got 99"),
        (lambda model, split: step_back(timed_split()), "one step back is meant for data of which only the order"),
        (
            lambda model, split: step_back(replace(split, train=Sequences.from_lists([[1]]))),
            "no training list has two items",
        ),
        (lambda model, split: choose_stop({}), "nothing to choose from"),
    ],
)
def test_wrong_input_is_named(model, split, refused, message):
    with pytest.raises(ValueError, match=message):
        refused(model, split)
