"""Regularised descent of either dual: steps by `jax.grad` and optax, or the point where the gradient vanishes."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from lrgd_jax.robust.training import Model, Parameters, data_of, gradient, initial_parameters

__all__ = ["anchored_sgd", "descend", "descend_online", "minimiser", "squared_error_objective"]


def squared_error_objective(
    predictions: Float[Array, "n u"], targets: Float[Array, "n u"], sample_weights: Float[Array, " n"]
) -> Float[Array, ""]:
    r"""The loss $\frac12\sum_i s_i\|F_i - y_i\|^2$."""
    return jnp.sum(sample_weights * jnp.sum((predictions - targets) ** 2, axis=1)) / 2


def anchored_sgd(start: Parameters, strength: float, learning_rate: float) -> optax.GradientTransformation:
    r"""Gradient descent with a pull toward a point, $W \leftarrow W - \eta(\nabla L + \lambda(W - W_0))$.

    The pull is the gradient of $\frac\lambda2\|W-W_0\|^2$, for the functional dual in the norm of its space.

    Args:
        start: W_0.
        strength: lambda.
        learning_rate: eta.
    """
    pull = optax.stateless(
        lambda updates, parameters: updates + strength * (parameters - start)  # pyright: ignore
    )
    return optax.chain(pull, optax.sgd(learning_rate))


def descend(model: Model, optimiser: optax.GradientTransformation, steps: int) -> Parameters:
    """Full-batch steps from the model's initial parameters.

    Args:
        model: the dual.
        optimiser: any optax transformation.
        steps: how many.
    """
    weights = data_of(model)[2]
    return _steps(model, optimiser, jnp.broadcast_to(weights[None], (steps, *weights.shape)))


def descend_online(model: Model, optimiser: optax.GradientTransformation) -> Parameters:
    """One step on each demonstration in turn, in their order.

    Args:
        model: the dual.
        optimiser: any optax transformation.
    """
    return _steps(model, optimiser, jnp.diag(data_of(model)[2]))


def minimiser(model: Model, strength: float) -> Parameters:
    r"""The minimiser of a quadratic loss plus $\frac\lambda2\|W-W_0\|^2$: one Newton step, exact for a quadratic.

    Args:
        model: the dual, its objective a quadratic.
        strength: lambda > 0.
    """
    start = initial_parameters(model)
    weights = data_of(model)[2]

    def slope(flat: Float[Array, " p"]) -> Float[Array, " p"]:
        parameters = flat.reshape(start.shape)
        return (gradient(model, parameters, weights) + strength * (parameters - start)).ravel()

    flat = start.ravel()
    return (flat - jnp.linalg.solve(jax.jacfwd(slope)(flat), slope(flat))).reshape(start.shape)


def _steps(model: Model, optimiser: optax.GradientTransformation, batches: Float[Array, "s n"]) -> Parameters:
    """One step for every row of sample weights."""

    def one(carry, sample_weights: Float[Array, " n"]):
        parameters, state = carry
        updates, state = optimiser.update(gradient(model, parameters, sample_weights), state, parameters)
        return (optax.apply_updates(parameters, updates), state), None

    start = initial_parameters(model)
    (parameters, _), _ = jax.lax.scan(one, (start, optimiser.init(start)), batches)
    return jnp.asarray(parameters)
