"""Losses and gradients at many points: one compilation a loss and batch size, whatever the number of points."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.effect.losses import GatedLoss

__all__ = ["GRADIENT", "Gradients", "ends", "gradients_at", "losses_at"]

GRADIENT = 3.0
"""Cost of a loss with its gradient in forward passes: a backward pass multiplies twice where a forward pass does once.

A count of multiplications, not a time. Source: Griewank & Walther 2008, "Evaluating Derivatives", section 4.6.
"""


class Gradients(NamedTuple):
    """Losses and their gradients.

    Attributes:
        losses: shape [b].
        gradients: shape [b, N].
    """

    losses: Float[np.ndarray, " b"]
    gradients: Float[np.ndarray, "b N"]


@jax.jit
def _losses(loss: GatedLoss, points: Float[Array, "b N"]) -> Float[Array, " b"]:
    return jax.vmap(lambda gates: loss(gates))(points)


@jax.jit
def _gradients(loss: GatedLoss, points: Float[Array, "b N"]) -> tuple[Float[Array, " b"], Float[Array, "b N"]]:
    return jax.vmap(jax.value_and_grad(lambda gates: loss(gates)))(points)


def losses_at(loss: GatedLoss, points: Float[np.ndarray, "b N"], *, batch: int = 1) -> Float[np.ndarray, " b"]:
    """The loss at every point.

    Args:
        loss: of the gates.
        points: one row of gates each.
        batch: how many are computed together; memory grows with it.

    Raises:
        ValueError: the batch is empty, or the points have another number of gates than there are demonstrations.
    """
    chunks = _chunks(loss, points, batch)
    found = [np.asarray(_losses(loss, chunk), np.float64) for chunk in chunks]
    return np.concatenate(found)[: len(points)]


def gradients_at(loss: GatedLoss, points: Float[np.ndarray, "b N"], *, batch: int = 1) -> Gradients:
    """The loss and its gradient at every point; arguments and errors are those of `losses_at`."""
    found = [_gradients(loss, chunk) for chunk in _chunks(loss, points, batch)]
    losses = np.concatenate([np.asarray(x, np.float64) for x, _ in found])[: len(points)]
    gradients = np.concatenate([np.asarray(x, np.float64) for _, x in found])[: len(points)]
    return Gradients(losses, gradients)


def ends(loss: GatedLoss, *, batch: int = 1) -> tuple[float, float]:
    """The zero-shot loss (all gates zero) and the few-shot loss (all one)."""
    n = loss.demonstrations
    zero, one = losses_at(loss, np.stack([np.zeros(n), np.ones(n)]), batch=batch)
    return float(zero), float(one)


def _chunks(loss: GatedLoss, points: Float[np.ndarray, "b N"], batch: int) -> list[Float[Array, "batch N"]]:
    """The points in batches of one size; the last is filled up with its own last point."""
    if batch < 1:
        raise ValueError(f"a batch holds at least one point, got batch={batch}")
    points = np.asarray(points)
    if points.ndim != 2 or not len(points) or points.shape[1] != loss.demonstrations:
        raise ValueError(
            f"points must be rows of {loss.demonstrations} numbers, one a demonstration; got shape {points.shape}"
        )
    missing = -len(points) % batch
    filled = np.concatenate([points, np.repeat(points[-1:], missing, axis=0)])
    return [jnp.asarray(chunk, loss.dtype) for chunk in filled.reshape(-1, batch, points.shape[1])]
