"""The largest step that many steps of descent on a squared error can take, and a warning beyond it."""

import warnings

import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

__all__ = ["UnstableStepWarning", "largest_curvature", "stability_limit", "warn_beyond_limit"]


class UnstableStepWarning(UserWarning):
    """A step of repeated descent beyond the stability limit, so that the error grows from step to step.

    Examples:
        >>> import warnings
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import DeltaRule
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     _ = DeltaRule(strength=4.0)(jnp.ones((1, 1)), jnp.ones((1, 1)), jnp.ones((1, 1)))
        >>> caught[0].category.__name__
        'UnstableStepWarning'
    """


def stability_limit(curvature: float, momentum: float = 0.0, *, nesterov: bool = False) -> float:
    r"""The learning rate beyond which descent on a quadratic diverges.

    $$\eta^* = \frac{2}{\lambda_{\max}},\qquad \frac{2(1+\mu)}{\lambda_{\max}}\;\text{(heavy ball)},\qquad
    \frac{2(1+\mu)}{(1+2\mu)\,\lambda_{\max}}\;\text{(Nesterov)}$$

    Args:
        curvature: the largest eigenvalue of the Hessian (of P H with a preconditioner P).
        momentum: mu in [0, 1).
        nesterov: look ahead.

    Source: Polyak 1964; the roots of the two-term recursions by Jury's criterion.

    Examples:
        >>> stability_limit(4.0), stability_limit(4.0, momentum=0.5), stability_limit(4.0, momentum=0.5, nesterov=True)
        (0.5, 0.75, 0.375)
    """
    if not curvature > 0:
        return float("inf")
    return 2 * (1 + momentum) / ((1 + 2 * momentum if nesterov else 1) * curvature)


def largest_curvature(
    features: Float[Array | np.ndarray, "*batches n r"],
    *,
    ridge: float = 0.0,
    preconditioner: Float[Array | np.ndarray, "r r"] | None = None,
) -> float | None:
    r"""The largest eigenvalue of $P\,(K^\top K + \lambda I)$, of all batches; None under a trace.

    Args:
        features: K, or one K a minibatch; a row counts as often as the square of a factor of it.
        ridge: lambda.
        preconditioner: P; the identity unless given.

    Returns:
        The curvature; None where something is traced, or not finite, so that nothing is known of it.
    """
    if any(isinstance(x, Tracer) for x in (features, ridge, preconditioner)):
        return None
    k = np.asarray(features, np.float64)
    if not np.isfinite(k).all():
        return None
    if preconditioner is None:
        return float(np.square(np.linalg.norm(k, 2, axis=(-2, -1))).max(initial=0.0)) + float(ridge)
    hessian = np.swapaxes(k, -2, -1) @ k + float(ridge) * np.eye(k.shape[-1])
    return float(np.abs(np.linalg.eigvals(np.asarray(preconditioner, np.float64) @ hessian)).max(initial=0.0))


def warn_beyond_limit(
    who: str,
    learning_rate: float | Float[Array, ""],
    curvature: float | None,
    momentum: float | Float[Array, ""] | None = None,
    *,
    nesterov: bool = False,
) -> None:
    """Warns where concrete numbers say that the step is too large; says nothing under a trace."""
    if curvature is None or isinstance(learning_rate, Tracer) or isinstance(momentum, Tracer):
        return
    limit = stability_limit(curvature, 0.0 if momentum is None else float(momentum), nesterov=nesterov)
    if float(learning_rate) > limit:
        warnings.warn(
            f"{who}: a step of {float(learning_rate):.3g} exceeds the stability limit {limit:.3g} (the largest "
            f"curvature of the loss is {curvature:.3g}), so the error grows with every step; take a smaller step, or "
            "scale the keys down",
            UnstableStepWarning,
            stacklevel=3,
        )
