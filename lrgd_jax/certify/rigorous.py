"""The rigorous layer: the exact difference of two programs at given inputs, enclosed in a ball around zero."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from flint import arb

from lrgd_jax.certify.algebra import Numbers
from lrgd_jax.certify.balls import Balls, precision
from lrgd_jax.certify.discrete import Open, UndecidableError, is_key
from lrgd_jax.certify.exact import NotApplicable
from lrgd_jax.certify.jaxpr import UnknownPrimitiveError, walk
from lrgd_jax.certify.program import Program

__all__ = ["BITS", "LARGEST_BITS", "RADIUS", "Enclosure", "Exclusion", "Relation", "enclose_difference"]

BITS = 200
"""Precision to begin with."""

LARGEST_BITS = 3200
"""Where doubling the precision stops."""

RADIUS = 1e-40
"""A difference counts as zero if a ball around zero of at most this radius, relative to the results, contains it."""

ZERO_BITS = 4 * BITS
"""An array that may still be zero everywhere at this precision has no size; it is measured against the inputs."""

Relation = Literal["equal", "at most"]

# the precision is a setting of the whole library
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Enclosure:
    """The difference lies in a ball that contains zero.

    Attributes:
        bits: precision at which it was decided.
        radius: of the widest ball, relative to the largest number in its array of both results.
    """

    bits: int
    radius: float


@dataclass(frozen=True)
class Exclusion:
    """The difference is not zero (or not negative, where "at most" is claimed), rigorously.

    Attributes:
        bits: precision at which it was decided.
        difference: a lower bound on the largest magnitude, in digits.
        left: the results as nested lists of balls, in digits.
        right: of the other side.
    """

    bits: int
    difference: str
    left: Any
    right: Any


def enclose_difference(
    left: Program, right: Program, inputs: Sequence[Any], *, relation: Relation = "equal", bits: int = BITS
) -> Enclosure | Exclusion | NotApplicable:
    """Encloses left - right at given inputs, with more bits until it is decided.

    Args:
        left: one program.
        right: the other, of the same inputs.
        inputs: arrays, one a leaf of the arguments; floating ones count as exact.
        relation: "equal", or "at most" for left <= right.
        bits: precision to begin with.
    """
    reason = "no precision was tried"
    while bits <= LARGEST_BITS:
        try:
            with _LOCK, precision(bits):
                verdict = _at(left, right, inputs, relation, bits)
        except UndecidableError as undecided:
            verdict = NotApplicable(str(undecided))
        except (UnknownPrimitiveError, NotImplementedError) as refusal:
            return NotApplicable(str(refusal))
        if not isinstance(verdict, NotApplicable):
            return verdict
        reason, bits = verdict.reason, 2 * bits
    return NotApplicable(f"not decided with {bits // 2} bits: {reason}")


def _at(
    left: Program, right: Program, inputs: Sequence[Any], relation: Relation, bits: int
) -> Enclosure | Exclusion | NotApplicable:
    system = Balls()
    lifted = [_lift(system, x) for x in inputs]
    results = [[_numbers(system, x) for x in walk(program, system, lifted)] for program in (left, right)]
    # as balls: a float would round the smallest ones to zero
    allowed, widest = min(arb(2) ** (-bits // 2), arb(RADIUS)), arb(0)
    inputs_scale = _largest([x.array for x in lifted if isinstance(x, Numbers)])
    for x, y in zip(*results, strict=True):
        if x.shape != y.shape:
            raise ValueError(f"the programs return arrays of different shapes: {x.shape} and {y.shape}")
        nothing = bits >= ZERO_BITS and all(number.contains(0) for number in (*x.ravel(), *y.ravel()))
        scale = inputs_scale if nothing else _largest([x, y])
        for a, b in zip(x.ravel(), y.ravel(), strict=True):
            difference = a - b
            if not difference.is_finite():
                return NotApplicable("a result is not finite")
            if difference > 0 or (relation == "equal" and difference < 0):
                return Exclusion(bits, difference.abs_lower().str(5), *(_digits(side) for side in results))
            if relation == "at most" and difference <= 0:
                continue
            radius = difference.abs_upper()
            widest = max(widest, (radius / scale).upper() if scale > 0 else arb(0))
    # the nearest float may lie below it, and may even be zero
    largest = math.nextafter(float(widest), math.inf) if widest > 0 else 0.0
    if not widest <= allowed:
        return NotApplicable(f"the difference may be as large as {largest:.2g} of the result")
    return Enclosure(bits, largest)


def _largest(arrays: Sequence[np.ndarray]) -> arb:
    """The largest finite magnitude."""
    finite = (number for array in arrays for number in array.ravel() if number.is_finite())
    return max((number.abs_upper() for number in finite), default=arb(1))


def _lift(system: Balls, x: Any) -> Any:
    if is_key(x.dtype):
        return x
    array = np.asarray(x)
    return system.lift(array, array.dtype) if jnp.issubdtype(array.dtype, jnp.inexact) else array


def _numbers(system: Balls, x: Any) -> np.ndarray:
    if isinstance(x, Open):
        raise UndecidableError("a side returns a comparison that is not decided")
    return x.array if isinstance(x, Numbers) else system.lift(np.asarray(x), np.asarray(x).dtype).array


def _digits(side: list[np.ndarray]) -> list[Any]:
    return [np.vectorize(lambda ball: ball.str(12), otypes=[object])(x).tolist() if x.size else [] for x in side]
