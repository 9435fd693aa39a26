r"""Degrees read off a traced program: how seldom a wrong identity agrees at a random point of GF(p).

Every entry is bounded as a fraction: a numerator with integer coefficients, over a power of two and the numerators that
were divided by, each named so that fractions over one denominator add up over it. Known of a numerator are its degree,
the binary digits of the sum of its coefficients' magnitudes, and, where exponentials occur, how many and of what degree
their exponents are. Nothing is cancelled, so the bounds are coarse where a program divides often, and always sound.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.algebra import RING, Numbers, as_objects
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.symbolic import Symbolic
from lrgd_jax.certify.walking.system import Rule

__all__ = ["Degrees"]


class Degrees(Symbolic):
    """The number system of sizes.

    Attributes:
        argument: the largest degree of an argument of a free symbol or of an exponential.
        digits: the largest number of binary digits in one.
        exponent: the largest degree of an exponent that occurs within such an argument.
        width: the largest number of binary digits in one.
        keys: how many arguments must be told from each other.
        excluded: the sum of the degrees of all divisors: where one is zero, the program has no value.
    """

    rules: Mapping[str, Rule] = {}

    def __init__(self) -> None:
        super().__init__()
        self.argument = 0.0
        self.digits = 0.0
        self.exponent = 0.0
        self.width = 0.0
        self.keys = 0
        self.excluded = 0.0
        self._magnitudes: dict[Size, Size] = {}
        self.rules = {
            **self.rules,
            "div": self._div,
            "integer_pow": self._integer_pow,
            "pow": self._pow,
            "lu": self._lu,
            "triangular_solve": self._triangular_solve,
        }

    def variables(self, shape: Sequence[int]) -> Numbers:
        """Independent variables."""
        return Numbers(as_objects([Size(degree=1.0)] * math.prod(shape), tuple(shape)))

    def fraction(self, numerator: int, denominator: int) -> Size:
        """A constant."""
        bits = math.log2(abs(numerator)) if numerator else -math.inf
        return Size(bits=bits, shift=math.log2(denominator))

    def exponential(self, x: Size) -> Size:
        """One exponential."""
        self.keys += 1
        self._met(x)
        divided = x.parts > 1 or any(y.degree or y.exponent for y in x.divisors)
        return Size(exponent=max(x.reach, 1.0), divided=divided, width=x.digits)

    def symbol(self, name: str, *arguments: Number) -> Size:
        """A variable."""
        self.keys += 1
        for x in arguments:
            self._met(x)
        return Size(degree=1.0)

    def logarithm(self, x: Size) -> Size:
        """A variable; of a sum of exponentials the mean of its exponents, and variables for three factors."""
        if not x.exponent:
            return self.symbol("log", x)
        fractions = x.terms if x.divided else 1.0
        # exponents are counted from their mean, over a denominator of all of theirs and of their number
        width = (x.width + math.log2(x.terms) + 1) * (fractions + 1)
        below = Size(degree=x.exponent * fractions if x.divided else 0.0, bits=width)
        mean = Size(degree=x.exponent * fractions, bits=width, shift=x.width, divisors={below: 1})
        # and coefficients in units of one of them
        rest = replace(
            x,
            degree=2 * (x.degree + x.below),
            bits=2 * x.digits,
            exponent=x.exponent * (fractions + 1),
            width=width,
        )
        variables = [self.symbol("log", rest) for _ in range(3)]
        return mean + variables[0] + variables[1] + variables[2]

    def remember_abs(self, magnitude: Size, x: Size) -> None:
        """By the name of the variable."""
        self._magnitudes[magnitude] = x

    def under_abs(self, x: Size) -> Size:
        """The number whose magnitude x is."""
        return self._magnitudes.get(x, x)

    def extreme(self, name: str, x: Size, y: Size) -> Size:
        """A variable; as a member of a larger set it is told from the other numbers, and so are both of these."""
        self.calls += 1
        self.keys += 2
        self.argument = max(self.argument, 1.0)
        return self.symbol(name, x, y)

    def _met(self, x: Size) -> None:
        self.argument = max(self.argument, x.reach)
        self.digits = max(self.digits, x.digits)
        if x.exponent:
            # exponents are symbols here, and a denominator may be zero for them
            self.excluded += x.reach
            self.exponent = max(self.exponent, x.exponent)
            self.width = max(self.width, x.width)

    def _exclude(self, divisors: Numbers) -> None:
        sizes = [size for size in divisors.array.ravel() if isinstance(size, Size)]
        self.excluded += sum(size.own + 2 * size.exponent * size.terms for size in sizes)

    def _div(self, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Numbers:
        self._exclude(y)
        return RING["div"](self, eqn, x, y)

    def _integer_pow(self, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        if eqn.params["y"] < 0:
            self._exclude(x)
        return RING["integer_pow"](self, eqn, x)

    def _pow(self, eqn: core.JaxprEqn, x: Numbers, y: Numbers | np.ndarray) -> Numbers:
        if not isinstance(y, Numbers) and (y < 0).any():
            self._exclude(x)
        return RING["pow"](self, eqn, x, y)

    def _lu(self, eqn: core.JaxprEqn, x: Numbers) -> list[Number]:
        """Every entry is a quotient of two minors, whatever the pivots (Gantmacher 1959, chapter II)."""
        self.pivots_open = True
        rows, columns = x.array.shape[-2:]
        found = [self._factors(one) for one in x.array.reshape(-1, rows, columns)]
        factors = np.array(found, object).reshape(x.array.shape)
        pivots, order = (
            np.broadcast_to(np.arange(n, dtype=np.int32), (*x.array.shape[:-2], n)) for n in (min(rows, columns), rows)
        )
        return [Numbers(factors), pivots, order]

    def _factors(self, matrix: np.ndarray) -> np.ndarray:
        rows, columns = matrix.shape
        minors = _minors(_cover(list(matrix.ravel())), min(rows, columns))
        self._exclude(Numbers(as_objects(minors[1:], (len(minors) - 1,))))
        factors = np.empty(matrix.shape, object)
        for i, j in np.ndindex(matrix.shape):
            k = min(i, j)
            # each entry is a polynomial of its own, and so has a name of its own
            factors[i, j] = replace(minors[k + 1] / minors[k if i <= j else k + 1])
        return factors

    def _triangular_solve(self, eqn: core.JaxprEqn, a: Numbers, b: Numbers) -> Numbers:
        if not eqn.params["unit_diagonal"]:
            self._exclude(Numbers(np.diagonal(a.array, axis1=-2, axis2=-1)))
        axis = -2 if eqn.params["left_side"] else -1
        if not self.pivots_open:
            return RING["triangular_solve"](self, eqn, a, b)
        # a permutation that is not known may have put any entry in any place, and may do so to the solution
        return _covered(RING["triangular_solve"](self, eqn, a, _covered(b, axis)), axis)


def _cover(sizes: Sequence[Size]) -> Size:
    """What bounds each of them."""
    return functools.reduce(lambda x, y: x + y, sizes)


def _covered(x: Numbers, axis: int) -> Numbers:
    rows = np.moveaxis(x.array, axis, -1)
    if not rows.size:
        return x
    flat = rows.reshape(-1, rows.shape[-1])
    covers = [[replace(_cover(list(row))) for _ in row] for row in flat]
    return Numbers(np.moveaxis(np.array(covers, object).reshape(rows.shape), -1, axis))


def _minors(entry: Size, most: int) -> list[Size]:
    """Determinants of 0, 1, ... rows: k! products of k entries."""
    power, found = Size(), [Size()]
    for k in range(1, most + 1):
        power = power * entry
        found.append(_repeated(power, math.factorial(k)))
    return found


def _repeated(x: Size, count: int) -> Size:
    """A sum of so many of that size."""
    if count == 1:
        return replace(x)
    half = _repeated(x, count // 2)
    return half + half + x if count % 2 else half + half
