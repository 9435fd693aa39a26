"""Regularised descent of either dual: steps by `jax.grad` and optax, or the point where the gradient vanishes."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from lrgd_jax.dual.base import Coordinates, OneStepModel

__all__ = ["anchored_sgd", "demonstration_gradients", "descend", "descend_online", "minimiser"]


def anchored_sgd(start: Coordinates, strength: float, learning_rate: float) -> optax.GradientTransformation:
    r"""Gradient descent with a pull toward a point, $W \leftarrow W - \eta(\nabla L + \lambda(W - W_0))$.

    The pull is the gradient of $\frac\lambda2\|W-W_0\|^2$, for the functional dual in the norm of its space.

    Args:
        start: W_0.
        strength: lambda.
        learning_rate: eta.
    """
    pull = optax.stateless(
        lambda updates, coordinates: updates + strength * (coordinates - start)  # pyright: ignore
    )
    return optax.chain(pull, optax.sgd(learning_rate))


def descend(model: OneStepModel, optimiser: optax.GradientTransformation, steps: int) -> Coordinates:
    """Full-batch steps from the model's initial coordinates.

    Args:
        model: the dual.
        optimiser: any optax transformation.
        steps: how many.
    """
    weights = model.data.sample_weights
    return _steps(model, optimiser, jnp.broadcast_to(weights[None], (steps, *weights.shape)))


def descend_online(model: OneStepModel, optimiser: optax.GradientTransformation) -> Coordinates:
    """One step on each demonstration in turn, in their order.

    Args:
        model: the dual.
        optimiser: any optax transformation.
    """
    return _steps(model, optimiser, jnp.diag(model.data.sample_weights))


def minimiser(model: OneStepModel, strength: float) -> Coordinates:
    r"""The minimiser of a quadratic loss plus $\frac\lambda2\|W-W_0\|^2$: one Newton step, exact for a quadratic.

    Args:
        model: the dual, its objective a quadratic.
        strength: lambda > 0.
    """
    start = model.initial_coordinates
    weights = model.data.sample_weights

    def slope(flat: Float[Array, " p"]) -> Float[Array, " p"]:
        coordinates = flat.reshape(start.shape)
        return (model.coordinate_gradient(coordinates, weights) + strength * (coordinates - start)).ravel()

    flat = start.ravel()
    return (flat - jnp.linalg.solve(jax.jacfwd(slope)(flat), slope(flat))).reshape(start.shape)


def demonstration_gradients(model: OneStepModel) -> tuple[Float[Array, "n _ _"], Float[Array, " n"]]:
    """The gradient of each demonstration's own loss at W_0, in coordinates, and its norm (Frobenius or RKHS)."""
    start, apart = model.initial_coordinates, jnp.diag(model.data.sample_weights)
    each = jax.vmap(lambda weights: model.coordinate_gradient(start, weights))(apart)
    return each, model.gradient_norms(each)


def _steps(model: OneStepModel, optimiser: optax.GradientTransformation, batches: Float[Array, "s n"]) -> Coordinates:
    """One step for every row of sample weights."""

    def one(carry, sample_weights: Float[Array, " n"]):
        coordinates, state = carry
        updates, state = optimiser.update(model.coordinate_gradient(coordinates, sample_weights), state, coordinates)
        return (optax.apply_updates(coordinates, updates), state), None

    start = model.initial_coordinates
    (coordinates, _), _ = jax.lax.scan(one, (start, optimiser.init(start)), batches)
    return jnp.asarray(coordinates)
