"""Where the tolerance of a claim comes from: rounding of both programs, or statistics beside it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lrgd_jax.claims.side import Side

__all__ = ["Adjoint", "Running", "Statistical", "Tolerance"]


@dataclass(frozen=True)
class Running:
    r"""Tolerance: the running error of both traced sides. Rigorous; for shallow programs.

    Every operation of a traced program loses at most $u\,|z|$, with the unit roundoff $u$ of its dtype, and hands on
    what its operands have lost; `lrgd_jax.certify.running_error` adds this up beside the values. The tolerance is the
    sum of both sides.

    Source:
        Running error analysis: Higham 2002, *Accuracy and Stability of Numerical Algorithms*, section 3.3.

    Examples:
        >>> Running()
        Running()
    """


@dataclass(frozen=True)
class Adjoint:
    r"""Tolerance: the adjoint bound of both traced sides. First order; for deep programs.

    What an operation loses, $\delta_z$, moves a result $y$ by $|\partial y / \partial z|\,\delta_z$, so that
    $|\hat y - y| \le \sum_z |\partial y / \partial z|\,\delta_z + O(u^2)$. Where a program is deep this is far narrower
    than a running error, which forgets that errors cancel.

    Attributes:
        cuts: "operations" perturbs every operation, "names" only the tensors marked by `checkpoint_name`.

    Source:
        Linnainmaa 1976; Iri 1984.

    Examples:
        >>> Adjoint("names")
        Adjoint(cuts='names')
    """

    cuts: Literal["operations", "names"] = "operations"


@dataclass(frozen=True)
class Statistical:
    """Tolerance: a deviation that the claim itself makes improbable, plus the running error.

    Attributes:
        deviation: a side that returns the largest allowed difference, derived from a named inequality.
        false_alarm: the probability, at most, that a true claim is rejected on one instance.

    Examples:
        >>> import jax.numpy as jnp
        >>> # Hoeffding: a mean of n numbers in [0, 1] is off by t with probability at most 2 exp(-2 n t^2)
        >>> Statistical(lambda n: jnp.sqrt(jnp.log(2e6) / (2 * n)), false_alarm=1e-6).false_alarm
        1e-06
    """

    deviation: Side
    false_alarm: float


Tolerance: TypeAlias = Running | Adjoint | Statistical
"""Where a tolerance comes from: `Running`, `Adjoint` or `Statistical`."""
