"""Descent: one optax step on a written loss, its gradient taken by `jax.grad`."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import jax
import optax
from jaxtyping import Array, Float

__all__ = ["Loss", "decayed_sgd", "step"]

Parameters = TypeVar("Parameters")
Loss: TypeAlias = Callable[..., Float[Array, ""]]
"""(parameters, *batch) -> loss."""


def step(
    loss: Loss,
    parameters: Parameters,
    optimiser: optax.GradientTransformation,
    state: optax.OptState,
    *batch: Any,
) -> tuple[Parameters, optax.OptState]:
    """One step of the optimiser on the loss of one batch; returns the new parameters and optimiser state."""
    gradient = jax.grad(loss)(parameters, *batch)
    updates, state = optimiser.update(gradient, state, parameters)  # pyright: ignore[reportArgumentType]
    return optax.apply_updates(parameters, updates), state  # pyright: ignore[reportArgumentType, reportReturnType]


def decayed_sgd(
    learning_rate: float, retention: float | Float[Array, ""] | None = None
) -> optax.GradientTransformation:
    r"""Gradient descent with weight decay, $W \leftarrow (1 - \eta\lambda) W - \eta\nabla L$.

    Args:
        learning_rate: eta.
        retention: what is kept of the weights in one step, 1 - eta lambda; no decay unless given.

    Raises:
        ValueError: the retention is not in (0, 1].
    """
    if retention is None:
        return optax.sgd(learning_rate)
    if isinstance(retention, float | int) and not 0 < retention <= 1:
        raise ValueError(f"decayed_sgd: the retention 1 - eta lambda must lie in (0, 1], got {retention}")
    return optax.chain(optax.add_decayed_weights((1 - retention) / learning_rate), optax.sgd(learning_rate))
