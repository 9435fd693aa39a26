"""Where a symmetric Jacobian is not enough: updates that jump, and updates with poles.

Poincare's lemma needs a continuously differentiable map on a domain without holes. A map with jumps, such as a sign,
has a Jacobian that is zero almost everywhere and may still be no gradient; so has one with a pole, such as
(-y, x)/(x^2 + y^2), around which every loss would have to wind. Maxima, absolute values and clips are continuous, and
for them the lemma holds with derivatives almost everywhere (they are locally Lipschitz).
"""

from __future__ import annotations

from collections.abc import Iterator

from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, inner_jaxprs
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.verdicts.conditions import Condition, conditions_of, place_of

__all__ = ["jumps", "poles"]

_JUMPING = ("sign", "floor", "ceil", "round", "rem", "argmax", "argmin", "top_k", "lt", "le", "gt", "ge", "eq", "ne")
"""Primitives whose result jumps where an operand passes an edge; a choice by a comparison may."""


def jumps(program: Program) -> tuple[str, ...]:
    """The equations that may make the result jump while the arguments move, each with its line."""
    names = (f"'{eqn.primitive.name}' ({place_of(eqn)})" for eqn in _jumping(program.jaxpr.jaxpr))
    return tuple(dict.fromkeys(names))


def poles(program: Program) -> tuple[Condition, ...]:
    """Where the result may have no value; a singular point may be wound around."""
    return tuple(one for one in conditions_of(program) if one.kind in ("pole", "domain"))


def _jumping(jaxpr: core.Jaxpr) -> Iterator[core.JaxprEqn]:
    """What depends on an argument; a program within an equation does so if one of the equation's operands does."""
    varying = {id(var) for var in jaxpr.invars}
    for eqn in jaxpr.eqns:
        if not any(id(var) in varying for var in eqn.invars):
            continue
        varying |= {id(var) for var in eqn.outvars}
        # x != x asks for NaN, which no finite number is
        with_itself = len(eqn.invars) == 2 and eqn.invars[0] is eqn.invars[1]
        if eqn.primitive.name in _JUMPING and not with_itself:
            yield eqn
        for inner in inner_jaxprs(eqn):
            yield from _jumping(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner)
