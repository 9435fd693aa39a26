"""Objectives: what a dual model minimises on its training set.

An objective is a function of the predictions F_i = f(x_i), the targets y_i and one weight s_i a sample. The finite
dual differentiates it with respect to its weight matrix, the functional dual with respect to f itself.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["Objective", "alignment", "ridge_penalty", "squared_error"]

Objective: TypeAlias = Callable[
    [Float[Array, "n dv"], Float[Array, "n dv"], Float[Array, " n"]],
    Float[Array, ""],
]
"""(predictions, targets, sample weights) -> loss."""


def alignment(learning_rate: float = 1.0) -> Objective:
    r"""The objective that attention descends: $L = -\frac{1}{\eta}\sum_i s_i \langle y_i, F_i\rangle$.

    It is linear in the model, so its gradient is the same everywhere, and the factor $1/\eta$ makes the step
    independent of the learning rate.

    Args:
        learning_rate: eta > 0.

    Raises:
        ValueError: the learning rate is not positive.

    Source: Irie et al. 2022, arXiv 2202.05798, theorem 2 (dual form); Ren & Liu 2023, arXiv 2310.13220, eq. 8.

    Examples:
        >>> import jax.numpy as jnp
        >>> predictions, targets = jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]])
        >>> float(alignment(learning_rate=0.5)(predictions, targets, jnp.ones(2)))
        -22.0
    """
    if not learning_rate > 0:
        raise ValueError(f"alignment: the learning rate must be positive, got {learning_rate}")

    def objective(
        predictions: Float[Array, "n dv"], targets: Float[Array, "n dv"], sample_weights: Float[Array, " n"]
    ) -> Float[Array, ""]:
        products = jnp.sum(targets * predictions, axis=1)
        return -jnp.sum(sample_weights * products) / learning_rate

    return objective


def squared_error(
    predictions: Float[Array, "n dv"], targets: Float[Array, "n dv"], sample_weights: Float[Array, " n"]
) -> Float[Array, ""]:
    r"""The objective of the delta rule and of ridge attention: $L = \frac12\sum_i s_i\,\|F_i - y_i\|^2$.

    Unlike `alignment` it is quadratic in the model: its gradient depends on where it is taken, so that order, batching
    and the size of the step matter.

    Args:
        predictions: F_i.
        targets: y_i.
        sample_weights: s_i.

    Source: Widrow and Hoff 1960; as the objective of attention Schlag et al. 2021, arXiv 2102.11174, section 4.2.

    Examples:
        >>> import jax.numpy as jnp
        >>> float(squared_error(jnp.array([[1.0], [2.0]]), jnp.array([[3.0], [4.0]]), jnp.ones(2)))
        4.0
    """
    errors = predictions - targets
    return jnp.sum(sample_weights * jnp.sum(errors * errors, axis=1)) / 2


def ridge_penalty(
    weights: Float[Array, "dv r"], ridge: Float[Array, ""] | Float[Array, " r"] | float
) -> Float[Array, ""]:
    r"""$\frac12\sum_{ij}\lambda_j W_{ij}^2$, with one lambda for all features or one a feature.

    Args:
        weights: W.
        ridge: lambda, or one lambda_j a column of W.

    Examples:
        >>> import jax.numpy as jnp
        >>> weights = jnp.array([[1.0, 2.0]])
        >>> float(ridge_penalty(weights, 2.0)), float(ridge_penalty(weights, jnp.array([2.0, 0.0])))
        (5.0, 1.0)
    """
    return jnp.sum(jnp.sum(weights * weights, axis=0) * ridge) / 2
