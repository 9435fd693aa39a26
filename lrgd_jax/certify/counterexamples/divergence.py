"""Where two programs part: the first value on each side that the other side does not have.

Both are evaluated equation by equation, in rational numbers if they allow it and in balls otherwise, at the point where
they differ and, so that 2 + 2 is not taken for 2 x 2, at another one beside it. A number is known to the other side if
that has one with the same value at both points; in what order, shape or step of a loop a program keeps its numbers, and
how often, is its own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq
from jax.extend import core

from lrgd_jax.certify.balls.ball_arithmetic import Balls, exclusive_precision
from lrgd_jax.certify.exact.algebra import Algebra, Numbers
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.tracing.jaxprs import Variable, inner_jaxprs
from lrgd_jax.certify.tracing.program import DType, Leaf, Program, is_key
from lrgd_jax.certify.verdicts.conditions import place_of
from lrgd_jax.certify.walking.complex_numbers import split
from lrgd_jax.certify.walking.discrete import Open
from lrgd_jax.certify.walking.walker import walk

__all__ = ["Divergence", "Step", "find_divergence"]

BITS = 400
"""Of the balls."""

DIGITS = 60
"""Balls that agree in so many digits count as equal."""

_REFUSALS = (ArithmeticError, NotImplementedError, TypeError, ValueError)


@dataclass(frozen=True)
class Step:
    """An intermediate value of a program.

    Attributes:
        primitive: what computed it.
        source: file, line and function.
        value: digits in nested lists.
    """

    primitive: str
    source: str
    value: Leaf

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


@dataclass(frozen=True)
class Divergence:
    """Where two programs part.

    Attributes:
        left: the first value of the first program that the second does not have; None where it has them all.
        right: likewise of the second.
    """

    left: Step | None
    right: Step | None

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {side: None if one is None else one.as_dict() for side, one in vars(self).items()}

    def lines(self, names: tuple[str, str], digits: Callable[[Any], str] = str) -> list[str]:
        """In words.

        Args:
            names: of the programs.
            digits: writes a value.
        """
        if self.left is None and self.right is None:
            return [f"every number of {names[0]} occurs in {names[1]} and the other way round, in other places"]
        pairs = (self.left, *names), (self.right, *reversed(names))
        return [
            f"{name} parts from {other} at '{one.primitive}'"
            f"{f', {one.source}' if one.source else ''}, with {digits(one.value)}"
            for one, name, other in pairs
            if one is not None
        ]


def find_divergence(left: Program, right: Program, *points: Sequence[Any]) -> Divergence | None:
    """Where two programs part that differ; None where they cannot be evaluated.

    Args:
        left: one program.
        right: the other, of the same inputs.
        points: one array a leaf of the arguments, at each point; the first one is where the values are shown, and
            others count if the programs have values there.

    Examples:
        >>> from lrgd_jax.certify import trace
        >>> left, right = trace(lambda x: 2 * x + 1, 3.0), trace(lambda x: 3 * x + 1, 3.0)
        >>> step = find_divergence(left, right, [np.array(3.0)]).left
        >>> step.primitive, step.value
        ('mul', '6')
    """
    first, *others = points
    for kind in (_WatchedRationals, _WatchedBalls):
        try:
            with exclusive_precision(BITS):
                walks = [_Walks(left, right, first, kind)]
                walks += [one for one in (_tried(left, right, point, kind) for point in others) if one is not None]
                return _first_of(walks)
        except _REFUSALS:
            continue
    return None


class _Computed(NamedTuple):
    """What an equation has computed, and where it stands."""

    eqn: core.JaxprEqn
    value: Leaf
    source: str


class _Watch(Algebra):
    """Keeps every value that depends on an input."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[_Computed] = []
        self._constant: dict[int, Any] = {}

    def literal(self, value: np.ndarray, dtype: np.dtype) -> Numbers:
        number = super().literal(value, dtype)
        self._constant[id(number)] = number
        return number

    def seen(self, eqn: core.JaxprEqn, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        if all(id(x) in self._constant or isinstance(x, np.ndarray) for x in split(inputs)):
            # identities of objects that are gone are given to others
            self._constant.update((id(x), x) for x in split(outputs) if isinstance(x, Numbers))
        elif not any(True for _ in inner_jaxprs(eqn)):
            # of the calls that the walker is in, the line is known only now
            self.steps += [_Computed(eqn, x, place_of(eqn)) for x in split(outputs)]


class _WatchedRationals(_Watch, Rationals):
    pass


class _WatchedBalls(_Watch, Balls):
    pass


class _Walks:
    """Both programs at one point.

    Attributes:
        given: the inputs.
        sides: the steps of each program.
    """

    def __init__(self, left: Program, right: Program, inputs: Sequence[Any], kind: Callable[[], _Watch]) -> None:
        self.given = [_lifted(x, kind()) for x in inputs]
        self.sides = [_watched(program, inputs, kind()) for program in (left, right)]

    @property
    def outline(self) -> list[list[Any]]:
        """What must agree lest a step at one point is another step at the next."""
        return [
            [(one.eqn.primitive.name, one.source, np.shape(_array(one.value))) for one in side] for side in self.sides
        ]


def _tried(left: Program, right: Program, inputs: Sequence[Any], kind: Callable[[], _Watch]) -> _Walks | None:
    try:
        return _Walks(left, right, inputs, kind)
    except _REFUSALS:
        return None


def _first_of(walks: Sequence[_Walks]) -> Divergence | None:
    if not any(walks[0].sides):
        # integers alone, of which no step is kept
        return None
    # loops and branches that depend on the data may take other ways at other points
    walks = [one for one in walks if one.outline == walks[0].outline]
    for wanted in (Numbers, np.ndarray):
        given = _entries([[x for x in one.given if isinstance(x, wanted)] for one in walks])
        kept = [[[step for step in side if isinstance(step.value, wanted)] for side in one.sides] for one in walks]
        steps = kept[0]
        values = [_entries([[step.value for step in sides[k]] for sides in kept]) for k in (0, 1)]
        known = [{entry for value in [*side, *given] for entry in value} for side in values]
        unknown = [_unknown(steps[k], values[k], known[1 - k]) for k in (0, 1)]
        if any(one is not None for one in unknown):
            return _show(*unknown)
    return Divergence(None, None)


def _entries(points: Sequence[Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """Of each value its entries, and of each entry what it is at every point."""
    return [
        list(zip(*([_key(x) for x in _array(one).ravel()] for one in value), strict=True))
        for value in zip(*points, strict=True)
    ]


def _unknown(steps: Sequence[_Computed], values: Sequence[Any], known: set[Any]) -> _Computed | None:
    return next((step for step, value in zip(steps, values, strict=True) if not known.issuperset(value)), None)


def _show(left: _Computed | None, right: _Computed | None) -> Divergence:
    """With as many digits as it takes to tell the values apart."""
    plain = [Divergence(_step(left, digits), _step(right, digits)) for digits in (6, 20, DIGITS)]
    apart = (one for one in plain if None in (left, right) or _numbers(one.left) != _numbers(one.right))
    return next(apart, plain[-1])


def _step(one: _Computed | None, digits: int) -> Step | None:
    return None if one is None else Step(one.eqn.primitive.name, one.source, _digits(one.value, digits))


def _numbers(step: Step | None) -> set[str]:
    return set(np.ravel(np.array([] if step is None else step.value, object)).tolist())


def _key(number: Number) -> Any:
    """The number, or the first digits of a ball, after a product that no program's own numbers are on the verge of."""
    if not isinstance(number, arb):
        return number
    return "0" if number.contains(0) else (number.mid() * arb(2).sqrt()).mid().str(DIGITS, radius=False)


def _watched(program: Program, inputs: Sequence[Any], system: _Watch) -> list[_Computed]:
    walk(program, system, [_lifted(x, system) for x in inputs])
    # comparisons that are open have no content, and of integers only what is computed from numbers has one
    return [one for one in system.steps if isinstance(one.value, Numbers) or _decides(one.eqn, one.value)]


def _decides(eqn: core.JaxprEqn, x: Leaf) -> bool:
    avals: list[Variable] = [var.aval for var in eqn.invars]
    # the parts of a complex number are steps of their own
    return not isinstance(x, Open) and not is_key(x.dtype) and any(_floating(aval.dtype) for aval in avals)


def _lifted(x: Leaf, system: Algebra) -> Any:
    return system.lift(np.asarray(x), np.asarray(x).dtype) if _floating(x.dtype) else x


def _floating(dtype: DType) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.inexact))


def _array(x: Leaf) -> np.ndarray:
    return x.array if isinstance(x, Numbers) else np.asarray(x)


def _digits(x: Leaf, digits: int) -> Any:
    return np.vectorize(lambda number: _text(number, digits), otypes=[object])(_array(x)).tolist()


def _text(number: Number, digits: int) -> str:
    if isinstance(number, arb):
        return number.str(digits, radius=False) if number.is_finite() else str(number)
    if isinstance(number, fmpq) and len(str(number)) > 2 * digits:
        return arb(number).str(digits, radius=False)
    return str(number)
