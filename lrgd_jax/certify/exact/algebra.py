"""Arrays of exact numbers: what every number system with +, -, * and / shares, whatever its numbers are.

Rationals, prime fields and balls differ in how a constant is lifted, in which functions they know, and in whether they
have an order. Sums, products and contractions are the same for all, written here once with Python's operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number, Numbers, as_objects, elementwise, fold
from lrgd_jax.certify.exact.ring import RING
from lrgd_jax.certify.tracing.source_lines import source_line
from lrgd_jax.certify.walking.system import System, UnknownPrimitiveError

__all__ = ["RING", "Algebra", "Numbers", "as_objects", "elementwise", "fold"]


class Algebra(System[Numbers]):
    """A number system with exact +, -, * and /; subclasses say what a number is and which functions it has."""

    functions: Mapping[str, Callable[[Number], Number]] = {}
    """From the name of an elementwise primitive of one argument to what it does to a number."""

    partial: Mapping[str, str] = {}
    """What this system can say of a primitive that has a rule for every system, where that is less than all."""

    pivots_open: bool = False
    """Whether a pivot was taken that may not be the largest: what no pivot changes is shown, as a solution is."""

    def constant(self, value: int | float) -> Number:
        """A number for a finite Python or NumPy number, exactly; infinities and NaN as the system sees fit."""
        raise NotImplementedError

    def larger(self, x: Number, y: Number) -> Number:
        """The maximum of two numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no order")

    def smaller(self, x: Number, y: Number) -> Number:
        """The minimum of two numbers."""
        return -self.larger(-x, -y)

    def order(self, x: Number, y: Number) -> int | None:
        """-1, 0 or 1 as x is less than, equal to or greater than y; None where that is not decided."""
        raise NotImplementedError(f"{type(self).__name__} has no order")

    def is_number(self, x: Number) -> bool | None:
        """Whether it is not NaN; None where that is not known."""
        return True

    def is_finite(self, x: Number) -> bool | None:
        """Whether it is neither infinite nor NaN; None where that is not known."""
        return True

    def floor(self, x: Number) -> int:
        """The largest integer that is not larger."""
        raise NotImplementedError(f"{type(self).__name__} does not cut numbers to integers")

    def pivot(self, column: Sequence[Number]) -> int | None:
        """Which entry of a column elimination divides by; None where all are zero."""
        raise NotImplementedError(f"{type(self).__name__} chooses no pivots")

    def turn(self, k: int, n: int) -> tuple[Number, Number]:
        """Cosine and sine of the k-th of n equal parts of a turn."""
        raise NotImplementedError(f"{type(self).__name__} has no {n}-th roots of unity")

    def power(self, x: Number, exponent: Number) -> Number:
        """A power whose exponent is a number of the system."""
        raise NotImplementedError(f"{type(self).__name__} has no powers with such exponents")

    def matrix_products(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The products of arrays of numbers [batch, m, k] and [batch, k, n]."""
        return x @ y

    def lift(self, value: np.ndarray, dtype: np.dtype) -> Numbers:
        """The exact constants; no rounding of `dtype` is imitated."""
        plain = np.asarray(value)
        plain = plain.astype(np.float64) if plain.dtype.kind not in "iub" else plain
        known: dict[Any, Any] = {}
        flat = [self._cached(known, x.item()) for x in plain.ravel()]
        return Numbers(as_objects(flat, plain.shape))

    def _cached(self, known: dict[Any, Any], value: Number) -> Number:
        # -0.0 and 0.0 are one number here, NaN is none
        if value not in known:
            known[value] = self.constant(value)
        return known[value]

    def move(self, function: Callable[..., Any], *elements: Numbers) -> Numbers:
        """The entries are moved as they are."""
        return Numbers(function(np, *(x.array for x in elements)))

    def apply(self, eqn: core.JaxprEqn, inputs: Any) -> list[Number]:
        """Functions of one argument, then the rules that all algebras share, then the system's own."""
        name = eqn.primitive.name
        if name in self.functions:
            function = self.functions[name]
            return [elementwise(lambda x: _at(eqn, function, x), inputs[0])]
        if name in RING and name not in self.rules:
            outputs = _at(eqn, RING[name], self, eqn, *inputs)
            return outputs if eqn.primitive.multiple_results else [outputs]
        return super().apply(eqn, inputs)

    def known_primitives(self) -> set[str]:
        """What the error about an unknown primitive lists."""
        return {*self.rules, *self.functions, *RING}


def _at(eqn: core.JaxprEqn, function: Callable[..., Any], *arguments: Number) -> Number:
    """The function's value; what a system does not have is named with its line."""
    try:
        return function(*arguments)
    except UnknownPrimitiveError:
        raise
    except NotImplementedError as fault:
        kind = UnknownPrimitiveError if type(fault) is NotImplementedError else type(fault)
        raise kind(f"'{eqn.primitive.name}' at {source_line(eqn)}: {fault}") from fault
