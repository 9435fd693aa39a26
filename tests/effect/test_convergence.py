"""Convergence effects: against descent that is written out, their limits, and interlacing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax import effect
from lrgd_jax.effect import contraction_factor, descent_spectrum, excess_loss, one_step_gains

convergence_gains = jax.jit(effect.convergence_gains, static_argnames="steps")

RNG = np.random.default_rng(0)
KEYS, RESIDUALS = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))
KERNEL = KEYS @ KEYS.T
GRAM, MISSING = jnp.asarray(KERNEL), jnp.asarray(RESIDUALS)
RATE = float(1 / np.linalg.eigvalsh(KERNEL)[-1])
UNIT = float(np.finfo(float).eps)


def descend(kernel, residuals, steps, ridge):
    """Excess of the loss before and after steps on the coefficients of the keys, in NumPy."""

    def loss(coefficients):
        errors = kernel @ coefficients - residuals
        return (np.sum(errors**2) + ridge * np.sum(coefficients * (kernel @ coefficients))) / 2

    optimum = np.linalg.lstsq(kernel + ridge * np.eye(len(kernel)), residuals)[0]
    coefficients = np.zeros_like(residuals)
    for _ in range(steps):
        coefficients = coefficients - RATE * ((kernel + ridge * np.eye(len(kernel))) @ coefficients - residuals)
    return loss(np.zeros_like(residuals)) - loss(optimum), loss(coefficients) - loss(optimum)


def slack(kernel, ridge):
    """Of a loss: its terms are rounded once a row, and a solve loses the condition of what is learnt."""
    h = np.linalg.eigvalsh(kernel) + ridge
    condition = h[-1] / h[h > len(h) * UNIT * h[-1]][0]
    return 16 * len(h) ** 2 * UNIT * condition * np.sum(RESIDUALS**2)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize("steps", [1, 4])
def test_the_excess_is_that_of_descent_with_and_without_each(steps, ridge):
    def factor(kept):
        before, after = descend(KERNEL[np.ix_(kept, kept)], RESIDUALS[kept], steps, ridge)
        return (after / before) ** (1 / (2 * steps)), before, after

    everyone = np.arange(5)
    spectrum = descent_spectrum(GRAM, MISSING, ridge)
    whole, before, after = factor(everyone)
    assert abs(float(spectrum.excess.sum()) - before) <= slack(KERNEL, ridge)
    assert abs(float(excess_loss(spectrum, steps=steps, learning_rate=RATE)) - after) <= slack(KERNEL, ridge)
    found = convergence_gains(GRAM, MISSING, steps=steps, learning_rate=RATE, ridge=ridge)
    expected = [factor(np.delete(everyone, i))[0] - whole for i in range(5)]
    # a root amplifies by at most the inverse of what it is taken of
    assert np.abs(np.asarray(found) - expected).max() <= 2 * slack(KERNEL, ridge) / after


def test_many_steps_tend_to_the_slowest_direction_and_do_not_underflow():
    spectrum = descent_spectrum(GRAM, MISSING)
    slowest = np.abs(1 - RATE * np.linalg.eigvalsh(KERNEL)[2:]).max()
    factors = [float(contraction_factor(spectrum, steps=t, learning_rate=RATE)) for t in (1, 10, 100, 100_000)]
    assert factors == sorted(factors)
    # shares of the excess to the power of 1/2T
    assert slowest * (1 - np.log(1 / UNIT) / 2e5) <= factors[-1] <= slowest * (1 + 1e5 * UNIT)


def test_without_ridge_no_demonstration_speeds_up_the_worst_case():
    rng = np.random.default_rng(1)
    keys = rng.standard_normal((4, 6))
    kernel = keys @ keys.T
    rate = 1 / np.linalg.eigvalsh(kernel)[-1]
    gains = convergence_gains(
        jnp.asarray(kernel), jnp.asarray(rng.standard_normal((4, 2))), steps=100_000, learning_rate=rate
    )
    # a share of the excess to the power of 1/2T is above one by less than this
    assert (np.asarray(gains) <= np.log(1 / UNIT) / 2e5).all()


def test_groups_of_examples_leave_together():
    groups = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, 1, 1]])
    together = convergence_gains(GRAM, MISSING, jnp.asarray(groups), steps=2, learning_rate=RATE)
    rest = contraction_factor(descent_spectrum(GRAM[2:, 2:], MISSING[2:]), steps=2, learning_rate=RATE)
    whole = contraction_factor(descent_spectrum(GRAM, MISSING), steps=2, learning_rate=RATE)
    assert abs(float(together[0] - (rest - whole))) <= 2 * slack(KERNEL, 0.0)


def test_where_nothing_is_to_be_learnt_the_factor_is_one_and_everything_is_finite():
    nothing = descent_spectrum(GRAM, 0 * MISSING)
    assert float(contraction_factor(nothing, steps=3, learning_rate=RATE)) == 1
    alone = convergence_gains(jnp.ones((1, 1)), jnp.ones((1, 1)), steps=2, learning_rate=1.0)
    assert alone.tolist() == [1.0]


def test_all_of_it_passes_through_jit_and_vmap():
    many = jax.jit(jax.vmap(lambda r: convergence_gains(GRAM, r, steps=2, learning_rate=RATE)))
    assert many(jnp.stack([MISSING, 2 * MISSING])).shape == (2, 5)
    gains = jax.vmap(one_step_gains, in_axes=(None, 0, None))(
        jnp.asarray(KEYS), jnp.asarray(RNG.standard_normal((2, 3))), jnp.zeros(3)
    )
    assert gains.shape == (2, 5)


def test_no_step_has_no_factor():
    with pytest.raises(ValueError, match="one step or more, got steps=0"):
        contraction_factor(descent_spectrum(GRAM, MISSING), steps=0, learning_rate=RATE)
