r"""What has no meaning in a field becomes a free symbol: for the prime fields, and for the degrees read off for them.

For sin x, max(x, y) or a free feature map the result is one independent variable for each argument. An identity that
holds with free symbols holds for every function in their place. Only exp keeps a law, $e^{x+y} = e^x e^y$
(`exponentials`). A comparison has no such reading, so order is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.algebra import RING, Algebra, Numbers, as_objects, elementwise
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.tracing.free_functions import FREE, core_ranks
from lrgd_jax.certify.walking.data_movement import shape_of
from lrgd_jax.certify.walking.discrete import COMPARISONS
from lrgd_jax.certify.walking.system import Rule, is_floating

__all__ = ["MASK", "Mask", "OrderError", "Symbolic", "inside", "place"]

MASK = float(np.finfo(np.float32).max) / 2
"""Literals of at least this magnitude are what code writes for an infinite logit; they are taken for infinite."""


class OrderError(NotImplementedError):
    """The program compares numbers, or needs a number that a field does not have."""


class _Outside:
    """A number outside of every field."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def _refuse(self, *_: Number) -> Number:
        raise OrderError(f"the program computes with {self.name}, which has no place in a field")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _refuse


_NAN, _INFINITY = "NaN", "plus infinity"


class Mask(_Outside):
    """Minus infinity, the logit of a key that is not seen: adding to it changes nothing, its exponential is zero."""

    __slots__ = ()

    def __add__(self, other: Number) -> Mask:
        return self if not isinstance(other, _Outside) or isinstance(other, Mask) else self._refuse()

    __radd__ = __add__

    def __sub__(self, other: Number) -> Mask:
        return self if not isinstance(other, _Outside) else self._refuse()


_MASKED = Mask("minus infinity")

_FUNCTIONS = (
    *("exp2", "log2", "sqrt", "rsqrt", "cbrt", "floor", "ceil"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh"),
    *("logistic", "erf", "erfc", "erf_inv", "lgamma", "digamma"),
)


class Symbolic(Algebra):
    """An algebra with free symbols.

    Attributes:
        calls: how often a free symbol or an exponential was asked for.
        masked: whether a finite literal was taken for minus infinity.
    """

    rules: Mapping[str, Rule] = {}
    partial: Mapping[str, str] = {
        **dict.fromkeys((*COMPARISONS, "sort", "argmax", "argmin", "top_k"), "case by case"),
        **dict.fromkeys(
            (
                *("sign", "abs", "max", "min", "clamp", "reduce_max", "reduce_min", "cummax", "cummin"),
                *("reduce_window_max", "reduce_window_min", "scatter-max", "scatter-min"),
            ),
            "free symbol, or case by case",
        ),
        **dict.fromkeys((*_FUNCTIONS, "round", "rem", "atan2"), "free symbol"),
        **dict.fromkeys(("cholesky", "qr"), ""),
        **dict.fromkeys(("log", "log1p"), "free symbol; of sums of exponentials by its law"),
        "exp": "by its law",
        "expm1": "by its law",
        "pow": "whole exponents; others a free symbol",
        "convert_element_type": "not to integers",
        "fft": "lengths 1, 2, 4",
    }

    def __init__(self) -> None:
        self.calls = 0
        self.masked = False
        self._frees: list[Callable[..., Any]] = []
        self.functions = {name: self._function(name) for name in _FUNCTIONS} | {
            "exp": self._exp,
            "expm1": lambda x: self._exp(x) - self.fraction(1, 1),
            "log": self._log,
            "log1p": lambda x: self._log(inside(x) + self.fraction(1, 1)),
            "abs": self._abs,
            "sign": self._sign_symbol,
        }
        self.rules = {
            FREE: self._free,
            "round": self._round,
            "convert_element_type": self._convert,
            **{name: self._of_two(name) for name in ("atan2", "rem")},
            **dict.fromkeys(("cholesky", "qr"), self._rooted),
        }

    def fraction(self, numerator: int, denominator: int) -> Number:
        """A rational constant."""
        raise NotImplementedError

    def exponential(self, x: Number) -> Number:
        """Exp of a number."""
        raise NotImplementedError

    def symbol(self, name: str, *arguments: Number) -> Number:
        """The free symbol of a function at arguments (numbers, or integers that only name something)."""
        raise NotImplementedError

    def extreme(self, name: str, x: Number, y: Number) -> Number:
        """A symbol for the maximum or minimum of two numbers."""
        raise NotImplementedError

    def constant(self, value: int | float) -> Number:
        """A number exactly; one of the size of a mask is minus infinity; plus infinity and NaN must not be used."""
        if isinstance(value, bool | int):
            return self.fraction(int(value), 1)
        if value <= -MASK:
            self.masked = self.masked or math.isfinite(value)
            return _MASKED
        if not value < MASK:
            return _Outside(_NAN if math.isnan(value) else _INFINITY)
        return self.fraction(*value.as_integer_ratio())

    def larger(self, x: Number, y: Number) -> Number:
        """A free symbol that is symmetric and associative, as the maximum is."""
        if isinstance(x, Mask) or isinstance(y, Mask):
            return y if isinstance(x, Mask) else x
        return self.extreme("max", x, y)

    def smaller(self, x: Number, y: Number) -> Number:
        """Likewise for the minimum."""
        if isinstance(x, Mask) or isinstance(y, Mask):
            return _MASKED
        return self.extreme("min", x, y)

    def order(self, x: Number, y: Number) -> int:
        """Only a mask can be told from a number.

        Raises:
            OrderError: both are numbers of the field, which has no order.
        """
        places = place(x), place(y)
        if any(places):
            return int(places[0] > places[1]) - int(places[0] < places[1])
        raise OrderError(
            "the program compares numbers, and a prime field has no order; balls decide comparisons, and a free "
            "feature map may take the place of one that compares"
        )

    def is_number(self, x: Number) -> bool | None:
        """Every element of a field is one, and so is a mask."""
        return not isinstance(x, _Outside) or x.name != _NAN

    def is_finite(self, x: Number) -> bool | None:
        """Every element of a field is; a mask is not."""
        return not isinstance(x, _Outside)

    def floor(self, x: Number) -> int:
        """Not in a field.

        Raises:
            OrderError: always.
        """
        raise OrderError("a prime field does not cut numbers to integers; balls and rationals do, where it is decided")

    def turn(self, k: int, n: int) -> tuple[Number, Number]:
        """Of quarters of a turn only.

        Raises:
            OrderError: for others.
        """
        if 4 * k % n:
            raise OrderError(
                f"a random prime field has no cosine of 1/{n} of a turn in general; balls enclose the transform"
            )
        corner = 4 * k // n % 4
        return self.constant((1, 0, -1, 0)[corner]), self.constant((0, 1, 0, -1)[corner])

    def power(self, x: Number, exponent: Number) -> Number:
        """A free symbol of both."""
        return self._asked("pow", x, exponent)

    def logarithm(self, x: Number) -> Number:
        """Log of a number, or of its magnitude: the two are one where both have a value."""
        raise NotImplementedError

    def _function(self, name: str) -> Callable[[Number], Number]:
        return lambda x: self._asked(name, x)

    def _exp(self, x: Number) -> Number:
        if isinstance(x, Mask):
            return self.fraction(0, 1)
        self.calls += 1
        return self.exponential(inside(x))

    def _log(self, x: Number) -> Number:
        self.calls += 1
        return self.logarithm(self.under_abs(inside(x)))

    def _abs(self, x: Number) -> Number:
        """A free symbol, of which a logarithm still knows the argument."""
        magnitude = self._asked("abs", x)
        self.remember_abs(magnitude, x)
        return magnitude

    def remember_abs(self, magnitude: Number, x: Number) -> None:
        """Keeps of which number a symbol is the magnitude."""
        raise NotImplementedError

    def under_abs(self, x: Number) -> Number:
        """The number whose magnitude x is; x itself where it is none."""
        raise NotImplementedError

    def _sign_symbol(self, x: Number) -> Number:
        return self.fraction(place(x), 1) if place(x) else self._asked("sign", x)

    def _of_two(self, name: str) -> Rule:
        return lambda eqn, x, y: elementwise(lambda a, b: self._asked(name, a, b), x, y)

    def _round(self, eqn: core.JaxprEqn, x: Numbers) -> Numbers:
        name = f"round {int(eqn.params['rounding_method'])}"
        return elementwise(lambda number: self._asked(name, number), x)

    def _convert(self, eqn: core.JaxprEqn, x: Numbers) -> Number:
        if np.dtype(eqn.params["new_dtype"]).kind in "iu":
            raise OrderError(
                "a prime field does not cut numbers to integers; balls and rationals do, where it is decided"
            )
        return RING["convert_element_type"](self, eqn, x)

    def _rooted(self, eqn: core.JaxprEqn, x: Numbers) -> Number:
        raise OrderError(
            "its square roots are free symbols in a field, of which r r = x is not known; balls enclose it, and "
            "jnp.linalg.solve is decided exactly"
        )

    def _asked(self, name: str, *arguments: Number) -> Number:
        self.calls += 1
        return self.symbol(name, *(inside(x) for x in arguments))

    def _free(self, eqn: core.JaxprEqn, *inputs: Numbers | np.ndarray) -> list[Numbers]:
        """Free functions of rows: equal rows have equal images, everything else is independent."""
        shapes = [shape_of(var) for var in eqn.outvars]
        if not all(is_floating(var) for var in eqn.outvars):
            raise OrderError("a free function that returns integers or booleans has no value in a field")
        # integers are numbers too
        arrays = [(x if isinstance(x, Numbers) else self.lift(x, x.dtype)).array for x in inputs]
        batch = arrays[0].ndim - core_ranks(eqn)[0]
        # entries in one row of another shape are another argument
        name = f"free {self._number_of(eqn.params['function'])} {[x.shape[batch:] for x in arrays]}"
        outputs: list[list[Number]] = [[] for _ in shapes]
        for row in zip(*(_rows(x, batch) for x in arrays), strict=True):
            arguments = [x for part in row for x in part]
            for k, shape in enumerate(shapes):
                size = math.prod(shape[batch:])
                outputs[k] += [self._asked(f"{name} {k} {entry}", *arguments) for entry in range(size)]
        return [Numbers(as_objects(flat, shape)) for flat, shape in zip(outputs, shapes, strict=True)]

    def _number_of(self, function: Callable[..., Any]) -> int:
        """The same function is the same symbol in all programs that this system walks."""
        for number, known in enumerate(self._frees):
            if known is function:
                return number
        self._frees.append(function)
        return len(self._frees) - 1


def place(x: Number) -> int:
    """-1 for a mask, 1 for plus infinity, 0 for a number of the field."""
    if isinstance(x, Mask):
        return -1
    return int(isinstance(x, _Outside) and x.name == _INFINITY)


def inside(x: Number) -> Number:
    """X itself.

    Raises:
        OrderError: it is no number of a field.
    """
    if isinstance(x, _Outside):
        raise OrderError(f"a function of {x.name} has no value in a field")
    return x


def _rows(x: np.ndarray, batch: int) -> list[list[Number]]:
    flat = x.reshape(math.prod(x.shape[:batch]), math.prod(x.shape[batch:]))
    return [list(row) for row in flat]
