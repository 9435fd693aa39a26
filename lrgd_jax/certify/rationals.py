"""Rational numbers: a program evaluated exactly at one point, order and branches included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flint import fmpq

from lrgd_jax.certify.algebra import Algebra
from lrgd_jax.certify.jaxpr import Rule

__all__ = ["Rationals"]


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

    def constant(self, value: int | float) -> fmpq:
        """The number itself.

        Raises:
            ValueError: it is infinite or NaN, which no rational number is.
        """
        if isinstance(value, bool | int):
            return fmpq(int(value))
        try:
            return fmpq(*value.as_integer_ratio())
        except (OverflowError, ValueError):
            raise ValueError(f"{value} is no rational number, so the program cannot be evaluated exactly") from None

    def larger(self, x: fmpq, y: fmpq) -> fmpq:
        """The maximum."""
        return x if x >= y else y

    def order(self, x: fmpq, y: fmpq) -> int:
        """Always decided."""
        return int(x > y) - int(x < y)
