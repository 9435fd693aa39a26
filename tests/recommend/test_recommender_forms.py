"""The family: each sparse form against the dense attention of this package, and against itself by the other way."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from recommend.histories import ITEMS, UNIT, allowed, histories, model_of, positive_rates, terms_of
from support.equivalence import evaluate_trace

from lrgd_jax.attention import linear_attention, ridge_attention, softmax_attention
from lrgd_jax.attention.delta import recurrent_delta_rule
from lrgd_jax.attention.descent import descent_attention
from lrgd_jax.recommend.forms import dense_limit
from lrgd_jax.recommend.forms.delta_rule import DeltaRule
from lrgd_jax.recommend.forms.dense_reference import zero_diagonal_ridge
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.multi_step import MultiStep
from lrgd_jax.recommend.forms.normalised import NormalisedAttention
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import FORMS, build
from lrgd_jax.recommend.forms.ridge import Ridge, ease, ridge_weights
from lrgd_jax.recommend.forms.softmax import SoftmaxNeighbours

ASKED = histories(5)


def carried(model, asked=ASKED, times=None):
    """What the demonstrations add to the initial scores, without the targets' scaling."""
    queries = model.initial_queries(asked, times)
    nothing = OneStep._read(model, queries, np.zeros((len(asked), ITEMS)), times)
    return (model.scores(asked, times) - nothing) / model.target_scales(times)


def pieces(model, queries=None):
    """Queries, keys and targets as dense arrays."""
    made = model.demonstrations
    queries = model.queries(ASKED) if queries is None else queries
    return tuple(jnp.asarray(x.toarray()) for x in (queries, made.keys, made.target_matrix()))


def close(model, right, extra=0.0):
    """Within the rounding of the scores, of the initial part that is taken away again, and of the dense side."""
    scale = np.abs(model.scores(ASKED)).max() + np.abs(right.value).max() + 1
    bound = right.error + allowed(terms_of(model), 10 * scale) + extra
    return (np.abs(carried(model) - right.value) <= bound).all()


def test_normalised_is_normalised_linear_attention_with_a_prior():
    model = model_of(NormalisedAttention, prior=2.0, weight=1.5)

    def dense(queries, keys, targets):
        blank = jnp.concatenate([targets, jnp.ones_like(targets[:, :1])], axis=1)
        sums = linear_attention(queries, keys, blank)
        return 1.5 * sums[:, :-1] / (sums[:, -1:] + 2.0)

    assert close(model, evaluate_trace(dense, *pieces(model)))


def test_normalised_by_attention_and_by_its_dual():
    model = model_of(NormalisedAttention, rates=positive_rates)
    scores = model.scores(ASKED)
    bound = allowed(2 * terms_of(model), np.abs(scores).max() + 20)
    assert (np.abs(model.attention_scores(ASKED) - scores) <= bound).all()


def test_user_neighbours_are_softmax_attention():
    model = model_of(SoftmaxNeighbours, temperature=0.5, weight=1.5)
    right = evaluate_trace(
        lambda queries, keys, targets: 1.5 * softmax_attention(queries, keys, targets, scale=2.0), *pieces(model)
    )
    assert close(model, right)


def test_the_weights_of_user_neighbours_sum_to_the_weight_of_the_estimate():
    model = model_of(SoftmaxNeighbours, rates=positive_rates, weight=1.5)
    sums = np.asarray(model.attention_weights(ASKED).sum(axis=1))
    assert (np.abs(sums - 1.5) <= allowed(2 * terms_of(model), 1.5)).all()


def test_user_neighbours_before_a_time():
    past = histories(timed=True)
    model, times = model_of(SoftmaxNeighbours, past), np.full(len(ASKED), 25)
    earlier = model.demonstrations.take(model.demonstrations.times < 25)
    alone = SoftmaxNeighbours(earlier, model.initial, model.query_keys, 0.25, 0.5)
    weights, expected = model.attention_weights(ASKED, times), alone.attention_weights(ASKED)
    # the features' scaling counts before the time too, so the plain queries are compared
    assert weights.nnz <= expected.nnz
    assert (np.abs(np.asarray(weights.sum(axis=1)) - 20) <= allowed(terms_of(model), 20)).all()


def test_the_delta_rule_is_the_package_s_own():
    model = model_of(DeltaRule, step=0.25, rates=positive_rates)
    queries, keys, targets = pieces(model)

    def dense(queries, keys, targets, strengths):
        state = recurrent_delta_rule(keys, keys, targets, strengths)[1]
        return queries @ state.T

    strengths = jnp.asarray(0.25 * model.demonstrations.rates)
    right = evaluate_trace(dense, queries, keys, targets, strengths)
    # every step passes the rounding of all before it on, and none is larger than one
    assert close(model, right, extra=np.max(right.error))


def test_the_delta_rule_reads_the_weights_of_the_time():
    past = histories(timed=True)
    model, times = model_of(DeltaRule, past, step=0.25), np.arange(len(ASKED)) * 6
    for u, t in enumerate(times):
        order = np.argsort(model.demonstrations.times, kind="stable")
        known = order[model.demonstrations.times[order] < t]
        alone = DeltaRule(model.demonstrations.take(known), model.initial, model.query_keys, 0.25, 0.5, step=0.25)
        asked = ASKED.take(np.array([u]))
        queries = model.queries(asked, times[u : u + 1])
        expected = alone._carry(queries, np.array([10**6]))
        found = model._carry(model.queries(ASKED, times), times)[u]
        assert np.array_equal(found, expected[0])


def test_descent_takes_two_steps_without_ridge_unless_told():
    """u_2 = 2 q - r H q, with the rate at one over the largest curvature of the formula."""
    model = model_of(MultiStep)

    def dense(queries, keys, targets):
        refined = 2 * queries - (queries @ keys.T) @ keys / model.largest_curvature
        return (refined @ keys.T) @ targets

    assert close(model, evaluate_trace(dense, *pieces(model)))


def test_the_largest_curvature_is_an_upper_estimate_of_the_largest_eigenvalue():
    """A bound from above that thirty rounds bring down to the largest eigenvalue, up to a thousandth."""
    model = model_of(MultiStep)
    keys = model.demonstrations.keys.toarray()
    largest = np.linalg.eigvalsh(keys.T @ keys).max()
    assert largest * (1 - 100 * UNIT) <= model.largest_curvature <= 1.001 * largest


def test_ridge_is_ridge_attention():
    model = model_of(Ridge, ridge=2.0, zero_diagonal=False)
    right = evaluate_trace(lambda q, x, y: ridge_attention(q, x, y, 2.0), *pieces(model))
    assert close(model, right, extra=cholesky_bound(model, 2.0))


def cholesky_bound(model, ridge):
    """Solving with a Cholesky factor: relative error 4 n (3 n + 1) u cond (Higham 2002, theorem 10.4)."""
    x = model.demonstrations.keys.toarray()
    system = x.T @ x + ridge * np.eye(ITEMS)
    worst = np.linalg.norm(model.weights) * np.linalg.norm(model.queries(ASKED).toarray(), axis=1).max()
    return 4 * ITEMS * (3 * ITEMS + 1) * UNIT * np.linalg.cond(system) * worst


def test_ridge_by_weights_over_demonstrations():
    model = model_of(Ridge, ridge=2.0, zero_diagonal=False, rates=positive_rates)
    difference = np.abs(model.attention_scores(ASKED) - model.scores(ASKED))
    assert (difference <= 2 * cholesky_bound(model, 2.0)).all()


def test_slist_is_ridge_with_a_zero_diagonal():
    model = model_of(Ridge, ridge=2.0)
    queries, keys, targets = pieces(model)
    right = evaluate_trace(lambda q, x, y: q @ zero_diagonal_ridge(x, y, jnp.asarray(2.0)), queries, keys, targets)
    assert (np.diagonal(model.weights) == 0).all()
    assert close(model, right, extra=3 * cholesky_bound(model, 2.0))


def test_ease_predicts_users_from_themselves():
    users = sp.csr_array((np.random.default_rng(3).random((8, ITEMS)) < 0.4).astype(float))
    gram = (users.T @ users).toarray()
    assert np.array_equal(ease(users, 2.0), ridge_weights(gram, gram, 2.0, zero_diagonal=True))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_steps_are_steps_of_descent(steps):
    model = model_of(MultiStep, steps=steps, rate=0.5, ridge=0.25)
    largest = model.largest_curvature
    rate = 0.5 / (largest * 1.25)

    def dense(queries, keys, targets):
        return descent_attention(queries, keys, targets, steps=steps, learning_rate=rate, ridge=0.25 * largest) / rate

    assert close(model, evaluate_trace(dense, *pieces(model)), extra=allowed(steps * terms_of(model), 10 * steps**2))


def test_one_of_the_steps_is_the_linear_form():
    linear = model_of().scores(ASKED)
    bound = allowed(terms_of(model_of()), 10 * np.abs(linear).max())
    assert (np.abs(model_of(MultiStep, steps=1).scores(ASKED) - linear) <= bound).all()


def test_the_curvature_is_bounded_from_above():
    model = model_of(MultiStep)
    x = model.demonstrations.keys.toarray()
    assert model.largest_curvature >= np.linalg.eigvalsh(x.T @ x).max() * (1 - allowed(ITEMS**2, 1))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_holds_back_what_comes_later(form):
    """What is not known yet at the earliest time of a batch changes no score."""
    past = histories(timed=True)
    times = np.full(len(ASKED), 25)
    meta = Meta(0.75, 0.5, 0.5, 0.25, 0.5, 0.125, 0.5)
    model = model_of(past=past)
    scores = build(form, model.demonstrations, model.initial, meta).scores(ASKED, times)
    late = model.demonstrations.times >= 25
    changed = model.with_rates(np.where(late, 7.0, 1.0)).demonstrations
    assert np.array_equal(build(form, changed, model.initial, meta).scores(ASKED, times), scores)
    assert late.any()
    assert not late.all()


@pytest.mark.parametrize("form", FORMS)
def test_demonstrations_without_times_are_refused_for_a_time(form):
    model = model_of()
    with pytest.raises(ValueError, match="no times"):
        build(form, model.demonstrations, model.initial, Meta()).scores(ASKED, np.zeros(9, np.int64))


def test_unknown_forms_and_options_are_named():
    model = model_of()
    with pytest.raises(ValueError, match="unknown form 'cubic'"):
        build("cubic", model.demonstrations, model.initial, Meta())
    with pytest.raises(ValueError, match="no option 'temprature'"):
        build("softmax", model.demonstrations, model.initial, Meta(), temprature=1.0)


@pytest.mark.parametrize("kind", [Ridge, DeltaRule])
def test_large_square_arrays_are_made_when_asked_for_only(kind, monkeypatch):
    monkeypatch.setattr(dense_limit, "LARGEST_DENSE", ITEMS - 1)
    with pytest.raises(ValueError, match="allow_dense=True"):
        model_of(kind).scores(ASKED)
    assert np.isfinite(model_of(kind, allow_dense=True).scores(ASKED)).all()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"rate": 2.0}, {"ridge": -1.0}])
def test_senseless_steps_are_refused(wrong):
    with pytest.raises(ValueError, match="steps must"):
        model_of(MultiStep, **wrong)
