"""Descent: one optax step on a written loss, its gradient taken by `jax.grad`."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import optax  # pyright: ignore[reportMissingTypeStubs]
from jax.core import Tracer
from jaxtyping import Array, Float

from lrgd_jax.precision import widen

__all__ = ["Loss", "decayed_sgd", "preconditioned", "recursive_least_squares", "step"]

Parameters = TypeVar("Parameters")
Loss: TypeAlias = Callable[..., Float[Array, ""]]
"""(parameters, *batch) -> loss."""


def step(
    loss: Loss,
    parameters: Parameters,
    optimiser: optax.GradientTransformation,
    state: optax.OptState,
    *batch: Float[Array, "..."],
    **extra: Float[Array, "..."],
) -> tuple[Parameters, optax.OptState]:
    """One step of the optimiser on the loss of one batch; returns the new parameters and optimiser state.

    Args:
        loss: (parameters, *batch) -> loss.
        parameters: where the gradient is taken.
        optimiser: any optax transformation.
        state: of the optimiser.
        *batch: data of the loss.
        **extra: what an `optax.GradientTransformationExtraArgs` asks for beside the gradient.
    """
    gradient = jax.grad(loss)(parameters, *batch)
    updates, state = optimiser.update(gradient, state, parameters, **extra)  # pyright: ignore[reportArgumentType]
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

    Examples:
        >>> import jax.numpy as jnp
        >>> optimiser, weights = decayed_sgd(0.5, retention=0.75), jnp.array(8.0)
        >>> update, _ = optimiser.update(jnp.array(2.0), optimiser.init(weights), weights)
        >>> float(weights + update)  # 0.75 * 8 - 0.5 * 2
        5.0
    """
    if retention is None:
        return optax.sgd(learning_rate)
    if not isinstance(retention, Tracer) and not 0 < float(retention) <= 1:
        raise ValueError(f"decayed_sgd: the retention 1 - eta lambda must lie in (0, 1], got {retention}")
    return optax.chain(optax.add_decayed_weights((1 - retention) / learning_rate), optax.sgd(learning_rate))


def preconditioned(preconditioner: Float[Array, "r r"]) -> optax.GradientTransformation:
    r"""Every row of a gradient times a fixed matrix, $\nabla L \mapsto \nabla L\,P$; chain it before `optax.sgd`.

    Args:
        preconditioner: P, symmetric.

    Source: Ahn et al. 2023, arXiv 2306.00297, section 3.

    Examples:
        >>> import jax.numpy as jnp
        >>> metric = preconditioned(jnp.diag(jnp.array([1.0, 0.5])))
        >>> metric.update(jnp.ones((1, 2)), metric.init(jnp.ones((1, 2))))[0].tolist()
        [[1.0, 0.5]]
    """

    def turned(gradient: Float[Array, "dv r"]) -> Float[Array, "dv r"]:
        wide, metric = widen(gradient, preconditioner)
        return wide @ metric

    return optax.stateless(lambda updates, _: jax.tree.map(turned, updates))


class InverseMoment(NamedTuple):
    """The state of `recursive_least_squares`.

    Attributes:
        inverse: P_t, the inverse of lambda I + sum_{i <= t} phi(k_i) phi(k_i)', shape [r, r].
    """

    inverse: Float[Array, "r r"]


def recursive_least_squares(ridge: Float[Array, ""] | float) -> optax.GradientTransformationExtraArgs:
    r"""Online Newton steps on a squared error: the gradient of one sample times the inverse moment that includes it.

    $$W_t = W_{t-1} - \nabla L_t(W_{t-1})\,P_t,\qquad
    P_t = P_{t-1} - \frac{P_{t-1}xx^\top P_{t-1}}{1+x^\top P_{t-1}x},\qquad P_0 = I/\lambda$$

    No optax transformation has this metric: it is built from the inputs, not from the gradients, so `update` takes the
    features x of the sample as the extra argument `features`.

    Args:
        ridge: lambda > 0.

    Source: Plackett 1950; Haykin, "Adaptive Filter Theory", chapter on recursive least squares.

    Examples:
        >>> import jax.numpy as jnp
        >>> optimiser = recursive_least_squares(ridge=1.0)
        >>> state = optimiser.init(jnp.zeros((1, 1)))
        >>> update, state = optimiser.update(jnp.array([[-8.0]]), state, features=jnp.ones(1))
        >>> update.tolist(), state.inverse.tolist()
        ([[4.0]], [[0.5]])
    """

    def init(parameters: Float[Array, "dv r"]) -> InverseMoment:
        return InverseMoment(jnp.eye(parameters.shape[1], dtype=parameters.dtype) / ridge)

    def update(
        updates: Float[Array, "dv r"],
        state: InverseMoment,
        params: Float[Array, "dv r"] | None = None,
        *,
        features: Float[Array, " r"],
        **_: object,
    ) -> tuple[Float[Array, "dv r"], InverseMoment]:
        image = state.inverse @ features
        inverse = state.inverse - jnp.outer(image, image) / (1 + jnp.vdot(features, image))
        return -(updates @ inverse), InverseMoment(inverse)

    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]
