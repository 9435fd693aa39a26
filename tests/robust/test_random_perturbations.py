"""Random perturbations, their moments by counting, and the adversarial search."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from robust.example_problems import DV, D, N, arrays, problem, tokens
from support.equivalence import meet

from lrgd_jax.robust import (
    adversarial_perturbation,
    dropout_moments,
    gaussian_noise,
    linear_noise_moments,
    swap_moments,
    target_noise_moments,
)
from lrgd_jax.robust.random_perturbations import dropout_mask, random_pair

KEY = jax.random.key(0)


def test_noise_has_the_shape_dtype_and_strength():
    like = jnp.zeros((3, 2), jnp.float32)
    noise = gaussian_noise(KEY, like, 0.5)
    assert (noise.shape, noise.dtype) == (like.shape, like.dtype)
    assert np.array_equal(gaussian_noise(KEY, like, 0.0), like)
    assert np.array_equal(2 * noise, gaussian_noise(KEY, like, 1.0))


def test_nothing_or_everything_is_dropped_at_the_ends():
    assert dropout_mask(KEY, 7, 0.0).all()
    assert not dropout_mask(KEY, 7, 1.0).any()


def test_a_pair_is_two_demonstrations():
    for k in range(20):
        first, second = random_pair(jax.random.key(k), 3)
        assert first != second


def test_dropout_moments_count_all_masks():
    def counted(contributions):
        moves, chances = [], []
        for kept in itertools.product([0.0, 1.0], repeat=N):
            moves.append(-(1 - jnp.asarray(kept)) @ contributions)
            chances.append(0.75 ** sum(kept) * 0.25 ** (N - sum(kept)))
        chance = jnp.asarray(chances)
        return chance @ jnp.stack(moves), chance @ jnp.sum(jnp.stack(moves) ** 2, axis=1)

    def formula(contributions):
        moments = dropout_moments(contributions, 0.25)
        return moments.mean, moments.mean_square

    comparison = meet(counted, formula, *arrays(0, (N, DV)))
    assert comparison.holds, comparison


def test_swap_moments_count_all_pairs():
    def counted(influences, values):
        moves = []
        for i, j in itertools.combinations(range(N), 2):
            swapped = values.at[i].set(values[j]).at[j].set(values[i])
            moves.append(influences @ (swapped - values))
        every = jnp.stack(moves)
        return jnp.sum(every, axis=0) / len(moves) / 2, jnp.sum(every**2) / len(moves) / 2

    def formula(influences, values):
        moments = swap_moments(influences, values, 0.5)
        return moments.mean, moments.mean_square

    comparison = meet(counted, formula, *arrays(1, (N,), (N, DV)))
    assert comparison.holds, comparison


def test_noise_moments_count_signs():
    # the moments need two moments of the noise only, so signs may stand in for normal numbers
    def counted(influences):
        signs = jnp.asarray(list(itertools.product([-0.5, 0.5], repeat=N)))
        return jnp.sum((signs @ influences) ** 2) / len(signs)

    comparison = meet(counted, lambda g: target_noise_moments(g, 1, 0.5).mean_square, *arrays(2, (N,)))
    assert comparison.holds, comparison
    jacobians = arrays(3, (N, 1, D))[0]
    assert linear_noise_moments(jacobians, 0.5).mean.shape == (1,)
    comparison = meet(
        lambda x: linear_noise_moments(x[:, None, :], 0.5).mean_square,
        lambda x: target_noise_moments(x.ravel(), 1, 0.5).mean_square,
        jacobians[:, 0],
    )
    assert comparison.holds, comparison


@pytest.mark.parametrize(("name", "what"), [("linear", "values"), ("softmax", "keys"), ("softmax", "query")])
def test_the_search_stays_in_the_ball_and_below_the_bound(name, what):
    attack = jax.jit(lambda *data: adversarial_perturbation(KEY, problem(name, *data), what, 0.25, steps=30))(
        *tokens(0)
    )
    assert (np.linalg.norm(attack.change, axis=-1) <= 0.25 * (1 + 4 * np.finfo(float).eps)).all()
    assert attack.path[0] <= attack.output.measured <= attack.output.predicted
    assert attack.output.measured == np.max(np.append(attack.path, attack.output.measured))
    if what == "values":
        assert attack.output.tightness > 0.99


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            lambda: gaussian_noise(KEY, jnp.zeros(2), -1.0),
            "gaussian_noise: the strength must be zero or more, and finite, got -1.0",
        ),
        (
            lambda: dropout_mask(KEY, 3, 1.5),
            "dropout_mask: the rate is a probability and must lie between 0 and 1, got 1.5",
        ),
        (lambda: random_pair(KEY, 1), "two demonstrations are needed to swap, got 1"),
        (lambda: dropout_moments(jnp.zeros((2, 1)), -0.5), "dropout_moments: the rate .* got -0.5"),
        (lambda: swap_moments(jnp.zeros(1), jnp.zeros((1, 1)), 0.5), "two demonstrations are needed to swap, got 1"),
        (lambda: swap_moments(jnp.zeros(2), jnp.zeros((2, 1)), 2.0), "swap_moments: the rate .* got 2.0"),
        (lambda: target_noise_moments(jnp.zeros(2), 1, float("nan")), "target_noise_moments: the strength .* got nan"),
        (lambda: linear_noise_moments(jnp.zeros((1, 1, 1)), -2.0), "linear_noise_moments: the strength .* got -2.0"),
        (
            lambda: adversarial_perturbation(KEY, problem("linear", *tokens(0)), "values", 0.0),
            "adversarial_perturbation: the radius",
        ),
        (lambda: adversarial_perturbation(KEY, problem("linear", *tokens(0)), "weights", 1.0), "got 'weights'"),  # pyright: ignore
        (
            lambda: adversarial_perturbation(KEY, problem("linear", *tokens(0)), "keys", 1.0, steps=0),
            "at least one step",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()
