"""Where a program has no value: balls in which what is undefined for certain is told from what is merely not decided.

A ball that is not a number says nothing: a square root of a ball around zero is one, though its argument may be zero.
So the functions that have edges are asked here whether their argument lies beyond for certain: a square root of a
negative ball, a quotient of something by exactly zero. The rules for such results are those of IEEE 754 (2019, section
7.2): whatever is computed from NaN is NaN, and a selection that leaves it out is not touched by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from lrgd_jax.certify.balls.ball_arithmetic import BITS, Balls, exclusive_precision
from lrgd_jax.certify.exact.algebra import Numbers, elementwise
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.walking.discrete import COMPARISONS, Discrete, Open, UndecidableError, decided
from lrgd_jax.certify.walking.system import Rule, is_floating
from lrgd_jax.certify.walking.walker import walk

__all__ = ["NO_VALUE", "GapBalls", "OneSided", "find_one_sided"]

NO_VALUE = "nan"
"""How far apart a number and none are."""


class _NoNumber:
    """NaN for certain, or an infinity whose sign is not known; what is computed from either."""

    __slots__ = ("infinite",)

    def __init__(self, *, infinite: bool = False) -> None:
        self.infinite = infinite

    def __repr__(self) -> str:
        return "inf" if self.infinite else "nan"

    def _sum(self, other: Number) -> Number:
        if not self.infinite or (isinstance(other, _NoNumber) and not other.infinite):
            return NAN
        return INFINITE if isinstance(other, arb) and other.is_finite() else arb.nan()

    def _product(self, other: Number) -> Number:
        if not self.infinite or (isinstance(other, _NoNumber) and not other.infinite):
            return NAN
        if isinstance(other, _NoNumber):
            return INFINITE
        return NAN if other == 0 else INFINITE if other.is_finite() and not other.contains(0) else arb.nan()

    __add__ = __radd__ = __sub__ = __rsub__ = _sum
    __mul__ = __rmul__ = _product

    def __neg__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return arb.pos_inf() if self.infinite else self


NAN = _NoNumber()
INFINITE = _NoNumber(infinite=True)


def _quotient(x: Number, y: Number) -> Number:
    if isinstance(y, _NoNumber):
        # a finite number divided by an infinite one
        return NAN if not y.infinite else arb(0) if isinstance(x, arb) and x.is_finite() else arb.nan()
    if isinstance(x, _NoNumber):
        return NAN if not x.infinite else INFINITE if y.is_finite() else arb.nan()
    if y == 0 and x.is_finite():
        return NAN if x == 0 else arb.nan() if x.contains(0) else INFINITE
    return x / y


def _beyond(function: Callable[[arb], Number], outside: Callable[[arb], bool]) -> Callable[[Number], Number]:
    """The function, NaN where its argument is outside for certain."""

    def rule(x: Number) -> Number:
        if isinstance(x, _NoNumber):
            return arb.nan() if x.infinite else NAN
        return NAN if outside(x) else function(x)

    return rule


_OUTSIDE: Mapping[str, Callable[[arb], bool]] = {
    "sqrt": lambda x: x < 0,
    "rsqrt": lambda x: x < 0,
    "log": lambda x: x < 0,
    "log1p": lambda x: x < -1,
    "asin": lambda x: abs(x) > 1,
    "acos": lambda x: abs(x) > 1,
    "atanh": lambda x: abs(x) > 1,
    "erf_inv": lambda x: abs(x) > 1,
    "acosh": lambda x: x < 1,
}

_INFINITE_AT: Mapping[str, tuple[int, Number]] = {
    "rsqrt": (0, arb.pos_inf()),
    "log": (0, arb.neg_inf()),
    "log1p": (-1, arb.neg_inf()),
}


def _with_poles(name: str, function: Callable[[Number], Number]) -> Callable[[Number], Number]:
    guarded = _beyond(function, _OUTSIDE.get(name, lambda x: False))
    if name not in _INFINITE_AT:
        return guarded
    pole, value = _INFINITE_AT[name]
    return lambda x: value if isinstance(x, arb) and x == pole else guarded(x)


def _comparison(holds: np.ufunc) -> Rule:
    return lambda eqn, x, y: _compared(holds, x, y)


class GapBalls(Balls):
    """Balls that know where a program has no value for certain."""

    functions: Mapping[str, Callable[[Number], Number]] = {
        **{name: _with_poles(name, function) for name, function in Balls.functions.items()},
        "abs": abs,
    }
    rules: Mapping[str, Rule] = {
        **Balls.rules,
        "div": lambda eqn, x, y: elementwise(_quotient, x, y),
        "integer_pow": lambda eqn, x: elementwise(lambda base: _power(base, int(eqn.params["y"])), x),
        **{name: _comparison(holds) for name, holds in COMPARISONS.items()},
    }

    def constant(self, value: int | float) -> Number:
        """NaN in a program is one for certain."""
        return NAN if isinstance(value, float) and np.isnan(value) else super().constant(value)

    def larger(self, x: Number, y: Number) -> Number:
        """NaN where one is, as in JAX."""
        odd = self._either(x, y)
        return super().larger(x, y) if odd is None else odd

    def smaller(self, x: Number, y: Number) -> Number:
        """NaN where one is, as in JAX."""
        odd = self._either(x, y)
        return super().smaller(x, y) if odd is None else odd

    def order(self, x: Number, y: Number) -> int | None:
        """Not decided where one is no number."""
        return None if isinstance(x, _NoNumber) or isinstance(y, _NoNumber) else super().order(x, y)

    def power(self, x: Number, exponent: Number) -> Number:
        """NaN where one is, except for what IEEE 754 leaves a number, which is left open."""
        return arb.nan() if self._either(x, exponent) is not None else super().power(x, exponent)

    @staticmethod
    def _either(x: Number, y: Number) -> Number:
        odd = [one for one in (x, y) if isinstance(one, _NoNumber)]
        return None if not odd else NAN if any(not one.infinite for one in odd) else arb.nan()


def _power(base: Number, exponent: int) -> Number:
    if exponent == 0:
        return arb(1)
    power = base
    for _ in range(abs(exponent) - 1):
        power = power * base
    return power if exponent > 0 else _quotient(arb(1), power)


def _compared(holds: np.ufunc, x: Numbers, y: Numbers) -> Discrete:
    """NaN is not equal to anything, nor less, nor more."""
    arrays = np.broadcast_arrays(x.array, y.array)
    found = [_holds(holds, a, b) for a, b in zip(arrays[0].ravel(), arrays[1].ravel(), strict=True)]
    values, open_ = [one is True for one in found], [one is None for one in found]
    return decided(*(np.array(part, bool).reshape(arrays[0].shape) for part in (values, open_)))


def _holds(holds: np.ufunc, x: Number, y: Number) -> bool | None:
    odd = [one for one in (x, y) if isinstance(one, _NoNumber)]
    if any(not one.infinite for one in odd):
        return holds is np.not_equal
    if odd:
        return None
    order = Balls().order(x, y)
    return None if order is None else bool(holds(order, 0))


class OneSided(NamedTuple):
    """Both results at a point where an entry of one has no value, and the same entry of the other has one.

    Attributes:
        left: of the first program: digits in nested lists, "nan" and "inf" included.
        right: of the second.
    """

    left: tuple[Any, ...]
    right: tuple[Any, ...]


def find_one_sided(left: Program, right: Program, inputs: Sequence[Any]) -> OneSided | None:
    """Where one program alone has no value at a point, for certain; None where that is not so.

    Args:
        left: one program.
        right: the other, of the same inputs.
        inputs: arrays, one a leaf of the arguments.
    """
    try:
        with exclusive_precision(BITS):
            sides = [_results(program, inputs) for program in (left, right)]
    except (ArithmeticError, NotImplementedError, TypeError, ValueError):
        # what has no rule for a result without a value says nothing of it
        return None
    pairs = [pair for x, y in zip(*sides, strict=True) for pair in zip(x.ravel(), y.ravel(), strict=True)]
    if not any({_kind(a), _kind(b)} == {"none", "number"} for a, b in pairs):
        return None
    first, second = (tuple(_digits(x) for x in side) for side in sides)
    return OneSided(first, second)


def _results(program: Program, inputs: Sequence[Any]) -> list[np.ndarray]:
    system = GapBalls()
    lifted = [
        system.lift(np.asarray(x), np.asarray(x).dtype) if is_floating(var) else x
        for x, var in zip(inputs, program.jaxpr.jaxpr.invars, strict=True)
    ]
    return [_array(system, x) for x in walk(program, system, lifted)]


def _array(system: GapBalls, x: Number) -> np.ndarray:
    if isinstance(x, Open):
        raise UndecidableError("a side returns a comparison that is not decided")
    return x.array if isinstance(x, Numbers) else system.lift(np.asarray(x), np.asarray(x).dtype).array


def _kind(x: Number) -> str:
    """What may be said of a number: that it is one, that it is none, or nothing."""
    if isinstance(x, _NoNumber):
        return "none"
    if x.is_finite():
        return "number"
    return "none" if abs(x) == arb.pos_inf() else "open"


def _text(x: Number) -> str:
    if isinstance(x, _NoNumber):
        return repr(x)
    if _kind(x) == "none":
        return "inf" if x > 0 else "-inf"
    return x.str(12)


def _digits(x: np.ndarray) -> Any:
    return np.vectorize(_text, otypes=[object])(x).tolist() if x.size else []
