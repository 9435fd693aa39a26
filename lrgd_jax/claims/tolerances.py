"""Where the tolerance of a claim comes from: rounding of both programs, or statistics beside it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lrgd_jax.claims.side import Side

__all__ = ["Adjoint", "Running", "Statistical", "Tolerance"]


@dataclass(frozen=True)
class Running:
    """Tolerance: the running error of both traced sides. Rigorous; for shallow programs."""


@dataclass(frozen=True)
class Adjoint:
    """Tolerance: the adjoint bound of both traced sides. First order; for deep programs.

    Attributes:
        cuts: "operations" perturbs every operation, "names" only the tensors marked by `checkpoint_name`.
    """

    cuts: Literal["operations", "names"] = "operations"


@dataclass(frozen=True)
class Statistical:
    """Tolerance: a deviation that the claim itself makes improbable, plus the running error.

    Attributes:
        deviation: a side that returns the largest allowed difference, derived from a named inequality.
        false_alarm: the probability, at most, that a true claim is rejected on one instance.
    """

    deviation: Side
    false_alarm: float


Tolerance: TypeAlias = Running | Adjoint | Statistical
"""Any of these."""
