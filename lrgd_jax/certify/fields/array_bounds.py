"""Bounds on all entries of an array as one number."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.whole_arrays import Kinds, Whole

if TYPE_CHECKING:
    from lrgd_jax.certify.fields.array_degrees import ArrayDegrees

__all__ = ["Bound", "below_bits", "power", "repeated"]


class Bound(Whole):
    """What bounds every entry of an array.

    Attributes:
        size: in inputs, symbols, and a variable for each exponential. One object stands for one set of numbers, so what
            only moves entries keeps it.
        distinct: how many numbers are in that set, at most.
        depth: of exponentials within exponentials.
    """

    def __init__(
        self,
        size: Size,
        shape: Sequence[int],
        system: ArrayDegrees,
        *,
        distinct: float | None = None,
        depth: int = 0,
        kinds: Kinds | None = None,
    ) -> None:
        super().__init__(shape, kinds)
        self.size = size
        self.system = system
        # what is a new object here has no more different entries than the array has entries
        count = float(math.prod(self.shape))
        self.distinct = system.distinct.setdefault(size, count if distinct is None else min(distinct, count))
        self.depth = depth

    def like(self, size: Size, *others: Bound) -> Bound:
        """Another size, of what was computed from this and others entry by entry."""
        operands = (self, *others)
        shape = np.broadcast_shapes(*(x.shape for x in operands))
        distinct = math.prod(x.distinct for x in operands)
        return Bound(size, shape, self.system, distinct=distinct, depth=max(x.depth for x in operands))

    def plus(self, other: Bound) -> Bound:
        """The sum."""
        return self.like(self.size + other.size, other)

    def times(self, other: Bound) -> Bound:
        """The product."""
        return self.like(self.size * other.size, other)

    def negative(self) -> Bound:
        """As large."""
        return self

    def inverse(self) -> Bound:
        """All other entries over the product of all."""
        return self.like(self.system.one_over(self))

    def powers(self, exponents: np.ndarray) -> Bound:
        """The largest of the powers."""
        most, least = int(exponents.max(initial=0)), int(exponents.min(initial=0))
        sizes = [power(self.size, most)]
        if least < 0:
            sizes.append(power(self.system.one_over(self), -least))
        size = functools.reduce(operator.add, sizes)
        distinct = self.distinct * np.unique(exponents).size
        shape = np.broadcast_shapes(self.shape, exponents.shape)
        return Bound(size, shape, self.system, distinct=distinct, depth=self.depth)

    def of_kinds(self, kinds: Kinds | None) -> Bound:
        """As large."""
        return Bound(self.size, self.shape, self.system, depth=self.depth, kinds=kinds)


def below_bits(x: Size) -> float:
    """Binary digits of the coefficients of the denominator."""
    return x.shift + sum(times * y.own_bits for y, times in x.divisors.items())


def repeated(x: Size, count: int) -> Size:
    """A sum of so many of that size."""
    return x if count <= 1 else replace(x, bits=x.bits + math.log2(count))


def power(x: Size, exponent: int) -> Size:
    """A whole power."""
    result, rest, base = Size(), exponent, x
    while rest:
        result = result * base if rest & 1 else result
        base, rest = base * base, rest >> 1
    return result
