r"""Numbers that a literal probably means: 0.5773502691896258 is what float64 has for $1/\sqrt 3$.

A literal is recognised if it lies within two units in the last place of p/q, of a root of p/q, or of p/q times a
constant such as $\pi$, with small p and q. Among the literals with 53 digits hardly one in ten million does so by
chance; those of float32 are fewer, and so are the numbers that are looked for among them. Numbers with few binary
digits, such as 0.5 and 3, are exact and mean themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from jax import lax

__all__ = ["Meaning", "meaning_of"]

SHORT = 12
"""A literal with at most so many binary digits means itself."""

SINGLE = 24
"""A literal with at most so many binary digits may have been rounded to float32."""

_DECIMALS = 10
"""A literal whose shortest decimal form has at most so many digits was written so."""

Scalar = Callable[[float], Any]
"""A whole number as a scalar of the program."""


@dataclass(frozen=True)
class Meaning:
    """A number that a literal stands for.

    Attributes:
        text: how it is written, such as "1/sqrt(3)".
        build: the number from whole numbers by primitives that every number system with such functions knows.
    """

    text: str
    build: Callable[[Scalar], Any]


@dataclass(frozen=True)
class _Limits:
    """How far to look: of plain fractions, of those under a root, and of those before a constant."""

    ulp: float
    plain: int
    root: int
    factor: int


_DOUBLE = _Limits(2.0**-52, 1000, 4096, 32)
_SINGLE = _Limits(2.0**-23, 64, 64, 4)


def _pi(n: Scalar) -> Any:
    return lax.mul(n(4), lax.atan(n(1)))


def _over(one: Callable[[Scalar], Any], other: Callable[[Scalar], Any]) -> Callable[[Scalar], Any]:
    return lambda n: lax.div(one(n), other(n))


def _one(n: Scalar) -> Any:
    return n(1)


def _root_pi(n: Scalar) -> Any:
    return lax.sqrt(_pi(n))


def _root_two_pi(n: Scalar) -> Any:
    return lax.sqrt(lax.mul(n(2), _pi(n)))


def _root_two_over_pi(n: Scalar) -> Any:
    return lax.sqrt(lax.div(n(2), _pi(n)))


def _log(k: int) -> Callable[[Scalar], Any]:
    return lambda n: lax.log(n(k))


_CONSTANTS: Mapping[str, tuple[float, Callable[[Scalar], Any]]] = {
    "pi": (math.pi, _pi),
    "e": (math.e, lambda n: lax.exp(n(1))),
    "log(2)": (math.log(2), _log(2)),
    "log(10)": (math.log(10), _log(10)),
    "sqrt(pi)": (math.sqrt(math.pi), _root_pi),
    "sqrt(2/pi)": (math.sqrt(2 / math.pi), _root_two_over_pi),
    "sqrt(2 pi)": (math.sqrt(2 * math.pi), _root_two_pi),
    "log(2 pi)": (math.log(2 * math.pi), lambda n: lax.log(lax.mul(n(2), _pi(n)))),
    "1/pi": (1 / math.pi, _over(_one, _pi)),
    "1/e": (1 / math.e, lambda n: lax.exp(lax.neg(n(1)))),
    "1/log(2)": (1 / math.log(2), _over(_one, _log(2))),
    "1/log(10)": (1 / math.log(10), _over(_one, _log(10))),
    "1/sqrt(pi)": (1 / math.sqrt(math.pi), _over(_one, _root_pi)),
    "1/sqrt(2 pi)": (1 / math.sqrt(2 * math.pi), _over(_one, _root_two_pi)),
}


def meaning_of(value: float) -> Meaning | None:
    """The number that a literal was probably rounded from; None where it means itself, or nobody knows.

    Args:
        value: of the literal, in any floating format.

    Examples:
        >>> meaning_of(1 / math.sqrt(3)).text
        '1/sqrt(3)'
        >>> meaning_of(0.1 + 0.2).text
        '3/10'
        >>> meaning_of(0.375) is None
        True
    """
    if not math.isfinite(value) or value == 0:
        return None
    if value < 0:
        positive = meaning_of(-value)
        return None if positive is None else _negative(positive)
    digits = _digits(value)
    if digits <= SHORT or value == math.floor(value):
        return None
    return next(_candidates(value, _SINGLE if digits <= SINGLE else _DOUBLE), None)


def _digits(value: float) -> int:
    """Binary digits of the significand."""
    numerator, denominator = value.as_integer_ratio()
    return (numerator // (numerator & -numerator)).bit_length() if denominator == 1 else numerator.bit_length()


def _candidates(value: float, limits: _Limits) -> Iterator[Meaning]:
    # the simplest first: a number that is two of these is written as the shorter one
    plain = Fraction(value).limit_denominator(limits.plain)
    if plain and _near(value, float(plain), limits):
        yield _fraction(plain)
    square = Fraction(value * value).limit_denominator(limits.root)
    if square and square.numerator <= limits.root and _near(value, math.sqrt(square), limits):
        yield _root(square)
    for name, (number, build) in _CONSTANTS.items():
        factor = Fraction(value / number).limit_denominator(limits.factor)
        if factor and factor.numerator <= limits.factor and _near(value, float(factor) * number, limits):
            yield _multiple(factor, name, build)
    written = np.format_float_positional(np.float32(value) if limits is _SINGLE else np.float64(value), unique=True)
    if len(written.replace(".", "").strip("0")) <= (_DECIMALS if limits is _DOUBLE else 4):
        yield _fraction(Fraction(written), written)


def _near(value: float, candidate: float, limits: _Limits) -> bool:
    """Within two units in the last place, and one for the candidate's own rounding in float64."""
    return abs(value - candidate) <= 2 * limits.ulp * value


def _fraction(number: Fraction, text: str | None = None) -> Meaning:
    p, q = number.numerator, number.denominator
    return Meaning(text or str(number), lambda n: n(p) if q == 1 else lax.div(n(p), n(q)))


def _root(square: Fraction) -> Meaning:
    p, q = square.numerator, square.denominator
    if p == 1:
        return Meaning(f"1/sqrt({q})", lambda n: lax.div(n(1), lax.sqrt(n(q))))
    if q == 1:
        return Meaning(f"sqrt({p})", lambda n: lax.sqrt(n(p)))
    return Meaning(f"sqrt({p}/{q})", lambda n: lax.div(lax.sqrt(n(p)), lax.sqrt(n(q))))


def _multiple(factor: Fraction, name: str, build: Callable[[Scalar], Any]) -> Meaning:
    p, q = factor.numerator, factor.denominator
    if factor == 1:
        return Meaning(name, build)
    if name.startswith("1/") and q == 1:
        return Meaning(f"{p}/{name[2:]}", lambda n: lax.mul(n(p), build(n)))
    times = name if p == 1 else f"{p} {name}"
    text = times if q == 1 else f"{times}/{q}" if not name.startswith("1/") else f"{p}/({q} {name[2:]})"
    return Meaning(text, lambda n: lax.div(lax.mul(n(p), build(n)), n(q)))


def _negative(positive: Meaning) -> Meaning:
    return Meaning(f"-{positive.text}", lambda n: lax.neg(positive.build(n)))
