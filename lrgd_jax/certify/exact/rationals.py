"""Rational numbers: a program evaluated exactly at one point, order and branches included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from flint import fmpq

from lrgd_jax.certify.exact.algebra import Algebra
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.tracing.jax_versions import EXP_NEG_SQ
from lrgd_jax.certify.walking.system import Rule

__all__ = ["Rationals"]


class _Undefined:
    """What is no rational number; it may be moved and left out, as the fill value of a gather is, and nothing else."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def _refuse(self, *_: Number) -> Number:
        raise ValueError(f"{self.value} is no rational number, so the program cannot be evaluated exactly")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __neg__ = __abs__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = floor = _refuse
    __hash__ = object.__hash__


class Rationals(Algebra):
    """The field of rational numbers (`flint.fmpq`).

    It knows +, -, *, /, integer powers, absolute values and every comparison; a function such as exp has no rational
    value and raises.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.certify import trace, walk
        >>> x, system = np.array([1.0, 3.0]), Rationals()
        >>> walk(trace(lambda x: x / 3, x.astype("float32")), system, [system.lift(x, x.dtype)])[0].array.tolist()
        [1/3, 1]
    """

    functions: Mapping[str, Number] = {"abs": abs}
    rules: Mapping[str, Rule] = {}
    partial: Mapping[str, str] = {
        **dict.fromkeys(("cholesky", "qr", EXP_NEG_SQ.name), ""),
        "pow": "whole exponents",
        "fft": "lengths 1, 2, 4",
    }

    def constant(self, value: int | float) -> Number:
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

    def order(self, x: Number, y: Number) -> int:
        """Always decided; every number lies between the infinities."""
        a, b = (k.value if isinstance(k, _Undefined) else 0.0 for k in (x, y))
        if math.isinf(a) or math.isinf(b):
            return int(a > b) - int(a < b)
        return int(x > y) - int(x < y)

    def is_number(self, x: Number) -> bool:
        """Always decided."""
        return not isinstance(x, _Undefined) or not math.isnan(x.value)

    def is_finite(self, x: Number) -> bool:
        """Always decided."""
        return not isinstance(x, _Undefined)

    def floor(self, x: fmpq) -> int:
        """Always decided."""
        return int(x.floor())

    def pivot(self, column: Sequence[fmpq]) -> int | None:
        """The first of the largest magnitude."""
        if not any(column):
            return None
        return max(range(len(column)), key=lambda k: abs(column[k]))

    def turn(self, k: int, n: int) -> tuple[fmpq, fmpq]:
        """Of quarters of a turn only."""
        quarters = fmpq(4 * k, n)
        if quarters.q != 1:
            raise NotImplementedError(
                "cosines and sines of parts of a turn other than quarters are no rational numbers"
            )
        corner = int(quarters.p) % 4
        return fmpq((1, 0, -1, 0)[corner]), fmpq((0, 1, 0, -1)[corner])
