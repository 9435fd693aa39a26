"""The rigorous layer: the exact difference of two programs at given inputs, enclosed in a ball around zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from flint import arb

from lrgd_jax.certify.balls.ball_arithmetic import BITS, Balls, exclusive_precision
from lrgd_jax.certify.balls.twin_balls import Twins, sizes
from lrgd_jax.certify.exact.algebra import Algebra, Numbers
from lrgd_jax.certify.tracing.program import Leaf, Program, Tree, is_key
from lrgd_jax.certify.tracing.structures import comparable
from lrgd_jax.certify.verdicts.random_fields import NotApplicable
from lrgd_jax.certify.walking.discrete import Open, UndecidableError
from lrgd_jax.certify.walking.system import UnknownPrimitiveError
from lrgd_jax.certify.walking.walker import walk

__all__ = [
    "LARGEST_BITS",
    "RADIUS",
    "Enclosure",
    "Exclusion",
    "Relation",
    "enclose_difference",
]

LARGEST_BITS = 3200
"""Where doubling the precision stops."""

RADIUS = 1e-40
"""A difference counts as zero if a ball around zero of at most this radius, relative to its entry, contains it."""

ZERO_BITS = 4 * BITS
"""An entry that may still be zero at this precision is measured against the numbers behind it (`twin_balls.py`)."""

Relation = Literal["equal", "at most"]


@dataclass(frozen=True)
class Enclosure:
    """The difference lies in a ball that contains zero.

    Attributes:
        bits: precision at which it was decided.
        radius: of the widest ball, relative to its own entry of the results, or, where that may be zero, to the size of
            the numbers that went into this entry.
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
    left: Tree
    right: Tree


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

    Raises:
        StructureError: the programs return different structures or shapes.

    Examples:
        >>> from lrgd_jax.certify import trace
        >>> x = np.array([1.0, 3.0], np.float32)
        >>> left, right = trace(lambda x: jnp.exp(x) ** 2, x), trace(lambda x: jnp.exp(2 * x), x)
        >>> enclosure = enclose_difference(left, right, [x])
        >>> enclosure.bits, enclosure.radius < RADIUS
        (200, True)
    """
    comparable(left, right)
    reason = "no precision was tried"
    while bits <= LARGEST_BITS:
        try:
            with exclusive_precision(bits):
                verdict = _at(left, right, inputs, relation, bits)
        except UndecidableError as undecided:
            verdict = NotApplicable(str(undecided))
        except (UnknownPrimitiveError, NotImplementedError) as refusal:
            return NotApplicable(str(refusal))
        if not isinstance(verdict, NotApplicable):
            return verdict
        # more digits below that precision would not tell zero from a small number either
        enough = ZERO_BITS if isinstance(verdict, _MayBeZero) else 0
        reason, tried, bits = verdict.reason, bits, max(2 * bits, enough)
        if bits > LARGEST_BITS:
            reason = f"not decided with {tried} bits: {reason}"
    return NotApplicable(reason)


class _MayBeZero(NotApplicable):
    """What is left open are entries that may be zero."""


def _at(
    left: Program, right: Program, inputs: Sequence[Any], relation: Relation, bits: int
) -> Enclosure | Exclusion | NotApplicable:
    system = Balls()
    lifted = [_lift(system, x) for x in inputs]
    results = [[_numbers(system, x) for x in walk(program, system, lifted)] for program in (left, right)]
    entries = [_Entry(k, place, a, b, a - b) for k, place, a, b in _entries(*results)]
    excluded = [entry.difference.abs_lower() for entry in entries if entry.excluded(relation)]
    if excluded:
        return Exclusion(bits, max(excluded).str(5), *(_digits(side) for side in results))
    if not all(entry.difference.is_finite() for entry in entries):
        return NotApplicable("a result is not finite")
    left_open = [entry for entry in entries if not (entry.difference == 0 or entry.settled(relation))]
    zeros = [entry for entry in left_open if not entry.size > 0]
    radii = [entry.radius(entry.size) for entry in left_open if entry.size > 0]
    verdict = _enclosed(bits, radii)
    if not zeros or not isinstance(verdict, Enclosure):
        return verdict
    if bits < ZERO_BITS:
        return _MayBeZero("a difference lies within a ball around zero, and so do both numbers")
    measures = _measures(left, right, inputs)
    return _enclosed(bits, [*radii, *(entry.radius(measures(entry)) for entry in zeros)])


@dataclass(frozen=True)
class _Entry:
    """An entry of the results of both sides, and their difference, as balls."""

    result: int
    place: int
    left: arb
    right: arb
    difference: arb

    @property
    def size(self) -> arb:
        """What the larger of the two is at least."""
        return max(self.left.abs_lower(), self.right.abs_lower())

    def excluded(self, relation: Relation) -> bool:
        """Whether what is claimed is false here."""
        return bool(self.difference > 0) or (relation == "equal" and bool(self.difference < 0))

    def settled(self, relation: Relation) -> bool:
        """Whether what is claimed is true here, without measuring anything."""
        return relation == "at most" and bool(self.difference <= 0)

    def radius(self, size: arb) -> arb:
        """How far the difference may be from zero, relative to a size."""
        return (self.difference.abs_upper() / size).upper() if size > 0 else arb.pos_inf()


def _entries(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> Iterator[tuple[int, int, arb, arb]]:
    for k, (x, y) in enumerate(zip(left, right, strict=True)):
        for place, (a, b) in enumerate(zip(x.ravel(), y.ravel(), strict=True)):
            yield k, place, a, b


def _enclosed(bits: int, radii: Sequence[arb]) -> Enclosure | NotApplicable:
    # as balls: a float would round the smallest ones to zero
    allowed, widest = min(arb(2) ** (-bits // 2), arb(RADIUS)), max(radii, default=arb(0))
    # the nearest float may lie below it, and may even be zero
    largest = math.nextafter(float(widest), math.inf) if widest > 0 else 0.0
    # what is no number is not at most anything either
    if not all(radius <= allowed for radius in radii):
        return NotApplicable(f"a difference may be as large as {largest:.2g} of its own entry of the result")
    return Enclosure(bits, largest)


def _measures(left: Program, right: Program, inputs: Sequence[Any]) -> Callable[[_Entry], arb]:
    """The size of what went into an entry, on the side where that is more."""
    system = Twins()
    lifted = [_lift(system, x) for x in inputs]
    found = [sizes(system, program, lifted) for program in (left, right)]

    def of(entry: _Entry) -> arb:
        known = [side[entry.result] for side in found]
        return max((x.ravel()[entry.place] for x in known if x is not None), default=arb(0))

    return of


def _lift(system: Algebra, x: Leaf) -> Any:
    if is_key(x.dtype):
        return x
    array = np.asarray(x)
    return system.lift(array, array.dtype) if jnp.issubdtype(array.dtype, jnp.inexact) else array


def _numbers(system: Balls, x: Leaf) -> np.ndarray:
    if isinstance(x, Open):
        raise UndecidableError("a side returns a comparison that is not decided")
    return x.array if isinstance(x, Numbers) else system.lift(np.asarray(x), np.asarray(x).dtype).array


def _digits(side: list[np.ndarray]) -> list[Any]:
    return [np.vectorize(lambda ball: ball.str(12), otypes=[object])(x).tolist() if x.size else [] for x in side]
