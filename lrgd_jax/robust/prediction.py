"""What a perturbation does: its predicted and its measured effect side by side."""

from typing import Literal

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

__all__ = ["Perturbation", "Prediction", "check_radius", "check_rate", "check_strength"]


@struct.dataclass
class Prediction:
    """A predicted and a measured quantity of one shape.

    Attributes:
        predicted: by a formula that trains nothing.
        measured: by training the dual again, or by the attention itself.
        kind: "exact" (equal but for rounding), "at most" (predicted >= measured), "first order" (equal but for the
            remainder) or "mean" (the expectation of what was measured).
        remainder: a bound on |measured - predicted| for the kind "first order"; None where none is known.

    Examples:
        >>> import jax.numpy as jnp
        >>> bound = Prediction(jnp.array([2.0]), jnp.array([1.0]), "at most")
        >>> float(bound.tightness)
        0.5
    """

    predicted: Float[Array, "*shape"]
    measured: Float[Array, "*shape"]
    kind: Literal["exact", "at most", "first order", "mean"] = struct.field(pytree_node=False)
    remainder: Float[Array, ""] | None = None

    @property
    def tightness(self) -> Float[Array, ""]:
        """Length measured / length predicted: at most one for a bound, one where it is attained."""
        return jnp.linalg.norm(jnp.ravel(self.measured)) / jnp.linalg.norm(jnp.ravel(self.predicted))


@struct.dataclass
class Perturbation:
    """What a perturbation does to the dual's step and to the output.

    Attributes:
        step: the size of the change of the step, in the Frobenius norm or that of the RKHS.
        output: the change of the output, shape [dv].
        bound: the length of the change of the output against a bound on it.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.dual import DualModel
        >>> from lrgd_jax.robust import problem_of
        >>> from lrgd_jax.robust import target_perturbation
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> problem = problem_of(DualModel.untrained(keys, values), jnp.array([1.0, 2.0]))
        >>> moved = target_perturbation(problem, jnp.array([[1.0], [0.0]]))
        >>> float(moved.step.measured), moved.output.measured.tolist(), float(moved.bound.predicted)
        (1.0, [1.0], 4.0)
    """

    step: Prediction
    output: Prediction
    bound: Prediction


def check_radius(what: str, radius: float) -> None:
    """Raises ValueError for a radius that is not positive and finite."""
    if not 0 < radius < float("inf"):
        raise ValueError(f"{what}: the radius must be positive and finite, got {radius}")


def check_strength(what: str, strength: float) -> None:
    """Raises ValueError for a strength that is negative or not finite."""
    if not 0 <= strength < float("inf"):
        raise ValueError(f"{what}: the strength must be zero or more, and finite, got {strength}")


def check_rate(what: str, rate: float) -> None:
    """Raises ValueError for a probability outside [0, 1]."""
    if not 0 <= rate <= 1:
        raise ValueError(f"{what}: the rate is a probability and must lie between 0 and 1, got {rate}")
