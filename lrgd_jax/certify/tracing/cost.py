"""What it costs to walk a program: how many equations, and how many numbers they compute."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jax.extend import core

from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, Variable, inner_jaxprs
from lrgd_jax.certify.tracing.program import Program

__all__ = ["Cost", "cost_of"]

_ROUNDS = 8
"""How often a loop of unknown length is taken to run."""


@dataclass(frozen=True)
class Cost:
    """What a walk computes.

    Attributes:
        equations: how many are evaluated, loops unrolled.
        numbers: how many scalars they compute, each product of a contraction counted.
    """

    equations: int
    numbers: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.equations + other.equations, self.numbers + other.numbers)


def cost_of(*programs: Program) -> Cost:
    """The cost of walking all of them once.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import trace
        >>> cost_of(trace(lambda x: x * x, jnp.ones(3)))
        Cost(equations=1, numbers=3)
    """
    return sum((_of(program.jaxpr.jaxpr) for program in programs), Cost(0, 0))


def _of(jaxpr: core.Jaxpr) -> Cost:
    return sum((_equation(eqn) for eqn in jaxpr.eqns), Cost(0, 0))


def _equation(eqn: core.JaxprEqn) -> Cost:
    inner = [_of(x.jaxpr if isinstance(x, ClosedJaxpr) else x) for x in inner_jaxprs(eqn)]
    if not inner:
        return Cost(1, sum(math.prod(_shape(x)) for x in eqn.outvars) * _terms(eqn))
    rounds = eqn.params["length"] if eqn.primitive.name == "scan" else _ROUNDS if eqn.primitive.name == "while" else 1
    once = sum(inner, Cost(0, 0))
    return Cost(1 + rounds * once.equations, rounds * once.numbers)


def _terms(eqn: core.JaxprEqn) -> int:
    """How many products each entry of a contraction sums."""
    if eqn.primitive.name != "dot_general":
        return 1
    (contracted, _), _ = eqn.params["dimension_numbers"]
    return math.prod(_shape(eqn.invars[0])[k] for k in contracted)


def _shape(var: Variable) -> tuple[int, ...]:
    return tuple(var.aval.shape)
