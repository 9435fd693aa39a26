"""Trains a linear transformer on fresh tasks: one scan over the steps, checkpoints along the way."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lrgd_jax.incontext.linear_transformer import LinearTransformer, predict
from lrgd_jax.incontext.tasks import Batch, RegressionTasks

__all__ = ["Training", "TrainingConfig", "half_squared_error", "optimiser", "train"]


@dataclass(frozen=True)
class TrainingConfig:
    """How to train: Adam, a warm-up and a cosine decay of the learning rate, gradients clipped by their global norm.

    Attributes:
        steps: of the optimiser, each on a new batch.
        batch: tasks in a batch.
        learning_rate: at its peak.
        warmup: steps until the peak.
        clip: largest norm of a gradient.
        checkpoints: how many, evenly spaced; the initial weights come before them.
        loops: how often the stack is run.

    Raises:
        ValueError: a number below one, or steps that the checkpoints do not divide.

    Examples:
        >>> config = TrainingConfig(steps=10, warmup=2, checkpoints=5)
        >>> config.steps // config.checkpoints
        2
    """

    steps: int = 2000
    batch: int = 512
    learning_rate: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    checkpoints: int = 20
    loops: int = 1

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.checkpoints, self.loops) < 1 or self.warmup < 0:
            raise ValueError(f"TrainingConfig: steps, batch, checkpoints and loops must be at least 1, got {self}")
        if self.steps % self.checkpoints or self.warmup >= self.steps:
            raise ValueError(
                f"TrainingConfig: the steps must be a multiple of the checkpoints and more than the warm-up, got {self}"
            )
        if not (self.learning_rate > 0 and self.clip > 0):
            raise ValueError(f"TrainingConfig: learning_rate and clip must be positive, got {self}")


class Training(NamedTuple):
    """What training leaves.

    Attributes:
        params: the trained weights.
        losses: on each step's batch before its update, shape [steps].
        checkpoint_steps: updates done at each checkpoint, from 0 on.
        checkpoints: the weights then; every leaf has a leading axis of checkpoints + 1.

    Examples:
        >>> import jax
        >>> from lrgd_jax.incontext import init
        >>> config = TrainingConfig(steps=2, batch=4, warmup=1, checkpoints=2)
        >>> tasks = RegressionTasks(dimension=2, demonstrations=3)
        >>> training = train(jax.random.key(0), init(jax.random.key(1), width=3), tasks, config)
        >>> training.checkpoint_steps.tolist(), training.checkpoints[0].query.shape
        ([0, 1, 2], (3, 1, 3, 3))
    """

    params: LinearTransformer
    losses: Float[Array, " steps"]
    checkpoint_steps: Int[np.ndarray, " c_1"]
    checkpoints: LinearTransformer


def half_squared_error(params: LinearTransformer, batch: Batch, *, loops: int = 1) -> Float[Array, ""]:
    r"""$\frac12$ of the mean of $(\hat y - w^\top x_q)^2$ over the prompts.

    Args:
        params: the layers.
        batch: prompts and what they ask for.
        loops: how often the stack is run.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.incontext import descent_stack, prompt
        >>> tokens = prompt(jnp.array([[1.0]]), jnp.array([[4.0]]), query=jnp.array([1.0]))
        >>> batch = Batch(tokens[None], targets=jnp.array([4.0]), weights=jnp.array([[4.0]]))
        >>> float(half_squared_error(descent_stack([0.5], dimension=1, demonstrations=1), batch))  # (2 - 4)^2 / 2
        2.0
    """
    predictions = jax.vmap(lambda tokens: predict(params, tokens, loops=loops)[0])(batch.tokens)
    return jnp.mean((predictions - batch.targets) ** 2) / 2


def optimiser(config: TrainingConfig) -> optax.GradientTransformation:
    """Clipping by the global norm, then Adam with warm-up and cosine decay to zero."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, max(config.warmup, 1), config.steps)
    return optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(schedule))


def train(key: PRNGKeyArray, params: LinearTransformer, tasks: RegressionTasks, config: TrainingConfig) -> Training:
    """Trains from the given weights; every step draws its tasks from a key of its own.

    Args:
        key: of the tasks.
        params: where to start, from `init`; their dtype is the dtype of everything.
        tasks: the distribution of tasks.
        config: how to train.

    Raises:
        FloatingPointError: a loss is not finite; the learning rate or the initial weights are too large.

    Examples:
        >>> import jax
        >>> from lrgd_jax.incontext import init
        >>> config = TrainingConfig(steps=2, batch=4, warmup=1, checkpoints=2)
        >>> tasks = RegressionTasks(dimension=2, demonstrations=3)
        >>> training = train(jax.random.key(0), init(jax.random.key(1), width=3), tasks, config)
        >>> training.losses.shape, len(training.params)
        ((2,), 1)
    """
    # optax counts steps in integers, which strict promotion would not let it divide
    with jax.numpy_dtype_promotion("standard"):
        params_after, losses, passed = _run(key, params, tasks, config)
    if not np.isfinite(np.asarray(losses)).all():
        first = int(np.argmin(np.isfinite(np.asarray(losses))))
        raise FloatingPointError(
            f"train: the loss of step {first} is not finite; lower the learning rate ({config.learning_rate}) or the "
            "scale of the initial weights"
        )
    checkpoints = jax.tree.map(lambda first, later: jnp.concatenate([first[None], later]), params, passed)
    at = np.arange(config.checkpoints + 1) * (config.steps // config.checkpoints)
    return Training(params_after, losses, at, checkpoints)


@partial(jax.jit, static_argnames=("tasks", "config"))
def _run(key: PRNGKeyArray, params: LinearTransformer, tasks: RegressionTasks, config: TrainingConfig):
    update = optimiser(config)
    dtype = jax.tree.leaves(params)[0].dtype

    def one_step(carry, number):
        weights, state = carry
        batch = tasks.draw(jax.random.fold_in(key, number), config.batch, dtype)
        loss, gradient = jax.value_and_grad(half_squared_error)(weights, batch, loops=config.loops)
        change, state = update.update(gradient, state, weights)
        return (optax.apply_updates(weights, change), state), loss

    def until_checkpoint(carry, numbers):
        carry, losses = jax.lax.scan(one_step, carry, numbers)
        return carry, (losses, carry[0])

    numbers = jnp.arange(config.steps).reshape(config.checkpoints, -1)
    (trained, _), (losses, passed) = jax.lax.scan(until_checkpoint, (params, update.init(params)), numbers)
    return trained, losses.ravel(), passed
