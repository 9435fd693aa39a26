"""Balls: a midpoint and a radius that encloses the real number, at any precision; rigorous, with exp and its like.

Every operation returns a ball that contains the exact result for all points of its operands' balls (Arb: Johansson
2017, arXiv 1611.02831). Subtracting the two sides of an identity gives a ball around their exact difference.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx, fmpq

from lrgd_jax.certify.exact.algebra import Algebra, Numbers, as_objects
from lrgd_jax.certify.walking.discrete import UndecidableError
from lrgd_jax.certify.walking.system import Rule

__all__ = ["BITS", "Balls", "exclusive_precision", "precision"]

precision: Callable[[int], Any] = ctx.workprec
"""A context manager: the number of bits that balls are computed with inside it."""

BITS = 200
"""Precision to begin with."""

LARGE_PRODUCT = 4096
"""So many products of two balls: then building matrices is worth its while."""

# the precision is a setting of the whole library
_LOCK = threading.Lock()


@contextlib.contextmanager
def exclusive_precision(bits: int) -> Iterator[None]:
    """Balls have that many bits inside, and no other thread computes with balls meanwhile."""
    with _LOCK, precision(bits):
        yield


def _cbrt(x: arb) -> arb:
    if x == 0:
        return x
    if x > 0:
        return x.root(3)
    if x < 0:
        return -(-x).root(3)
    raise UndecidableError("a cube root of a ball around zero; choose inputs away from it, or a higher precision")


def _logistic(x: arb) -> arb:
    # of the two forms, the one whose exponential is small; 1 - 1 / (1 + exp(x)) would cancel
    if x.mid() >= 0:
        return 1 / (1 + (-x).exp())
    power = x.exp()
    return power / (1 + power)


class Balls(Algebra):
    """Real balls (`flint.arb`) at the precision of the surrounding `precision(bits)`.

    Examples:
        >>> from lrgd_jax.certify import trace, walk
        >>> x, system = np.array([3.0]), Balls()
        >>> (third,) = walk(trace(lambda x: 1 / x, x.astype("float32")), system, [system.lift(x, x.dtype)])[0].array
        >>> third.contains(fmpq(1, 3)), bool(third.rad() < 1e-12)
        (True, True)

    Source:
        Johansson 2017, arXiv 1611.02831.
    """

    functions: Mapping[str, Callable[[Any], Any]] = {
        "abs": abs,
        "exp": lambda x: x.exp(),
        "exp2": lambda x: (x * arb.const_log2()).exp(),
        "expm1": lambda x: x.expm1(),
        "log": lambda x: x.log(),
        "log2": lambda x: x.log() / arb.const_log2(),
        "log1p": lambda x: x.log1p(),
        "sqrt": lambda x: x.sqrt(),
        "rsqrt": lambda x: x.rsqrt(),
        "cbrt": _cbrt,
        "sin": lambda x: x.sin(),
        "cos": lambda x: x.cos(),
        "tan": lambda x: x.tan(),
        "sinh": lambda x: x.sinh(),
        "cosh": lambda x: x.cosh(),
        "tanh": lambda x: x.tanh(),
        "asin": lambda x: x.asin(),
        "acos": lambda x: x.acos(),
        "atan": lambda x: x.atan(),
        "asinh": lambda x: x.asinh(),
        "acosh": lambda x: x.acosh(),
        "atanh": lambda x: x.atanh(),
        "logistic": _logistic,
        "erf": lambda x: x.erf(),
        "erfc": lambda x: x.erfc(),
        "erf_inv": lambda x: x.erfinv(),
        "lgamma": lambda x: x.lgamma(),
        "digamma": lambda x: x.digamma(),
    }
    rules: Mapping[str, Rule] = {
        "atan2": lambda eqn, x, y: Numbers(np.frompyfunc(arb.atan2, 2, 1)(x.array, y.array)),
    }

    def constant(self, value: int | float) -> arb:
        """The number as a ball of radius zero; an infinity as itself, NaN as the ball that encloses nothing known."""
        if isinstance(value, bool | int):
            return arb(int(value))
        if np.isfinite(value):
            # a quotient of arbs would round at low precision, a float is a dyadic number and exact
            return arb(value)
        return arb.nan() if np.isnan(value) else arb.pos_inf() if value > 0 else arb.neg_inf()

    def matrix_products(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Large ones by products of whole matrices of Arb (Johansson 2019), which know finite balls only."""
        (m, k), n = x.shape[1:], y.shape[2]
        if m * k * n < LARGE_PRODUCT or not all(ball.is_finite() for part in (x, y) for ball in part.ravel()):
            return super().matrix_products(x, y)
        pairs = (
            (arb_mat(m, k, a.ravel().tolist()), arb_mat(k, n, b.ravel().tolist())) for a, b in zip(x, y, strict=True)
        )
        return as_objects([ball for a, b in pairs for ball in (a * b).entries()], (len(x), m, n))

    def larger(self, x: arb, y: arb) -> arb:
        """A ball around the maximum."""
        return x.max(y)

    def smaller(self, x: arb, y: arb) -> arb:
        """A ball around the minimum."""
        return x.min(y)

    def order(self, x: arb, y: arb) -> int | None:
        """Decided where the balls do not overlap, or both are one point."""
        if x < y:
            return -1
        if x > y:
            return 1
        return 0 if x == y else None

    def is_number(self, x: arb) -> bool | None:
        """Not known of a ball that encloses nothing known: a low precision makes such a one of a finite number."""
        return True if x.is_finite() or abs(x) == arb.pos_inf() else None

    def is_finite(self, x: arb) -> bool | None:
        """Likewise."""
        return True if x.is_finite() else False if abs(x) == arb.pos_inf() else None

    def floor(self, x: arb) -> int:
        """Decided where the ball reaches over no integer."""
        whole = x.floor().unique_fmpz()
        if whole is None:
            raise UndecidableError(
                "cutting a ball that reaches over an integer to an integer; a higher precision may decide it"
            )
        return int(whole)

    def pivot(self, column: Sequence[arb]) -> int | None:
        """The entry of the largest magnitude, by their lower bounds where balls overlap."""
        if all(x == 0 for x in column):
            return None
        sizes = [abs(x) for x in column]
        chosen = max(range(len(column)), key=lambda k: sizes[k].lower())
        clear = all(x < sizes[chosen] or x == sizes[chosen] for k, x in enumerate(sizes) if k != chosen)
        self.pivots_open = self.pivots_open or not clear
        return chosen

    def turn(self, k: int, n: int) -> tuple[arb, arb]:
        """Balls around them."""
        part = arb(fmpq(2 * k, n))
        return part.cos_pi(), part.sin_pi()

    def power(self, x: arb, exponent: arb) -> arb:
        """X to the power of a real number."""
        return x**exponent
