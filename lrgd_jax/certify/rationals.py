"""Rational numbers: a program evaluated exactly at one point, order and branches included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flint import fmpq

from lrgd_jax.certify.algebra import Algebra
from lrgd_jax.certify.jaxpr import Rule

__all__ = ["Rationals"]


class _Undefined:
    """What is no rational number; it may be moved and left out, as the fill value of a gather is, and nothing else."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def _refuse(self, *_: Any) -> Any:
        raise ValueError(f"{self.value} is no rational number, so the program cannot be evaluated exactly")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __neg__ = __abs__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = floor = ceil = _refuse
    __hash__ = object.__hash__


class Rationals(Algebra):
    """The field of rational numbers (`flint.fmpq`).

    It knows +, -, *, /, integer powers, absolute values and every comparison; a function such as exp has no rational
    value and raises.
    """

    functions: Mapping[str, Any] = {
        "abs": abs,
        "floor": lambda x: fmpq(x.floor()),
        "ceil": lambda x: fmpq(x.ceil()),
    }
    rules: Mapping[str, Rule] = {}

    def constant(self, value: int | float) -> Any:
        """The number itself; computing with an infinity or NaN raises a ValueError."""
        if isinstance(value, bool | int):
            return fmpq(int(value))
        try:
            return fmpq(*value.as_integer_ratio())
        except (OverflowError, ValueError):
            return _Undefined(value)

    def larger(self, x: fmpq, y: fmpq) -> fmpq:
        """The maximum."""
        return x if x >= y else y

    def order(self, x: fmpq, y: fmpq) -> int:
        """Always decided."""
        return int(x > y) - int(x < y)
