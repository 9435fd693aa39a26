"""Interactions of pairs: the definition, the closed form, and what cannot have any."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.effect import (
    FunctionLoss,
    exact_interactions,
    interactions_squared_loss,
    shapley_interactions_of,
    shapley_of,
    shapley_squared_loss,
)

UNIT = float(np.finfo(float).eps)


def by_orders(payoffs):
    """Another definition: the mean second difference over all orders in which the pair comes as one player."""
    n = len(payoffs).bit_length() - 1
    index = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        players = [k for k in range(n) if k not in (i, j)]
        total = []
        for order in itertools.permutations([*players, -1]):
            before = sum(1 << k for k in order[: order.index(-1)])
            one, other = 1 << i, 1 << j
            total.append(
                payoffs[before | one | other] - payoffs[before | one] - payoffs[before | other] + payoffs[before]
            )
        index[i, j] = math.fsum(total) / len(total)
    return index


def within(found, expected, payoffs):
    """Sums of at most 4 (N - 1)! terms of the payoffs' size, each rounded, and once more where they are weighted."""
    n = len(payoffs).bit_length() - 1
    assert np.abs(found - expected).max() <= 8 * 2**n * UNIT * np.abs(payoffs).max()


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_index_is_the_mean_second_difference_over_orders(n):
    payoffs = np.random.default_rng(n).standard_normal(1 << n)
    found = shapley_interactions_of(payoffs)
    within(found, by_orders(payoffs), payoffs)
    assert (found == found.T).all()
    assert not found.diagonal().any()


def test_a_squared_loss_has_the_closed_form_and_gives_every_payoff_back():
    rng = np.random.default_rng(0)
    parts, target, start = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(3)
    members = (np.arange(16)[:, None] >> np.arange(4)[None, :]) & 1
    payoffs = -((target - start - members @ parts) ** 2).sum(axis=1) / 2
    pairs, values = shapley_interactions_of(payoffs), shapley_of(payoffs)
    within(np.asarray(interactions_squared_loss(jnp.asarray(parts))), pairs, payoffs)
    closed = shapley_squared_loss(*map(jnp.asarray, (parts, target, start)))
    within(np.asarray(closed), values, payoffs)
    single = values - pairs.sum(axis=1) / 2
    within(payoffs[0] + members @ single + (members @ pairs * members).sum(axis=1) / 2, payoffs, payoffs)


def test_copies_take_from_each_other_and_parts_of_a_whole_need_each_other():
    copies = exact_interactions(FunctionLoss(lambda gates: 4 - gates.max(), demonstrations=3))
    assert copies.values[0, 1] < 0
    halves = exact_interactions(FunctionLoss(lambda gates: 4 - gates.min(), demonstrations=3))
    assert halves.values[0, 1] > 0
    assert copies.cost == halves.cost == 2**3
    apart = exact_interactions(FunctionLoss(lambda gates: 4 - 2 * gates[0] * gates[2] - gates[1], demonstrations=3))
    assert apart.pairs()[0] == (0, 2)
    assert apart.values[0, 1] == apart.values[1, 2] == 0


@pytest.mark.parametrize("n", [1, 9])
def test_one_demonstration_has_no_pair_and_many_have_too_many_subsets(n):
    with pytest.raises(ValueError, match=f"need 2 to 8 demonstrations; got {n}"):
        exact_interactions(FunctionLoss(lambda gates: gates.sum(), demonstrations=n))


@pytest.mark.parametrize("payoffs", [[0.0], [0.0, 1.0], [0.0, 1.0, 2.0]])
def test_payoffs_of_no_pair_are_refused(payoffs):
    with pytest.raises(ValueError, match="a pair needs N = 2 or more"):
        shapley_interactions_of(np.array(payoffs))


@pytest.mark.parity
def test_the_package_shapiq_finds_the_same_values_and_interactions():
    shapiq = pytest.importorskip("shapiq", reason="install the parity extra")
    n = 5
    payoffs = np.random.default_rng(1).standard_normal(1 << n)

    def game(coalitions):
        return payoffs[np.atleast_2d(coalitions).astype(int) @ (1 << np.arange(n))]

    computer = shapiq.ExactComputer(game, n_players=n)
    theirs = computer(index="SII", order=2)
    found = np.array([[0.0 if i == j else theirs[(min(i, j), max(i, j))] for j in range(n)] for i in range(n)])
    within(shapley_interactions_of(payoffs), found, payoffs)
    values = computer(index="SV", order=1)
    within(shapley_of(payoffs), np.array([values[(i,)] for i in range(n)]), payoffs)
