"""Training that can be killed: steps that follow from their number, early stopping, a state that is the whole truth."""

# the stubs of jax, optax and orbax leave parts of trees without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import numpy as np
import optax
from jaxtyping import Array, Float, Int

__all__ = ["Keeper", "Schedule", "Task", "TrainingState", "Tree", "is_finished", "started", "train"]

Tree: TypeAlias = Any
"""Parameters: nested dictionaries and tuples of arrays, which only the task knows."""


@dataclass(frozen=True)
class Schedule:
    """How long training goes on.

    Attributes:
        steps: at most.
        every: steps between two validations, after each of which the state may be kept.
        patience: validations without a better one after which training stops.

    Raises:
        ValueError: a number is below one, or the steps are no multiple of `every`.
    """

    steps: int = 80
    every: int = 20
    patience: int = 4

    def __post_init__(self) -> None:
        if min(self.steps, self.every, self.patience) < 1 or self.steps % self.every:
            raise ValueError(
                f"a schedule's numbers are at least 1, and the steps a multiple of `every`; got {self.steps} steps, "
                f"every {self.every}, patience {self.patience}"
            )


class Task(NamedTuple):
    """What is trained.

    Attributes:
        start: the parameters before the first step.
        optimiser: which update a gradient makes.
        gradient: loss and gradient of a step, a function of the parameters and the step's number alone.
        validate: the loss that stops training, a function of the parameters alone.
    """

    start: Tree
    optimiser: optax.GradientTransformation
    gradient: Callable[[Tree, int], tuple[Float[Array, ""], Tree]]
    validate: Callable[[Tree], float]


class TrainingState(NamedTuple):
    """All that training needs to go on, and all that it has seen.

    Attributes:
        params: now.
        optimiser: its state.
        best: the parameters of the lowest validation loss so far.
        step: updates done.
        losses: of each step before its update; NaN for those to come; shape [steps].
        validation_losses: before the first step and after every `every`; NaN for those to come.
    """

    params: Tree
    optimiser: Tree
    best: Tree
    step: Int[np.ndarray, ""]
    losses: Float[np.ndarray, " steps"]
    validation_losses: Float[np.ndarray, " validations"]

    @property
    def best_step(self) -> int:
        """Updates done when the validation loss was lowest so far, in units of `every`."""
        return int(np.nanargmin(self.validation_losses))


class Keeper(Protocol):
    """Where states are kept."""

    def load(self, like: TrainingState) -> TrainingState | None:
        """The latest state; None where there is none."""
        ...

    def save(self, state: TrainingState) -> None:
        """Keeps a state, whole or not at all."""
        ...


def started(task: Task, schedule: Schedule) -> TrainingState:
    """The state before the first step, validated."""
    validations = np.full(schedule.steps // schedule.every + 1, np.nan)
    validations[0] = task.validate(task.start)
    return _blank(task, schedule)._replace(validation_losses=validations)


def _blank(task: Task, schedule: Schedule) -> TrainingState:
    losses, validations = np.full(schedule.steps, np.nan), np.full(schedule.steps // schedule.every + 1, np.nan)
    opened = task.optimiser.init(task.start)
    return TrainingState(task.start, opened, task.start, np.zeros((), np.int64), losses, validations)


def is_finished(state: TrainingState, schedule: Schedule) -> bool:
    """Whether all steps are done, or the validation loss has not fallen for too long."""
    done = int(state.step) // schedule.every
    return int(state.step) >= schedule.steps or (
        int(state.step) % schedule.every == 0 and done - state.best_step >= schedule.patience
    )


def train(
    task: Task,
    schedule: Schedule,
    *,
    keeper: Keeper | None = None,
    progress: Callable[[TrainingState], None] | None = None,
) -> TrainingState:
    """Trains until the steps are done or validation says stop; goes on from what the keeper has.

    A run that was killed and goes on ends in the same state, bit for bit, as one that was not: a step depends on the
    state and on its number alone. An interrupt keeps the state that there is, and is raised again.

    Args:
        task: what is trained.
        schedule: how long.
        keeper: where states are kept after each validation; nowhere unless given.
        progress: called with the state after each validation.

    Raises:
        ValueError: a loss is not finite.
    """
    update = jax.jit(lambda grads, opened, params: _update(task.optimiser, grads, opened, params))
    state = None if keeper is None else keeper.load(_blank(task, schedule))
    state = started(task, schedule) if state is None else state
    try:
        while not is_finished(state, schedule):
            state = _step(task, schedule, state, update)
            if int(state.step) % schedule.every == 0:
                if keeper is not None:
                    keeper.save(state)
                if progress is not None:
                    progress(state)
    except KeyboardInterrupt:
        if keeper is not None:
            keeper.save(state)
        raise
    return state


def _step(
    task: Task, schedule: Schedule, state: TrainingState, update: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]
) -> TrainingState:
    number = int(state.step)
    loss, grads = task.gradient(state.params, number)
    if not np.isfinite(float(loss)):
        raise ValueError(f"the loss of step {number} is not finite; lower the learning rate")
    params, opened = update(grads, state.optimiser, state.params)
    losses = state.losses.copy()
    losses[number] = float(loss)
    state = state._replace(params=params, optimiser=opened, step=np.asarray(number + 1, np.int64), losses=losses)
    if (number + 1) % schedule.every:
        return state
    validations = state.validation_losses.copy()
    validations[(number + 1) // schedule.every] = task.validate(params)
    state = state._replace(validation_losses=validations)
    return state._replace(best=params) if state.best_step == (number + 1) // schedule.every else state


def _update(optimiser: optax.GradientTransformation, grads: Tree, opened: Tree, params: Tree) -> tuple[Tree, Tree]:
    # optax counts steps in integers, which strict promotion would not let it divide
    with jax.numpy_dtype_promotion("standard"):
        updates, opened = optimiser.update(grads, opened, params)
        return optax.apply_updates(params, updates), opened
