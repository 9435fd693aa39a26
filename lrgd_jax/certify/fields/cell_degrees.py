"""Degrees of a program in one cell of its arguments, where the assumed signs decide its comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import fmpq
from jax.extend import core

from lrgd_jax.certify.exact.algebra import Numbers, elementwise
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.cell_order import Assumptions, CellOrder
from lrgd_jax.certify.fields.degrees import Degrees
from lrgd_jax.certify.fields.half_spaces import CONSTANT, on_planes
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.symbolic import place

__all__ = ["CellDegrees"]


class CellDegrees(CellOrder, Degrees):
    """Degrees in a cell: the comparisons fall as they fell in the field."""

    def __init__(self, signs: Sequence[int], assumptions: Assumptions) -> None:
        super().__init__()
        self.functions = self.decided(self.functions)
        self.rules = {**self.rules, **self.decisions()}
        self._signs = iter(signs)
        planes = [atom for atom, sign in assumptions.items() if sign == 0 and not isinstance(atom, int)]
        self._solved = on_planes(planes)
        self._independent: dict[int, Size] = {}

    def variables(self, shape: Sequence[int]) -> Numbers:
        """Independent variables, as far as the planes leave them independent."""
        return self.numbered(shape)

    def _variable(self, k: int) -> Size:
        form = self._solved.get(k)
        if form is None:
            return self._independent.setdefault(k, Size(degree=1.0))
        terms = [
            self._constant(c) if variable == CONSTANT else self._constant(c) * self._variable(variable)
            for variable, c in form
        ]
        return sum(terms[1:], terms[0]) if terms else self.fraction(0, 1)

    def _div(self, eqn: core.JaxprEqn, x: Numbers, y: Numbers) -> Numbers:
        return super()._div(eqn, x, self._where_defined(y))

    def _integer_pow(self, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        return super()._integer_pow(eqn, self._where_defined(x) if eqn.params["y"] < 0 else x)

    def _where_defined(self, divisors: Numbers) -> Numbers:
        """What is divided by zero has no value in the field either, so its size does not matter."""
        one = self.fraction(1, 1)
        return elementwise(lambda x: one if isinstance(x, Size) and x.bits == -math.inf else x, divisors)

    def _constant(self, x: fmpq) -> Size:
        return self.fraction(int(x.p), 1) / self.fraction(int(x.q), 1)

    def order(self, x: Number, y: Number) -> int:
        """As it fell."""
        if place(x) or place(y):
            return super().order(x, y)
        # numbers that are compared are told from each other as arguments of symbols are
        self.keys += 1
        self._met(x - y)
        return next(self._signs)
