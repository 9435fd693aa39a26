"""Tasks: what a batch holds, moments, scales, noise, refusals."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import run_compiled

from lrgd_jax.incontext import RegressionTasks

KEY = jax.random.key(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_are_linear_in_the_inputs(dtype):
    batch = RegressionTasks(dimension=3, demonstrations=4).draw(KEY, 5, jnp.dtype(dtype))
    assert batch.tokens.shape == (5, 5, 4)
    assert {x.dtype for x in batch} == {jnp.dtype(dtype)}
    assert np.array_equal(batch.tokens[:, -1, -1], np.zeros(5))

    clean = run_compiled(lambda tokens, weights: jnp.einsum("bnd,bd->bn", tokens[..., :-1], weights), *batch[::2])
    drawn = np.concatenate([batch.tokens[:, :-1, -1], batch.targets[:, None]], axis=1)
    # the draw is one computation of the same sums, this is another
    assert np.all(np.abs(clean.value - drawn) <= 2 * clean.error)


@pytest.mark.parametrize("inputs", ["uniform", "normal"])
def test_moments_are_those_of_the_draws(inputs):
    tasks = RegressionTasks(inputs=inputs, input_scale=1.5)
    x = np.asarray(tasks.draw_inputs(KEY, (100_000,)), np.float64)
    for power, moment in ((2, tasks.input_variance), (4, tasks.input_fourth_moment)):
        # Chebyshev: six standard errors are exceeded with probability 1/36 at most
        assert abs(np.mean(x**power) - moment) <= 6 * np.std(x**power) / np.sqrt(len(x))


def test_the_same_key_gives_the_same_tasks_in_every_scale():
    plain = RegressionTasks(dimension=3, demonstrations=4)
    once, again = plain.draw(KEY, 2), plain.draw(KEY, 2)
    wide = replace(plain, input_scale=2.0).draw(KEY, 2)
    assert np.array_equal(once.tokens, again.tokens)
    assert np.array_equal(wide.tokens[..., :-1], 2 * once.tokens[..., :-1])
    assert np.array_equal(replace(plain, weight_scale=2.0).draw(KEY, 2).weights, 2 * once.weights)


def test_noise_is_on_the_demonstrations_alone():
    plain = RegressionTasks(dimension=3, demonstrations=4)
    clean, noisy = plain.draw(KEY, 2), replace(plain, noise=0.5).draw(KEY, 2)
    assert np.array_equal(clean.targets, noisy.targets)
    assert np.array_equal(clean.tokens[..., :-1], noisy.tokens[..., :-1])
    assert not np.array_equal(clean.tokens[..., -1], noisy.tokens[..., -1])


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named():
    with pytest.raises(ValueError, match="at least one dimension"):
        RegressionTasks(dimension=0)
    with pytest.raises(ValueError, match="scales must be positive"):
        RegressionTasks(noise=-1.0)
    with pytest.raises(ValueError, match='"uniform" or "normal"'):
        RegressionTasks(inputs="cauchy")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="at least one task"):
        RegressionTasks().draw(KEY, 0)
