"""Degrees of a program in a `SampledField`: how seldom what is not zero is zero at all its points."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

from lrgd_jax.certify.exact.arrays import Number, Numbers
from lrgd_jax.certify.fields.degrees import Degrees
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.sampled_field import CONSTANT_BITS, ByExponentials
from lrgd_jax.certify.fields.symbolic import place

__all__ = ["SampledDegrees"]


class SampledDegrees(ByExponentials, Degrees):
    """Sizes in the inputs, the symbols, and one variable for each exponential; what was decided falls as it fell.

    Attributes:
        logarithms: the largest degree of what a logarithm was taken of.
        logarithm_digits: the largest number of binary digits in one.
    """

    def __init__(self, decisions: Sequence[int | None]) -> None:
        super().__init__()
        self._decisions = iter(decisions)
        self._extremes = 0
        self.logarithms = 0.0
        self.logarithm_digits = 0.0
        self._exponents: list[Size] = []

    def exponential(self, x: Size) -> Size:
        """A variable."""
        self.keys += 1
        self._met(x)
        self._exponents.append(x)
        return Size(degree=1.0)

    def on_circle(self, x: Size) -> Size:
        """A variable."""
        self.keys += 1
        self._met(x)
        return Size(degree=1.0)

    def root_of_minus_one(self) -> Size:
        """A constant, of which the coefficients are made beside integers."""
        return Size()

    def logarithm(self, x: Size) -> Size:
        """A variable, and perhaps an exponent that has occurred."""
        self.keys += 1 + len(self._exponents)
        self._met(x)
        self.logarithms = max(self.logarithms, x.reach)
        self.logarithm_digits = max(self.logarithm_digits, x.digits)
        return functools.reduce(operator.add, self._exponents, Size(degree=1.0))

    def quotient(self, x: Size, y: Size) -> Size:
        """X over y, which is not zero at a point."""
        self._exclude(Numbers(y))
        return x / y

    def extreme(self, name: str, x: Size, y: Size) -> Size:
        """A variable for a set."""
        self._extremes += 1
        return super().extreme(name, x, y)

    def order(self, x: Number, y: Number) -> int:
        """As it fell."""
        if place(x) or place(y):
            return super().order(x, y)
        return self._decided(x - y) or 0

    def known_order(self, x: Number, y: Number) -> int | None:
        """Likewise."""
        return None if place(x) or place(y) else self._decided(x - y)

    def _decided(self, difference: Size) -> int | None:
        # the difference is told from constants, and from what it is where one number is the maximum of the other
        self.keys += 1 + 2 * self._extremes
        self._met(difference + Size(degree=1.0, bits=CONSTANT_BITS))
        return next(self._decisions)

    def remember_abs(self, magnitude: Size, x: Size) -> None:
        """Nothing to remember."""

    def under_abs(self, x: Size) -> Size:
        """The magnitude itself."""
        return x
