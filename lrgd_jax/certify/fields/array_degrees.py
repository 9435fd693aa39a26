"""Degrees of a program on whole arrays: one bound for all entries of each, so that large shapes cost as small ones do.

What an array is divided by is put over the product of all its entries, one denominator with one name, so sums over
entries never multiply denominators.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrgd_jax.certify.fields.array_algebra import ArrayAlgebra
from lrgd_jax.certify.fields.array_bounds import Bound, below_bits, power, repeated
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.whole_arrays import MASKED, NUMBER

__all__ = ["ArrayDegrees"]


class ArrayDegrees(ArrayAlgebra[Bound]):
    """The number system of bounds for whole arrays.

    Attributes:
        argument: the largest degree of an argument of a free symbol or of an exponential.
        digits: the largest number of binary digits in one.
        keys: how many arguments of symbols must be told from each other.
        excluded: the sum of the degrees of all divisors: where one is zero, the program has no value.
        depth: of the deepest exponential.
        compared: how many numbers maxima, minima, magnitudes and signs were asked of.
        names: of all symbols.
        distinct: how many numbers a size stands for, at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.argument = 0.0
        self.digits = 0.0
        self.keys = 0.0
        self.excluded = 0.0
        self.depth = 0
        self.compared = 0
        self.names: set[str] = set()
        self.distinct: dict[Size, float] = {}
        self._inverses: dict[Size, Size] = {}

    def variables(self, shape: Sequence[int]) -> Bound:
        """Independent variables."""
        return Bound(Size(degree=1.0), shape, self)

    def moved(self, function: Callable[..., Any], *elements: Bound) -> Bound:
        """A cover of all of them."""
        kinds = np.asarray(function(np, *(x.all_kinds for x in elements)))
        sizes = list(dict.fromkeys(x.size for x in elements))
        distinct, depth = sum(x.distinct for x in elements), max(x.depth for x in elements)
        size = functools.reduce(operator.add, sizes)
        return Bound(size, kinds.shape, self, distinct=distinct, depth=depth, kinds=kinds)

    def fraction(self, numerator: int, denominator: int) -> Bound:
        """A constant."""
        bits = math.log2(abs(numerator)) if numerator else -math.inf
        return Bound(Size(bits=bits, shift=math.log2(denominator)), (), self)

    def whole_numbers(self, values: np.ndarray) -> Bound:
        """Constants."""
        most = max(int(values.max(initial=0)), -int(values.min(initial=0)))
        return self._constants(Size(bits=math.log2(most) if most else -math.inf), values)

    def dyadic(self, values: np.ndarray) -> Bound:
        """Constants over the largest power of two that one of them needs."""
        some = values[values != 0]
        if not some.size:
            return self._constants(Size(bits=-math.inf), values)
        fractions, exponents = np.frexp(some)
        whole = (fractions * 2.0**53).astype(np.int64)
        lowest = exponents - 53 + np.log2((whole & -whole).astype(np.float64))
        shift = max(0.0, -float(lowest.min()))
        return self._constants(Size(bits=float(exponents.max()) + shift, shift=shift), values)

    def _constants(self, size: Size, values: np.ndarray) -> Bound:
        return Bound(size, values.shape, self, distinct=np.unique(values).size)

    def contract(self, x: Bound, y: Bound, shape: Sequence[int], to_matrices: Sequence[Callable[..., Any]]) -> Bound:
        """A sum of products."""
        terms = to_matrices[0](np, x.all_kinds).shape[-1]
        return self._whole(repeated(x.size * y.size, terms), shape, x, y)

    def _whole(self, size: Size, shape: Sequence[int], *operands: Bound) -> Bound:
        return Bound(size, shape, self, depth=max(x.depth for x in operands))

    def total(self, x: Bound, axes: tuple[int, ...]) -> Bound:
        """A sum of so many."""
        kept = tuple(n for k, n in enumerate(x.shape) if k not in axes)
        return self._whole(repeated(x.size, math.prod(x.shape[k] for k in axes)), kept, x)

    def accumulated(self, x: Bound, axis: int, *, products: bool) -> Bound:
        """The last one bounds all."""
        count = x.shape[axis]
        size = x.size + power(x.size, count) if products else repeated(x.size, count)
        return self._whole(size, x.shape, x)

    def scattered(self, x: Bound, places: np.ndarray, updates: Bound) -> Bound:
        """As many sums as one place gets."""
        most = int(np.bincount(places.ravel(), minlength=1).max(initial=1))
        return self._whole(x.size + repeated(updates.size, most), x.shape, x, updates)

    def power_of_e(self, x: Bound) -> Bound:
        """A variable."""
        self._met(x)
        self.depth = max(self.depth, x.depth + 1)
        return Bound(Size(degree=1.0), x.shape, self, distinct=x.distinct, depth=x.depth + 1)

    def of_rows(self, name: str, rows: Bound, results: int) -> Bound:
        """Variables."""
        self.keys += rows.shape[0]
        self._met(rows)
        self.names.add(name)
        self.compared += rows.shape[0] * (name in ("abs", "sign"))
        return self._whole(Size(degree=1.0), (rows.shape[0], results), rows)

    def extremes(self, name: str, rows: Bound) -> Bound:
        """Variables, or a number that is compared with nothing."""
        seen = rows.all_kinds != MASKED
        hidden = ~seen.any(axis=1) if name == "max" else ~seen.all(axis=1)
        self.keys += math.prod(rows.shape) + rows.shape[0]
        self.compared += math.prod(rows.shape)
        self._met(rows)
        kinds = np.where(hidden, MASKED, NUMBER).astype(np.int8)
        return self._whole(rows.size + Size(degree=1.0), (rows.shape[0],), rows).of_kinds(kinds)

    def _met(self, x: Bound) -> None:
        self.argument = max(self.argument, x.size.reach)
        self.digits = max(self.digits, x.size.digits)

    def one_over(self, x: Bound) -> Size:
        """One over each entry, with one denominator for all of them.

        Raises:
            ZeroDivisionError: it is the constant zero.
        """
        if x.size.bits == -math.inf:
            raise ZeroDivisionError("the program divides by a constant that is zero")
        if x.size not in self._inverses:
            one = replace(Size(degree=x.size.degree, bits=x.size.bits))
            self._inverses[x.size] = self._over(one, x.distinct, Size(degree=x.size.below, bits=below_bits(x.size)))
        return self._inverses[x.size]

    def _over(self, one: Size, count: float, above: Size) -> Size:
        """A numerator over one of `count` divisors, put over their product."""
        everything = Size(degree=count * one.degree, bits=count * max(one.bits, 0.0))
        self.excluded += everything.degree
        others = max(count - 1, 0)
        size = Size(degree=others * one.degree, bits=others * max(one.bits, 0.0), divisors={everything: 1})
        return size * above

    def solved(self, a: Bound, b: Bound, *, lower: bool, unit: bool) -> Bound:
        """Quotients of determinants, by Cramer's rule, over the product of all of theirs."""
        n = a.shape[-1]
        entry, over = Size(degree=a.size.degree, bits=a.size.bits), Size(degree=a.size.below, bits=below_bits(a.size))
        if entry.bits == -math.inf:
            entry = Size()
        minor = repeated(power(entry + over, n - 1), math.factorial(n))
        solution = minor * over * b.size
        if not unit or a.size.below or a.size.shift:
            determinants = math.prod(a.shape[:-2])
            solution = solution * self._over(repeated(power(entry + over, n), math.factorial(n)), determinants, Size())
        return self._whole(solution, b.shape, a, b)

    def factorised(self, x: Bound) -> list[Any]:
        """Quotients of minors, over the product of all leading ones (Gantmacher 1959, chapter II)."""
        self.pivots_open = True
        (rows, columns), batch = x.shape[-2:], x.shape[:-2]
        steps, matrices = min(rows, columns), math.prod(batch)
        entry = Size(degree=x.size.degree, bits=x.size.bits) + Size(degree=x.size.below, bits=below_bits(x.size))
        largest = repeated(power(entry, steps), math.factorial(steps))
        size = largest * self._over(largest, matrices * steps, Size(degree=x.size.below, bits=below_bits(x.size)))
        pivots, order = (np.broadcast_to(np.arange(k, dtype=np.int32), (*batch, k)) for k in (steps, rows))
        return [self._whole(size, x.shape, x), pivots, order]
