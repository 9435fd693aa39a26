"""Cost, compilations, completeness gaps, intervals and refusals of the attributions, on written losses."""

import itertools

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
from lrgd_jax.effect.attribution import clenshaw_curtis
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
    coarse = aumann_shapley(loss, nodes=[3], share=0.0)
    assert gap(coarse) > gap(aumann_shapley(loss, nodes=[3], power=3, share=0.0))
    assert coarse.cost == 3 * 3
    found = aumann_shapley(loss, nodes=[3, 5, 9, 17, 33], share=SHARE)
    assert gap(found) <= SHARE < gap(coarse)
    assert found.method == "Aumann-Shapley, 9 nodes"
    # no gradient is taken twice
    assert found.cost == 3 * 9
    assert found.whole == coarse.whole
    missed = aumann_shapley(loss, nodes=[3, 5], share=SHARE)
    assert missed.method == "Aumann-Shapley, 5 nodes"
    assert gap(missed) > SHARE


def test_gradients_that_are_known_are_kept():
    seen = []

    def watched(weights, gates):
        jax.debug.callback(lambda point: seen.append(float(point)), gates[0])
        return saturating(weights, gates)

    together = aumann_shapley(written(watched), nodes=[3, 5, 9], share=0.0)
    jax.effects_barrier()
    assert len(seen) == len(set(seen)) == 9
    at_once = aumann_shapley(written(saturating), nodes=[9], share=0.0)
    assert together.values.tolist() == at_once.values.tolist()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 9, 12, 17])
def test_a_rule_integrates_polynomials_up_to_its_degree(count):
    """A weight and a power are a few roundings from the true ones, and so is each product; then they are added."""
    nodes, weights = clenshaw_curtis(count)
    assert (nodes[0], nodes[-1]) == (0, 1)
    assert (weights > 0).all()
    rounding = float(np.finfo(float).eps)
    for degree in range(count):
        terms = weights * nodes**degree
        assert abs(terms.sum() - 1 / (degree + 1)) <= 4 * count * (degree + 1) * rounding
    beyond = weights @ nodes ** (2 * count) - 1 / (2 * count + 1)
    assert abs(beyond) > 4 * count * (2 * count + 1) * rounding


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
        "nested, such as 5, 9, 17": lambda: aumann_shapley(loss, nodes=[5, 8]),
        "got power=1, nodes=\\(5, 3\\)": lambda: aumann_shapley(loss, nodes=[5, 3]),
        "nodes at least 2": lambda: aumann_shapley(loss, nodes=[1]),
        "power must be at least 1": lambda: aumann_shapley(loss, power=0),
        "only the loss of a prompt has parts": lambda: rate_gradient(loss, parts=True),
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


def test_at_even_odds_two_pairs_of_orders_are_the_ends_of_the_interval():
    """The law of t is Cauchy's then, whose upper quartile is one: the mean and half the distance."""
    loss = written(saturating, 3)
    squares = np.asarray(WEIGHTS[:3]) ** 2

    def value(members):
        return -1 / (0.125 + squares[sorted(members)].sum())

    def of_a_pair(order):
        falls = np.zeros(3)
        for one in (order, order[::-1]):
            for k, i in enumerate(one):
                falls[i] += (value({*one[: k + 1]}) - value({*one[:k]})) / 2
        return falls

    pairs = [of_a_pair(order) for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2))]
    # a difference of two losses near 8 at most, each of a sum, a quotient and its negative
    bound = 16 * np.finfo(float).eps * 8
    ends = set()
    for seed in range(4):
        found = interval(permutation_shapley(loss, pairs=2, seed=seed, level=0.5))
        matching = [
            (j, k)
            for j, k in itertools.combinations_with_replacement(range(3), 2)
            if (np.abs(found.lower - np.minimum(pairs[j], pairs[k])) <= bound).all()
            and (np.abs(found.upper - np.maximum(pairs[j], pairs[k])) <= bound).all()
        ]
        assert len(matching) == 1
        ends |= {*matching}
    assert any(j != k for j, k in ends)
