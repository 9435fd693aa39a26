"""Duals on the squared error: per-token numbers, zero-shot weights, Newton's step, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet
from support.forms import FORMS

from lrgd_jax.attention import DeltaRule, DescentAttention, GatedLinearAttention, RidgeAttention, UnstableStepWarning
from lrgd_jax.dual import (
    DualModel,
    FullBatchDescent,
    OnlineDescent,
    dual_of,
    inverse_moment,
    ridge_penalty,
    squared_error,
)
from lrgd_jax.dual.fast_weights import OnlineDual

N, D, DV = 6, 4, 3


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal((N, width)) / 2) for width in (D, D, DV))


@pytest.mark.parametrize("demonstrations", [0, 4])
def test_per_token_strengths_and_decays_reach_the_dual(demonstrations, tokens):
    form = DeltaRule(strength=0.5, algorithm="chunked", chunk=4)
    dual = dual_of(form)
    rng = np.random.default_rng(1)
    strengths, decays = (jnp.asarray(rng.uniform(size=N)) for _ in range(2))

    def attention(q, k, v, b, a):
        return form(q, k, v, strength=b, decay=a)

    def explicit(q, k, v, b, a):
        return dual(q, k, v, demonstrations=demonstrations, strength=b, decay=a)

    def online(q, k, v, b, a):
        return dual.online(q, k, v, strength=b, decay=a)

    for other in (explicit, online):
        comparison = meet(attention, other, *tokens, strengths, decays)
        assert comparison.holds, comparison


def test_per_feature_gates_reach_the_dual(tokens):
    form = GatedLinearAttention()
    gates = jnp.asarray(np.random.default_rng(1).uniform(size=(N, D)))
    comparison = meet(
        lambda q, k, v, g: form(q, k, v, decay=g),
        lambda q, k, v, g: dual_of(form)(q, k, v, demonstrations=2, decay=g),
        *tokens,
        gates,
    )
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", ["gated delta", "momentum", "gated linear", "ridge", "descent heavy ball"])
def test_zero_shot_is_attention_over_the_own_segment(name, tokens):
    form = FORMS[name]

    def before(q, k, v):
        return dual_of(form).zero_shot(q, k, v, demonstrations=2)[2:]

    def own(q, k, v):
        return form(q[2:], k[2:], v[2:])

    comparison = meet(before, own, *tokens)
    assert comparison.holds, comparison


def test_an_own_minibatch_starts_at_its_place_in_the_sequence(tokens):
    form = FORMS["test-time training"]
    model = dual_of(form).model(*tokens[1:], demonstrations=2)
    assert model.batch == 4
    assert model.train_zero_shot().shape == (DV, D)


def test_newton_ends_in_the_same_place_from_anywhere(tokens):
    _, keys, values = tokens

    def trained(start):
        def weights(keys, values):
            model = DualModel(start, keys, values, objective=squared_error)
            return FullBatchDescent(model, ridge=0.5, preconditioner=inverse_moment(keys, 0.5)).train()

        return weights

    comparison = meet(trained(jnp.zeros((DV, D))), trained(jnp.ones((DV, D))), keys, values)
    assert comparison.holds, comparison


def test_the_inverse_moment_counts_by_weight(tokens):
    keys = tokens[1]
    weights = jnp.asarray([1.0, 0.0, 2.0, 0.5, 0.0, 1.0])

    def product(keys):
        moment = 0.5 * jnp.eye(D) + keys.T @ (weights[:, None] * keys)
        return moment @ inverse_moment(keys, 0.5, weights)

    comparison = meet(product, lambda keys: jnp.eye(D), keys)
    assert comparison.holds, comparison


def test_the_ridge_penalty_is_half_the_square():
    weights = jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert ridge_penalty(weights, 2.0) == 30
    assert ridge_penalty(weights, jnp.asarray([2.0, 0.0])) == 10
    assert squared_error(weights, 0 * weights, jnp.asarray([1.0, 2.0])) == 5 / 2 + 25


def test_the_dual_warns_as_the_form_does(tokens):
    q, k, v = tokens
    for form in (DeltaRule(strength=4.0), DescentAttention(steps=2, learning_rate=4.0)):
        with pytest.warns(UnstableStepWarning, match=type(form).__name__):
            dual_of(form)(q, k, v)


def test_a_dual_passes_through_jit_and_grad(tokens):
    for form in (FORMS["gated delta"], RidgeAttention(ridge=0.5, causal=True)):
        dual = dual_of(form)
        gradient = jax.jit(jax.grad(lambda k, dual=dual: dual(tokens[0], k, tokens[2], demonstrations=3).sum()))
        assert np.isfinite(gradient(tokens[1])).all()


def test_what_cannot_be_trained_is_named(tokens):
    model = DualModel.untrained(*tokens[1:], objective=squared_error)
    with pytest.raises(ValueError, match="at least one token, got batch=0"):
        OnlineDescent(model, batch=0)
    with pytest.raises(ValueError, match="minibatches together with retention"):
        OnlineDescent(model, jnp.ones(N), batch=2)

    class Other(DeltaRule):
        pass

    assert isinstance(dual_of(Other(strength=0.25)), OnlineDual)
