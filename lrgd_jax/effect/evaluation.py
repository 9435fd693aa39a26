"""Losses and gradients at many points: one compilation a loss and batch size, whatever the number of points."""

# jax and flax leave what jit, grad and field return, and arguments of array functions, without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.effect.contrast import ContrastLoss
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.prompt_loss import PromptLoss

__all__ = ["Gradients", "gradients_at", "losses_at", "zero_and_few_shot_losses"]


class Gradients(NamedTuple):
    """Losses and their gradients.

    Attributes:
        losses: shape [b].
        gradients: shape [b, N].
        parts: of the gradients by layer and head, shape [b, layers, heads, N]; None unless asked for.
    """

    losses: Float[np.ndarray, " b"]
    gradients: Float[np.ndarray, "b N"]
    parts: Float[np.ndarray, "b layers heads N"] | None = None


@jax.jit
def _losses(loss: GatedLoss, points: Float[Array, "b N"]) -> Float[Array, " b"]:
    def one(gates: Float[Array, " N"]) -> Float[Array, ""]:
        return loss(gates)

    return jax.vmap(one)(points)


@partial(jax.jit, static_argnums=2)
def _gradients(
    loss: GatedLoss, points: Float[Array, "b N"], parts: tuple[int, ...] = ()
) -> tuple[Float[Array, " b"], Float[Array, "b *parts N"]]:
    def one(gates: Float[Array, " N"]) -> tuple[Float[Array, ""], Float[Array, "*parts N"]]:
        pair: tuple[Float[Array, ""], Float[Array, "*parts N"]] = jax.value_and_grad(loss)(
            jnp.broadcast_to(gates, (*parts, *gates.shape))
        )
        return pair

    return jax.vmap(one)(points)


def losses_at(loss: GatedLoss, points: Float[np.ndarray, "b N"], *, batch: int = 1) -> Float[np.ndarray, " b"]:
    """The loss at every point.

    Args:
        loss: of the gates.
        points: one row of gates each.
        batch: how many are computed together; memory grows with it.

    Raises:
        ValueError: the batch is empty, or the points have another number of gates than there are demonstrations.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from lrgd_jax.effect import FunctionLoss, losses_at
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> losses_at(loss, np.array([[0.0, 0.0], [1.0, 0.0]])).tolist()
        [4.0, 3.0]
    """
    chunks = _chunks(loss, points, batch)
    losses: list[Float[np.ndarray, " batch"]] = [np.asarray(_losses(loss, chunk), np.float64) for chunk in chunks]
    return np.concatenate(losses)[: len(points)]


def gradients_at(
    loss: GatedLoss, points: Float[np.ndarray, "b N"], *, batch: int = 1, parts: bool = False
) -> Gradients:
    """The loss and its gradient at every point.

    Args:
        loss: of the gates.
        points: one row of gates each.
        batch: how many are computed together; memory grows with it.
        parts: take the gradients in the gates of each layer and head by itself; they add up to the others.

    Raises:
        ValueError: as for `losses_at`; or parts are asked of a loss that has none.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from lrgd_jax.effect import FunctionLoss, gradients_at
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> gradients_at(loss, np.array([[0.5, 0.5]])).gradients.tolist()
        [[-1.0, -2.0]]
    """
    if parts and not isinstance(loss, PromptLoss | ContrastLoss):
        raise ValueError(f"only the loss of a prompt has parts by layer and head, not a {type(loss).__name__}")
    shape = loss.parts if isinstance(loss, PromptLoss | ContrastLoss) and parts else ()
    pairs: list[tuple[Array, Array]] = [_gradients(loss, chunk, shape) for chunk in _chunks(loss, points, batch)]
    losses = np.concatenate([np.asarray(x, np.float64) for x, _ in pairs])[: len(points)]
    gradients = np.concatenate([np.asarray(x, np.float64) for _, x in pairs])[: len(points)]
    return Gradients(losses, gradients.sum(axis=(1, 2)), gradients) if parts else Gradients(losses, gradients)


def zero_and_few_shot_losses(loss: GatedLoss, *, batch: int = 1) -> tuple[float, float]:
    """The zero-shot loss (all gates zero) and the few-shot loss (all one).

    Args:
        loss: of the gates.
        batch: two to compute both together.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, zero_and_few_shot_losses
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> zero_and_few_shot_losses(loss)
        (4.0, 1.0)
    """
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
