"""Homomorphisms from sums to products: the exponential function, and the unit circle that cosine and sine come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from lrgd_jax.certify.fields.exponent_basis import ExponentBasis
from lrgd_jax.certify.fields.samples import Moduli, Samples

__all__ = ["ROOT", "Homomorphism"]

ROOT = 840
"""The value of a member of the basis is the power ROOT of a free number, so that it has all roots that occur."""


@dataclass(frozen=True)
class _Member:
    """What the value of a member of the basis is made of.

    Attributes:
        base: its root of order ROOT; or the value itself, where that is what a logarithm was taken of.
        of_round: None, or of which round of logarithms it is.
    """

    base: Samples
    of_round: int | None

    def power(self, c: Fraction) -> Samples | None:
        """The value to the power of c; None for a root of what a logarithm was taken of."""
        if self.of_round is None:
            return self.base.power(int(c * ROOT))
        return self.base.power(int(c)) if c.denominator == 1 else None


class Homomorphism:
    """Values with E(x + y) = E(x) E(y), and nothing else assumed of them.

    Attributes:
        basis: of the arguments.
        values: by the argument's residues.
        rounds: how often an argument was adopted after a value that another adopted one went into.
        norm: the largest sum of the magnitudes of a combination's coefficients.
    """

    def __init__(self, moduli: Moduli, free: Callable[[bytes], Samples]) -> None:
        self.basis = ExponentBasis(moduli)
        self.values: dict[bytes, Samples] = {}
        self.rounds = 0
        self.norm = Fraction(1)
        self._one = moduli.constant(1)
        self._free = free
        self._members: list[_Member] = []

    def __call__(self, x: Samples) -> Samples:
        """The value, by the combination of other arguments that x is; a free number where it is none."""
        if not x:
            return self._one
        if x.key not in self.values:
            self.values[x.key] = self._value(x)
        return self.values[x.key]

    def adopt(self, x: Samples, value: Samples) -> None:
        """From now on E(x) is that value."""
        if self.basis.add(x) is not None:
            self._members.append(_Member(value, self.rounds))

    def _value(self, x: Samples) -> Samples:
        coordinates = self.basis.coordinates(x)
        known = None if coordinates is None else self._product(coordinates)
        if known is not None:
            return known
        root = self._free(x.key)
        if coordinates is None and self.basis.add(x) is not None:
            self._members.append(_Member(root, None))
        return root.power(ROOT)

    def _product(self, coordinates: Mapping[int, Fraction]) -> Samples | None:
        result = self._one
        for member, c in coordinates.items():
            factor = self._members[member].power(c)
            if factor is None:
                return None
            of_round = self._members[member].of_round
            self.rounds = self.rounds if of_round is None else max(self.rounds, of_round + 1)
            result = result * factor
        self.norm = max(self.norm, sum(map(abs, coordinates.values()), Fraction(0)))
        return result
