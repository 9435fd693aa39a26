"""Bounds on a fraction of polynomials: degree, binary digits of coefficients, exponentials, denominators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Size"]


@dataclass(frozen=True, eq=False)
class Size:
    """Bounds on a fraction of two polynomials, or of two sums of exponentials with such coefficients.

    Attributes:
        degree: of the numerator.
        bits: log2 of the sum of the magnitudes of the numerator's integer coefficients; -inf for zero.
        terms: exponentials in the numerator; one where there are none.
        shift: the denominator's power of two.
        divisors: what else is in the denominator, as numerators, and their powers.
        exponent: degree of numerator and denominator of an exponent.
        divided: whether an exponent has a denominator.
        width: binary digits of an exponent.
        parts: fractions of sums of exponentials that `Exponentials` may hold it as.
    """

    degree: float = 0.0
    bits: float = 0.0
    terms: float = 1.0
    shift: float = 0.0
    divisors: Mapping[Size, int] = field(default_factory=dict)
    exponent: float = 0.0
    divided: bool = False
    width: float = 0.0
    parts: float = 1.0

    def __add__(self, other: Size) -> Size:
        if not isinstance(other, Size):
            return NotImplemented
        if self.bits == -math.inf or other.bits == -math.inf:
            return other if self.bits == -math.inf else self
        shift = max(self.shift, other.shift)
        common = self.divisors
        if self.divisors != other.divisors:
            both = {**self.divisors, **other.divisors}
            common = {y: max(self.divisors.get(y, 0), other.divisors.get(y, 0)) for y in both}
        a, b = self._over(common, shift), other._over(common, shift)
        return Size(
            max(a.degree, b.degree),
            _log_add(a.bits, b.bits),
            a.terms + b.terms if self.exponent or other.exponent else 1.0,
            shift,
            common,
            *self._exponents(other, max(self.width, other.width)),
            min(self.parts + other.parts, _most_parts(common)),
        )

    def __sub__(self, other: Size) -> Size:
        return self + other

    def __neg__(self) -> Size:
        return self

    def __mul__(self, other: Size) -> Size:
        if not isinstance(other, Size):
            return NotImplemented
        if -math.inf in (self.bits, other.bits):
            return Size(bits=-math.inf)
        divisors = self.divisors or other.divisors
        if self.divisors and other.divisors:
            both = {**self.divisors, **other.divisors}
            divisors = {y: self.divisors.get(y, 0) + other.divisors.get(y, 0) for y in both}
        return Size(
            self.degree + other.degree,
            self.bits + other.bits,
            self.terms * other.terms,
            self.shift + other.shift,
            divisors,
            *self._exponents(other, self.width + other.width + 1 if self.exponent or other.exponent else 0.0),
            min(self.parts * other.parts, _most_parts(divisors)),
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
        # a denominator in canonical form is shifted by the mean of its exponents
        width = self.terms * (self.width + 1) if self.exponent else 0.0
        above = Size(bits=self.shift, exponent=self.exponent, divided=self.divided, width=width)
        above = replace(above._over(self.divisors, 0), divisors={self: 1})
        # several parts are put over the product of their denominators, which may not be the least common one
        return above if self.parts == 1 else replace(above, degree=self.own, bits=self.own_bits)

    @property
    def below(self) -> float:
        """The degree of the denominator."""
        return sum(power * y.own for y, power in self.divisors.items())

    @property
    def own(self) -> float:
        """The degree of the numerator over the product of the parts' denominators."""
        return self.degree if self.parts == 1 else self.parts * max(self.degree, self.below, 1)

    @property
    def own_bits(self) -> float:
        """The binary digits of that numerator."""
        return self.bits if self.parts == 1 else self.digits

    @property
    def reach(self) -> float:
        """The larger degree of numerator and denominator, each part with a symbol that stands for an exponential."""
        return self.parts * (max(self.degree, self.below) + (self.exponent > 0))

    @property
    def digits(self) -> float:
        """Binary digits of all coefficients."""
        below = sum(power * y.own_bits for y, power in self.divisors.items())
        total = max(self.bits, 0.0) + self.shift + below
        return self.parts * max(total, 1.0) if math.isfinite(total) else math.inf

    def _over(self, common: Mapping[Size, int], shift: float) -> Size:
        """The numerator over another denominator, a multiple of this one."""
        degree, bits, terms = self.degree, self.bits + shift - self.shift, self.terms
        if common is not self.divisors:
            for y, power in common.items():
                missing = power - self.divisors.get(y, 0)
                if missing:
                    degree += missing * y.own
                    bits += missing * y.own_bits
                    terms *= _power(y.terms, missing)
        if degree == self.degree and bits == self.bits and terms == self.terms:
            return self
        return replace(self, degree=degree, bits=bits, terms=terms)

    def _exponents(self, other: Size, width: float) -> tuple[float, bool, float]:
        if self.divided or other.divided:
            return self.exponent + other.exponent, True, self.width + other.width + 1
        return max(self.exponent, other.exponent), False, width


def _most_parts(divisors: Mapping[Size, int]) -> float:
    """One fraction for each product of those divisors that have exponentials."""
    return math.prod(float(power + 1) for y, power in divisors.items() if y.exponent)


def _power(x: float, power: int) -> float:
    return float(x) ** power if power * math.log2(x) <= 1000 else math.inf


def _log_add(x: float, y: float) -> float:
    return max(x, y) + math.log2(1 + 2.0 ** -min(abs(x - y), 1000))
