"""Numbers of a cell: what they are at its random point, what they are anywhere, and as affine forms of arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable

from flint import fmpq

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.exponentials import is_zero
from lrgd_jax.certify.fields.half_spaces import CONSTANT, Form, added, scaled

__all__ = ["CellNumber"]


class CellNumber:
    """A number of a cell.

    Attributes:
        value: at the cell's random point, which lies on the planes that are assumed; None where the program divides
            by zero there.
        generic: at a random point anywhere, which tells numbers from each other.
        form: as an affine form of the arguments; None for all other numbers.
    """

    __slots__ = ("form", "generic", "value")

    def __init__(self, value: Number, generic: Number, form: Form | None = None) -> None:
        self.value = value
        self.generic = generic
        self.form = form

    @property
    def constant(self) -> fmpq | None:
        """The rational number that it is everywhere, if it is known to be one."""
        if self.form is None or any(k != CONSTANT for k, _ in self.form):
            return None
        return self.form[0][1] if self.form else fmpq(0)

    def __add__(self, other: Number) -> Number:
        if not isinstance(other, CellNumber):
            return NotImplemented
        form = None if self.form is None or other.form is None else added(self.form, other.form)
        return CellNumber(_both(operator.add, self.value, other.value), self.generic + other.generic, form)

    def __neg__(self) -> CellNumber:
        form = None if self.form is None else scaled(self.form, fmpq(-1))
        return CellNumber(None if self.value is None else -self.value, -self.generic, form)

    def __sub__(self, other: Number) -> Number:
        return self + (-other) if isinstance(other, CellNumber) else NotImplemented

    def __mul__(self, other: Number) -> Number:
        if not isinstance(other, CellNumber):
            return NotImplemented
        form = None
        for one, two in ((self, other), (other, self)):
            if one.form is not None and two.constant is not None:
                form = scaled(one.form, two.constant)
        return CellNumber(_both(operator.mul, self.value, other.value), self.generic * other.generic, form)

    def __truediv__(self, other: Number) -> Number:
        if not isinstance(other, CellNumber):
            return NotImplemented
        divisor = other.constant
        form = scaled(self.form, 1 / divisor) if self.form is not None and divisor else None
        return CellNumber(_quotient(self.value, other.value), self.generic / other.generic, form)


def _both(operation: Callable[[Number, Number], Number], x: Number, y: Number) -> Number:
    return None if x is None or y is None else operation(x, y)


def _quotient(x: Number, y: Number) -> Number:
    """None beside a pole; a `where` may still leave it out, as it leaves out a NaN."""
    return None if x is None or y is None or is_zero(y) else x / y
