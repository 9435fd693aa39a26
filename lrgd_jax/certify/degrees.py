r"""Degrees read off a traced program: how seldom a wrong identity agrees at a random point of GF(p).

Every entry is bounded as a fraction: a numerator with integer coefficients, over a power of two and the numerators that
were divided by, each named so that fractions over one denominator add up over it. Known of a numerator are its degree,
the binary digits of the sum of its coefficients' magnitudes, and, where exponentials occur, how many and of what degree
their exponents are. Nothing is cancelled, so the bounds are coarse where a program divides often, and always sound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jax.extend import core

from lrgd_jax.certify.algebra import RING, Numbers, as_objects
from lrgd_jax.certify.jaxpr import Rule
from lrgd_jax.certify.symbolic import Symbolic

__all__ = ["Degrees", "Size"]


@dataclass(frozen=True, eq=False)
class Size:
    """Bounds on a fraction of two polynomials, or of two sums of exponentials with such coefficients.

    Attributes:
        degree: of the numerator.
        bits: log2 of the sum of the magnitudes of the numerator's integer coefficients; -inf for zero.
        terms: exponentials in the numerator.
        shift: the denominator's power of two.
        divisors: what else is in the denominator, as numerators, and their powers.
        exponent: degree of numerator and denominator of an exponent.
        divided: whether an exponent has a denominator.
    """

    degree: float = 0
    bits: float = 0
    terms: float = 1
    shift: float = 0
    divisors: Mapping[Size, int] = field(default_factory=dict)
    exponent: float = 0
    divided: bool = False

    def __add__(self, other: Size) -> Size:
        if not isinstance(other, Size):
            return NotImplemented
        if self.bits == -math.inf or other.bits == -math.inf:
            return other if self.bits == -math.inf else self
        shift = max(self.shift, other.shift)
        common = {
            y: max(self.divisors.get(y, 0), other.divisors.get(y, 0)) for y in {**self.divisors, **other.divisors}
        }
        a, b = self._over(common, shift), other._over(common, shift)
        return Size(
            max(a.degree, b.degree), _log_add(a.bits, b.bits), a.terms + b.terms, shift, common, *self._exponents(other)
        )

    def __sub__(self, other: Size) -> Size:
        return self + other

    def __neg__(self) -> Size:
        return self

    def __mul__(self, other: Size) -> Size:
        if not isinstance(other, Size):
            return NotImplemented
        divisors = {y: self.divisors.get(y, 0) + other.divisors.get(y, 0) for y in {**self.divisors, **other.divisors}}
        return Size(
            self.degree + other.degree,
            self.bits + other.bits,
            self.terms * other.terms,
            self.shift + other.shift,
            divisors,
            *self._exponents(other),
        )

    def __truediv__(self, other: Size) -> Size:
        return self * other.inverse() if isinstance(other, Size) else NotImplemented

    def inverse(self) -> Size:
        """One over it.

        Raises:
            ZeroDivisionError: it is the constant zero.
        """
        if self.bits == -math.inf:
            raise ZeroDivisionError("the program divides by a constant that is zero")
        above = Size(bits=self.shift, exponent=self.exponent, divided=self.divided)._over(self.divisors, 0)
        if self.degree == 0 and self.exponent == 0 and not self.divisors and self.bits == int(self.bits):
            return replace(above, shift=self.bits)  # a power of two
        return replace(above, divisors={self: 1})

    @property
    def below(self) -> float:
        """The degree of the denominator."""
        return sum(power * y.degree for y, power in self.divisors.items())

    @property
    def reach(self) -> float:
        """The larger of both degrees, with one more for a symbol that stands for an exponential."""
        return max(self.degree, self.below) + (self.exponent > 0)

    @property
    def digits(self) -> float:
        """Binary digits of all coefficients."""
        return max(self.bits, 0.0) + self.shift + sum(power * max(y.bits, 0.0) for y, power in self.divisors.items())

    def _over(self, common: Mapping[Size, int], shift: float) -> Size:
        """The numerator over another denominator, a multiple of this one."""
        missing = [(y, power - self.divisors.get(y, 0)) for y, power in common.items()]
        return replace(
            self,
            degree=self.degree + sum(power * y.degree for y, power in missing),
            bits=self.bits + shift - self.shift + sum(power * y.bits for y, power in missing),
            terms=self.terms * math.prod(y.terms**power for y, power in missing),
        )

    def _exponents(self, other: Size) -> tuple[float, bool]:
        divided = self.divided or other.divided
        both = self.exponent + other.exponent if divided else max(self.exponent, other.exponent)
        return both, divided


def _log_add(x: float, y: float) -> float:
    return max(x, y) + math.log2(1 + 2.0 ** -min(abs(x - y), 1000))


class Degrees(Symbolic):
    """The number system of sizes.

    Attributes:
        argument: the largest degree of an argument of a free symbol or of an exponential.
        digits: the largest number of binary digits in one.
        excluded: the sum of the degrees of all divisors: where one is zero, the program has no value.
    """

    rules: Mapping[str, Rule] = {}

    def __init__(self) -> None:
        super().__init__()
        self.argument = 0.0
        self.digits = 0.0
        self.excluded = 0.0
        self.rules = {**self.rules, "div": self._div}

    def variables(self, shape: Sequence[int]) -> Numbers:
        """Independent variables."""
        return Numbers(as_objects([Size(degree=1)] * math.prod(shape), tuple(shape)))

    def fraction(self, numerator: int, denominator: int) -> Size:
        """A constant."""
        bits = math.log2(abs(numerator)) if numerator else -math.inf
        return Size(bits=bits, shift=math.log2(denominator))

    def exponential(self, x: Size) -> Size:
        """One exponential."""
        self._met(x)
        return Size(exponent=x.reach, divided=bool(x.divisors))

    def symbol(self, name: str, *arguments: Any) -> Size:
        """A variable."""
        for x in arguments:
            self._met(x)
        return Size(degree=1)

    def extreme(self, name: str, x: Size, y: Size) -> Size:
        """A variable."""
        self.calls += 1
        return self.symbol(name, x, y)

    def _met(self, x: Size) -> None:
        self.argument = max(self.argument, x.reach)
        self.digits = max(self.digits, x.digits)

    def _div(self, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Numbers:
        self.excluded += sum(size.degree for size in y.array.ravel() if isinstance(size, Size))
        return RING["div"](self, eqn, x, y)
