"""Training: it learns, it repeats, it names what goes wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.incontext import (
    RegressionTasks,
    TrainingConfig,
    half_squared_error,
    init,
    one_step,
    train,
    zero_shot_loss,
)

TASKS = RegressionTasks(2, 4)
SHORT = TrainingConfig(steps=200, batch=64, learning_rate=0.02, warmup=10, checkpoints=4)


@pytest.fixture(scope="module")
def start():
    return init(jax.random.key(0), 3, scale=0.5)


@pytest.fixture(scope="module")
def training(start):
    return train(jax.random.key(1), start, TASKS, SHORT)


def test_a_layer_comes_close_to_the_best_step(training):
    loss = half_squared_error(training.params, TASKS.draw(jax.random.key(2), 4096))
    assert loss < (one_step(TASKS).loss + zero_shot_loss(TASKS)) / 2


def test_checkpoints_begin_with_the_start_and_end_with_the_result(training, start):
    assert training.checkpoint_steps.tolist() == [0, 50, 100, 150, 200]
    assert training.losses.shape == (200,)
    for first, last, kept in zip(*map(jax.tree.leaves, (start, training.params, training.checkpoints)), strict=True):
        assert kept.shape[0] == 5
        assert np.array_equal(kept[0], first)
        assert np.array_equal(kept[-1], last)


def test_the_same_keys_give_the_same_weights(training, start):
    again = train(jax.random.key(1), start, TASKS, SHORT)
    for x, y in zip(jax.tree.leaves(training), jax.tree.leaves(again), strict=True):
        assert np.array_equal(x, y)


def test_the_dtype_is_that_of_the_start(training):
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(training.params))
    double = init(jax.random.key(0), 3, dtype=jnp.float64)
    few = TrainingConfig(steps=2, batch=4, warmup=1, checkpoints=1, loops=2)
    assert all(x.dtype == jnp.float64 for x in jax.tree.leaves(train(jax.random.key(1), double, TASKS, few).params))


def test_bad_input_is_named(start):
    with pytest.raises(ValueError, match="must be at least 1"):
        TrainingConfig(batch=0)
    with pytest.raises(ValueError, match="multiple of the checkpoints"):
        TrainingConfig(steps=10, checkpoints=3, warmup=1)
    with pytest.raises(ValueError, match="must be positive"):
        TrainingConfig(clip=0.0)
    infinite = jax.tree.map(lambda x: x + jnp.asarray(1e30, x.dtype), start)
    few = TrainingConfig(steps=2, batch=4, warmup=1, checkpoints=1)
    with pytest.raises(FloatingPointError, match="loss of step 0 is not finite"):
        train(jax.random.key(1), infinite, TASKS, few)
