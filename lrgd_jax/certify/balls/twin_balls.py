r"""Twin balls: a thin one (`ball_arithmetic`) beside a wide one that says how large the numbers behind an entry are.

An entry that is zero by cancellation, such as $(a + b) - (b + a)$, has no size of its own, and its neighbours' sizes
say nothing of it. In the wide twin every constant and every input may be off by $2^{-b/2}$ of itself, at $b$ bits. Ball
arithmetic never cancels radii, so the wide radius of a result is $2^{-b/2}$ times the sum of all that went into it,
each weighed by how much the result depends on it: to first order
$2^{-b/2} \sum_i |\partial y / \partial x_i|\,|x_i|$, with every use of $x_i$ counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx
from jax.extend import core

from lrgd_jax.certify.balls.ball_arithmetic import Balls
from lrgd_jax.certify.exact.algebra import Algebra, Numbers, as_objects
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.walking.discrete import UndecidableError
from lrgd_jax.certify.walking.walker import walk

__all__ = ["Twin", "Twins", "sizes"]


def _either(name: str) -> Callable[[Twin, Number], Twin]:
    def operation(self: Twin, other: Number) -> Twin:
        thin, wide = (other.thin, other.wide) if isinstance(other, Twin) else (other, other)
        return Twin(getattr(self.thin, name)(thin), getattr(self.wide, name)(wide))

    return operation


class Twin:
    """Two balls around one number.

    Attributes:
        thin: of the precision.
        wide: if all constants and inputs were off by a little.
    """

    __slots__ = ("thin", "wide")

    def __init__(self, thin: arb, wide: arb) -> None:
        self.thin = thin
        self.wide = wide

    __add__, __radd__ = _either("__add__"), _either("__radd__")
    __sub__, __rsub__ = _either("__sub__"), _either("__rsub__")
    __mul__, __rmul__ = _either("__mul__"), _either("__rmul__")
    __truediv__, __rtruediv__ = _either("__truediv__"), _either("__rtruediv__")

    def __neg__(self) -> Twin:
        return Twin(-self.thin, -self.wide)


class Twins(Algebra):
    """The number system of twins; whatever is decided is decided by the thin ones."""

    def __init__(self) -> None:
        self._balls = Balls()
        self.functions = {name: _of_both(function) for name, function in Balls.functions.items()}

    def constant(self, value: int | float) -> Twin:
        """The constant, and a ball around it."""
        thin = self._balls.constant(value)
        return Twin(thin, thin * arb(1, arb(2) ** (-ctx.prec // 2)))

    def larger(self, x: Twin, y: Twin) -> Twin:
        """The maximum; the wide one of the thin winner, if there is one."""
        return self._chosen(x, y, self.order(x, y), self._balls.larger)

    def smaller(self, x: Twin, y: Twin) -> Twin:
        """The minimum likewise."""
        return self._chosen(x, y, self.order(y, x), self._balls.smaller)

    def order(self, x: Twin, y: Twin) -> int | None:
        """Of the thin ones."""
        return self._balls.order(x.thin, y.thin)

    def is_number(self, x: Twin) -> bool | None:
        """Of the thin one."""
        return self._balls.is_number(x.thin)

    def is_finite(self, x: Twin) -> bool | None:
        """Of the thin one."""
        return self._balls.is_finite(x.thin)

    def floor(self, x: Twin) -> int:
        """Of the thin one."""
        return self._balls.floor(x.thin)

    def pivot(self, column: Sequence[Twin]) -> int | None:
        """Among the thin ones."""
        return self._balls.pivot([x.thin for x in column])

    def turn(self, k: int, n: int) -> tuple[Twin, Twin]:
        """Constants."""
        wide = arb(1, arb(2) ** (-ctx.prec // 2))
        cosine, sine = self._balls.turn(k, n)
        return Twin(cosine, cosine * wide), Twin(sine, sine * wide)

    def power(self, x: Twin, exponent: Twin) -> Twin:
        """Of both."""
        return Twin(self._balls.power(x.thin, exponent.thin), self._balls.power(x.wide, exponent.wide))

    def apply(self, eqn: core.JaxprEqn, inputs: Any) -> list[Number]:
        """The balls' own rules for thin and wide ones; all else by the operations above."""
        if eqn.primitive.name not in Balls.rules:
            return super().apply(eqn, inputs)
        thin = self._balls.apply(eqn, _parts(inputs, "thin"))
        try:
            wide = self._balls.apply(eqn, _parts(inputs, "wide"))
        except (UndecidableError, ArithmeticError):
            # the wide ones decide nothing, so there the number's own size has to do
            wide = thin
        return [
            Numbers(_paired(x.array, y.array)) if isinstance(x, Numbers) and isinstance(y, Numbers) else x
            for x, y in zip(thin, wide, strict=True)
        ]

    @staticmethod
    def _chosen(x: Twin, y: Twin, order: int | None, pick: Callable[[arb, arb], arb]) -> Twin:
        if order:
            return x if order > 0 else y
        return Twin(pick(x.thin, y.thin), pick(x.wide, y.wide))


def sizes(system: Twins, program: Program, inputs: Sequence[Any]) -> list[np.ndarray | None]:
    """The size of what went into each entry of each result of a program, at the surrounding precision.

    Args:
        system: of twins.
        program: what is evaluated.
        inputs: one a leaf of its arguments, in that system.

    Returns:
        One array of balls for each result; None for integers and booleans.
    """
    scale = arb(2) ** (ctx.prec // 2)

    def of(twins: np.ndarray) -> np.ndarray:
        return as_objects([one.wide.rad() * scale for one in twins.ravel()], twins.shape)

    return [of(x.array) if isinstance(x, Numbers) else None for x in walk(program, system, inputs)]


def _of_both(function: Callable[[arb], arb]) -> Callable[[Twin], Twin]:
    def of(x: Twin) -> Twin:
        thin = function(x.thin)
        try:
            return Twin(thin, function(x.wide))
        except UndecidableError:
            return Twin(thin, thin)

    return of


def _parts(inputs: Sequence[Any], part: str) -> list[Number]:
    return [
        Numbers(as_objects([getattr(one, part) for one in x.array.ravel()], x.array.shape))
        if isinstance(x, Numbers)
        else x
        for x in inputs
    ]


def _paired(thin: np.ndarray, wide: np.ndarray) -> np.ndarray:
    return as_objects([Twin(*pair) for pair in zip(thin.ravel(), wide.ravel(), strict=True)], thin.shape)
