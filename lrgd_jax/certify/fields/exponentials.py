r"""Sums of exponentials with coefficients in a prime field: exp as a homomorphism, and nothing else assumed of it.

A formal sum is $\sum_l c_l\,E^l$ with coefficients $c_l$ and exponents $l$ in GF(p). Products add exponents, so
$e^x e^y = e^{x+y}$ and $e^x/e^x = 1$ hold by construction, and two sums are equal only if all their coefficients are:
the group ring GF(p)[GF(p)]. A number here is a sum of fractions of two such sums, one fraction for each denominator:
what the heads of a softmax layer need, the shift by the largest logit included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from flint import nmod

from lrgd_jax.certify.exact.arrays import Number

__all__ = ["BUDGET", "Exponentials", "Ring", "TooManyTermsError", "canonical", "exponential", "factors", "is_zero"]

Terms: TypeAlias = Mapping[int, Number]
"""From an exponent to its coefficient, which is never zero."""

Denominator: TypeAlias = tuple[tuple[int, int], ...]
"""The terms of a denominator in canonical form: mean exponent zero, first coefficient one, sorted."""

BUDGET = 1 << 17
"""Products of terms in one evaluation of a program; a fifth of a second."""

_ONE: Denominator = ((0, 1),)


class TooManyTermsError(ValueError):
    """Expanding products of sums of exponentials takes more work than it is worth; balls enclose such a program."""


class Ring:
    """The prime field of the coefficients, and how much work is left.

    Attributes:
        modulus: p.
        budget: products of two terms that may still be formed.
    """

    __slots__ = ("budget", "modulus")

    def __init__(self, modulus: int, budget: int = BUDGET) -> None:
        self.modulus = modulus
        self.budget = budget

    def number(self, value: int) -> nmod:
        """An integer as a residue."""
        return nmod(value, self.modulus)

    def spend(self, products: int) -> None:
        """Takes products of terms off the budget."""
        self.budget -= products
        if self.budget < 0:
            raise TooManyTermsError(
                f"expanding the products of sums of exponentials takes more than {BUDGET} terms; balls can enclose it"
            )


class Exponentials:
    """A sum of fractions of sums of exponentials; mixes with `nmod` by Python's operators."""

    __slots__ = ("parts", "ring")

    def __init__(self, parts: Mapping[Denominator, Terms], ring: Ring) -> None:
        self.parts = parts
        self.ring = ring

    def __add__(self, other: Number) -> Number:
        parts = dict(self.parts)
        for denominator, terms in self._parts_of(other).items():
            total = _sum(parts[denominator], terms) if denominator in parts else terms
            if total:
                parts[denominator] = total
            else:
                parts.pop(denominator, None)
        return _reduced(parts, self.ring)

    __radd__ = __add__

    def __neg__(self) -> Exponentials:
        negative = {d: {label: -c for label, c in terms.items()} for d, terms in self.parts.items()}
        return Exponentials(negative, self.ring)

    def __sub__(self, other: Number) -> Number:
        return self + (-other)

    def __rsub__(self, other: Number) -> Number:
        return (-self) + other

    def __mul__(self, other: Number) -> Number:
        total: Number = self.ring.number(0)
        for below, terms in self.parts.items():
            for other_below, other_terms in self._parts_of(other).items():
                total = total + self._product(terms, below, other_terms, other_below)
        return total

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Number:
        if isinstance(other, Exponentials):
            return self * other.inverse()
        return self * (self.ring.number(1) / other)

    def __rtruediv__(self, other: Number) -> Number:
        return self.inverse() * other

    def inverse(self) -> Number:
        """One over it.

        Raises:
            ZeroDivisionError: it is zero.
        """
        numerator, denominator = self.single()
        if not numerator:
            raise ZeroDivisionError("a sum of exponentials is zero at this point")
        return _fraction(denominator, numerator, self.ring)

    def single(self) -> tuple[Terms, Terms]:
        """Numerator and denominator over one common denominator."""
        numerator: Terms = {}
        common: Terms = {0: self.ring.number(1)}
        for below, terms in self.parts.items():
            own = _terms(below, self.ring)
            numerator = _sum(_times(numerator, own, self.ring), _times(terms, common, self.ring))
            common = _times(common, own, self.ring)
        return numerator, common

    def value(self, symbol: Callable[[int], Number]) -> Number:
        """Its value when `symbol(l)` stands for E^l; canonical denominators make it independent of shifts."""
        total = self.ring.number(0)
        for below, terms in self.parts.items():
            over = _evaluate(_terms(below, self.ring), symbol, self.ring)
            total = total + _evaluate(terms, symbol, self.ring) / over
        return total

    def _parts_of(self, other: Number) -> Mapping[Denominator, Terms]:
        if isinstance(other, Exponentials):
            return other.parts
        number = self.ring.number(0) + other
        return {_ONE: {0: number}} if number != 0 else {}

    def _product(self, terms: Terms, below: Denominator, other: Terms, other_below: Denominator) -> Number:
        ring = self.ring
        # (x / y) y = x, without expanding either product
        for a, b, c, d in ((terms, below, other, other_below), (other, other_below, terms, below)):
            if b != _ONE and len(b) == len(c):
                canonical, shift, scale = _canonical(c, ring)
                if canonical == b:
                    return _fraction(_shifted(a, shift, scale, ring), _terms(d, ring), ring)
        numerator = _times(terms, other, ring)
        if below == _ONE or other_below == _ONE:
            rest = other_below if below == _ONE else below
            return _reduced({rest: numerator} if numerator else {}, ring)
        return _fraction(numerator, _times(_terms(below, ring), _terms(other_below, ring), ring), ring)


def exponential(exponent: int, ring: Ring) -> Exponentials:
    """One exponential E^l."""
    return Exponentials({_ONE: {exponent: ring.number(1)}}, ring)


def factors(number: Exponentials) -> tuple[int, Number, Denominator, Denominator] | None:
    """The s, c, N and D, the last two in canonical form, of a number c E^s N / D; None for several fractions."""
    if len(number.parts) != 1:
        return None
    ((below, terms),) = number.parts.items()
    above, shift, scale = _canonical(terms, number.ring)
    return shift, scale, above, below


def canonical(terms: Denominator, ring: Ring) -> Number:
    """A canonical form as a number; a bare one where no exponential is in it."""
    return _reduced({_ONE: _terms(terms, ring)}, ring)


def is_zero(number: Number) -> bool:
    """Whether a number of either kind is zero."""
    if not isinstance(number, Exponentials):
        return number == 0
    # fractions over different denominators may still cancel
    return not number.parts or (len(number.parts) > 1 and not number.single()[0])


def _terms(denominator: Denominator, ring: Ring) -> Terms:
    return {label: ring.number(c) for label, c in denominator}


def _canonical(terms: Terms, ring: Ring) -> tuple[Denominator, int, Number]:
    """The canonical form D, and the shift s and scale c with terms = c E^s D."""
    count = ring.number(len(terms))
    shift = int(sum((ring.number(label) for label in terms), ring.number(0)) / count)
    moved = sorted(((label - shift) % ring.modulus, c) for label, c in terms.items())
    scale = moved[0][1]
    return tuple((label, int(c / scale)) for label, c in moved), shift, scale


def _shifted(terms: Terms, shift: int, scale: Number, ring: Ring) -> Terms:
    return {(label + shift) % ring.modulus: c * scale for label, c in terms.items()}


def _fraction(numerator: Terms, denominator: Terms, ring: Ring) -> Number:
    below, shift, scale = _canonical(denominator, ring)
    above = _shifted(numerator, -shift, ring.number(1) / scale, ring)
    return _reduced({below: above} if above else {}, ring)


def _reduced(parts: Mapping[Denominator, Terms], ring: Ring) -> Number:
    """A bare number where no exponential is left."""
    if not parts:
        return ring.number(0)
    if len(parts) == 1:
        terms = parts.get(_ONE, {})
        if len(terms) == 1 and 0 in terms:
            return terms[0]
    return Exponentials(parts, ring)


def _sum(a: Terms, b: Terms) -> Terms:
    total = dict(a)
    for label, c in b.items():
        if label in total:
            c = total[label] + c
        if c == 0:
            total.pop(label, None)
        else:
            total[label] = c
    return total


def _times(a: Terms, b: Terms, ring: Ring) -> Terms:
    ring.spend(len(a) * len(b))
    total: dict[int, Number] = {}
    for label, c in a.items():
        for other, d in b.items():
            key = (label + other) % ring.modulus
            total[key] = total[key] + c * d if key in total else c * d
    return {label: c for label, c in total.items() if c != 0}


def _evaluate(terms: Terms, symbol: Callable[[int], Number], ring: Ring) -> Number:
    return sum((c * symbol(label) for label, c in terms.items()), ring.number(0))
