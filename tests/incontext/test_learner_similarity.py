"""Similarity of learners: equal learners, opposite ones, the canonical form, mixtures, other scales."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet

from lrgd_jax.incontext import (
    RegressionTasks,
    apply,
    canonical,
    descent_stack,
    init,
    interpolate,
    one_step,
    out_of_distribution,
    predict,
    ridge_prediction,
)
from lrgd_jax.incontext.learner_similarity import compare_learners, cosine

TASKS = RegressionTasks(3, 6)
TOKENS = TASKS.draw(jax.random.key(0), 16, jnp.float64).tokens


def of(stack):
    return lambda tokens: predict(stack, tokens)[0]


@pytest.fixture
def stack():
    return descent_stack((0.5, 1.0), 3, 6, dtype=jnp.float64)


def test_a_learner_is_aligned_with_itself(stack):
    same = compare_learners(of(stack), of(stack), TOKENS)
    assert same.prediction_distance == same.sensitivity_distance == 0
    unit = 16 * np.finfo(np.float64).eps * len(TOKENS)
    assert abs(same.prediction_cosine - 1) <= unit
    assert abs(same.sensitivity_cosine - 1) <= unit


def test_the_opposite_learner_is_as_far_as_can_be(stack):
    similarity = compare_learners(of(stack), lambda tokens: -predict(stack, tokens)[0], TOKENS)
    assert similarity.prediction_cosine < -0.5
    assert similarity.sensitivity_cosine < -0.5
    assert similarity.prediction_distance > 0


def test_sensitivities_of_a_linear_predictor_are_its_weights():
    def fixed(tokens):
        return jnp.vdot(jnp.asarray([3.0, 0.0, 4.0]), tokens[-1, :-1])

    def orthogonal(tokens):
        return tokens[-1, 1]

    similarity = compare_learners(fixed, orthogonal, TOKENS)
    assert similarity.sensitivity_cosine == 0
    # 3, 4, 5: squares and root are exact
    assert compare_learners(fixed, lambda tokens: 0 * tokens[-1, 1], TOKENS).sensitivity_distance == 5


def test_the_cosine_of_nothing_is_zero():
    assert cosine(jnp.zeros(3), jnp.ones(3)) == 0


def test_the_canonical_form_is_the_same_layer():
    random = init(jax.random.key(1), 4, scale=1.0, dtype=jnp.float64)
    comparison = meet(
        lambda tokens: apply(random, tokens), lambda tokens: apply((canonical(random[0]),), tokens), TOKENS[0]
    )
    assert comparison.holds, comparison


def test_rescaled_and_negated_weights_have_one_canonical_form(stack):
    (weights, _) = stack
    other = weights._replace(query=-2 * weights.query, key=2 * weights.key, value=-0.25 * weights.value)
    for x, y in zip(jax.tree.leaves(canonical(weights)), jax.tree.leaves(canonical(other)), strict=True):
        assert np.array_equal(x, y)


def test_a_mixture_ends_at_both_learners(stack):
    random = init(jax.random.key(1), 4, layers=2, dtype=jnp.float64)
    for share, end in ((0.0, random), (1.0, stack)):
        comparison = meet(
            partial(lambda t, share: apply(interpolate(random, stack, share), t), share=share),
            partial(lambda t, end: apply(end, t), end=end),
            TOKENS[0],
        )
        assert comparison.holds, comparison


def test_a_step_is_at_its_best_where_it_was_fitted_and_ridge_does_not_care():
    best = descent_stack(one_step(TASKS).rates, 3, 6)
    learners = {"step": of(best), "ridge": lambda tokens: ridge_prediction(tokens, 0.0)}
    scales = (0.25, 1.0, 3.0)
    inputs = out_of_distribution(learners, TASKS, scales, jax.random.key(2), batch=256)
    assert inputs["step"][1] < min(inputs["step"][0], inputs["step"][2])
    assert max(inputs["ridge"]) < min(inputs["step"])
    tasks = out_of_distribution(learners, TASKS, (0.5, 2.0), jax.random.key(2), which="weight_scale", batch=256)
    # the step is linear in w, and powers of two change no digit
    assert tasks["step"][0] == tasks["step"][1]


def test_bad_input_is_named(stack):
    with pytest.raises(ValueError, match="expected one head"):
        canonical(init(jax.random.key(0), 4, heads=2)[0])
    with pytest.raises(ValueError, match="same depth, got 2 and 1"):
        interpolate(stack, stack[:1], 0.5)
