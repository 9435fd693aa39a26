"""Cost, compilations, completeness gaps, intervals and refusals of the attributions, on written losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.dual import FunctionalDual
from lrgd_jax.effect import (
    DualLoss,
    Effect,
    FunctionLoss,
    Scores,
    aumann_shapley,
    exact_shapley,
    gradient_alignment,
    losses_at,
    normalised_contributions,
    permutation_shapley,
    rate_gradient,
    shapley_of,
    softmax_contributions,
)
from lrgd_jax.kernels import ExponentialKernel

SHARE = 0.05
"""Of the whole effect, that the scores may miss."""

WEIGHTS = jnp.asarray([1.0, -0.5, 2.0, 0.25, 0.5])


def saturating(weights, gates):
    """Most of the change lies where the gates are small."""
    return 1 / (0.125 + jnp.vdot(weights * weights, gates))


def written(function, n=5):
    return FunctionLoss(jax.tree_util.Partial(function, WEIGHTS[:n]), n, jnp.float64)


def gap(scores):
    assert scores.gap is not None
    return scores.gap


def interval(scores):
    assert scores.interval is not None
    return scores.interval


def test_one_compilation_a_batch_size_whatever_the_points_and_the_weights():
    traced = []

    def counted(weights, gates):
        traced.append(1)
        return jnp.vdot(weights, gates)

    points = np.arange(35.0).reshape(7, 5)
    expected = points @ np.asarray(WEIGHTS)
    for scale in (1, 2):
        loss = FunctionLoss(jax.tree_util.Partial(counted, scale * WEIGHTS), 5, jnp.float64)
        for count in (7, 3):
            assert losses_at(loss, points[:count], batch=3).tolist() == (scale * expected[:count]).tolist()
    assert len(traced) == 1


def test_nodes_are_added_until_the_gap_is_small_and_the_gap_is_reported():
    loss = written(saturating)
    coarse = aumann_shapley(loss, nodes=[2], share=0.0)
    assert gap(coarse) > gap(aumann_shapley(loss, nodes=[2], power=3, share=0.0))
    assert coarse.cost == 2 + 3 * 2
    found = aumann_shapley(loss, share=SHARE)
    assert gap(found) <= SHARE < gap(coarse)
    assert found.method == "Aumann-Shapley, 16 nodes"
    assert found.cost == 2 + 3 * (2 + 4 + 8 + 16)
    assert found.whole == coarse.whole


def test_the_interval_holds_the_exact_values_of_a_game_that_is_not_quadratic():
    loss = written(saturating)
    exact = exact_shapley(loss, batch=8)
    sampled = permutation_shapley(loss, pairs=40, level=0.999, batch=8)
    assert exact.cost == 2**5
    assert sampled.cost <= 2**5
    assert (interval(sampled).lower < exact.values).all()
    assert (exact.values < interval(sampled).upper).all()
    narrower = permutation_shapley(loss, pairs=40, level=0.5, batch=8)
    assert (interval(narrower).upper < interval(sampled).upper).all()
    assert narrower.values.tolist() == sampled.values.tolist()


def test_positive_helps():
    loss = written(lambda weights, gates: 4 - jnp.vdot(weights, gates))
    for scores in (rate_gradient(loss), exact_shapley(loss), permutation_shapley(loss, pairs=2)):
        assert np.sign(scores.values).tolist() == np.sign(WEIGHTS).tolist()


def test_gaps():
    values = np.array([1.0, 2.0])
    assert Scores(values, "x", 1.0).gap is None
    assert Scores(values, "x", 1.0, whole=4.0).gap == 0.25
    assert Scores(values, "x", 1.0, whole=0.0).gap == float("inf")
    assert Scores(0 * values, "x", 1.0, whole=0.0).gap == 0


def test_wrong_input_is_refused_with_a_reason():
    loss, nine = written(saturating), FunctionLoss(jnp.sum, 9, jnp.float64)
    one = jnp.ones((1, 2))
    refusals = {
        "at most 8 demonstrations, got 9": lambda: exact_shapley(nine),
        "at least two pairs": lambda: permutation_shapley(loss, pairs=1),
        "level must lie": lambda: permutation_shapley(loss, pairs=2, level=1.0),
        "nodes increase": lambda: aumann_shapley(loss, nodes=[4, 2]),
        "power and nodes": lambda: aumann_shapley(loss, power=0),
        "share must be": lambda: aumann_shapley(loss, share=-1.0),
        "at least one point": lambda: losses_at(loss, np.ones((1, 5)), batch=0),
        "rows of 5 numbers": lambda: losses_at(loss, np.ones((1, 4))),
        "2\\^N payoffs": lambda: shapley_of(np.zeros(3)),
        "at least one demonstration": lambda: FunctionLoss(jnp.sum, 0),
        "positive loss": lambda: Effect(0.0, 0.0),
        "finite weights": lambda: gradient_alignment(
            DualLoss(FunctionalDual.untrained(one, one), jnp.ones(2), jnp.ones(1))
        ),
        "context is empty": lambda: normalised_contributions(ExponentialKernel(), one[0], one, one, one[:0], one[:0]),
    }
    for message, call in refusals.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="context is empty"):
        softmax_contributions(one[0], one, one, context_keys=one[:0], context_values=one[:0])
