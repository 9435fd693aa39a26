r"""Exponents over a basis of themselves: which are rational combinations of those before them.

If $a = \sum_i c_i b_i$ with rational $c_i$, then $e^a = \prod_i (e^{b_i})^{c_i}$. That is all that is used of exp, so
the exponentials of a basis may be any numbers. Exponents are known at points only; a combination with few and small
coefficients that holds at all points of all fields holds for all arguments, up to a probability that `sampled_odds`
bounds. An exponent that is no such combination gets a number of its own: nothing false is concluded from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from lrgd_jax.certify.fields.samples import Moduli, Samples

__all__ = ["DENOMINATOR", "HEIGHT", "SPARE_POINTS", "SUPPORT", "ExponentBasis", "TooFewPointsError"]

SUPPORT = 4
"""A combination has at most so many members of the basis."""

HEIGHT = 8
"""Numerators are no larger."""

DENOMINATOR = 4
"""Denominators are no larger; they divide 12."""

SPARE_POINTS = 16
"""So many points more than members of the basis: by chance no exponent is a combination of them."""


class TooFewPointsError(ValueError):
    """A program has more independent exponents than there are points."""


class ExponentBasis:
    """Exponents that are linearly independent over the rationals, in echelon form in every field.

    Attributes:
        members: how many.
    """

    def __init__(self, moduli: Moduli) -> None:
        self.moduli = moduli
        self.members = 0
        fields = len(moduli.column)
        # rows = transform times members; each row is one in its own column and zero in those of the others
        self._rows = np.zeros((fields, 0, moduli.points), np.uint64)
        self._transform = np.zeros((fields, 0, 0), np.uint64)
        self._columns: list[int] = []

    def coordinates(self, exponent: Samples) -> Mapping[int, Fraction] | None:
        """The coefficients of a combination, by member; None where there is none with few and small ones."""
        weights, rest = self._reduce(exponent)
        return self._read(weights) if not rest.any() else None

    def add(self, exponent: Samples) -> int | None:
        """A new member; None for an exponent that is a combination, though perhaps not a simple one.

        Raises:
            TooFewPointsError: there are as many members as the points allow.
        """
        weights, rest = self._reduce(exponent)
        useful = np.flatnonzero(rest.all(axis=0))
        if not useful.size:
            return None
        if self.members + SPARE_POINTS >= self.moduli.points:
            raise TooFewPointsError(f"more than {self.members} exponents are independent")
        column, p = int(useful[0]), self.moduli.column
        scale = self.moduli.inverse(rest[:, [column]])
        row = rest * scale % p
        own = np.concatenate([self._combined_transform(weights, negative=True), np.ones_like(p)], axis=1) * scale % p
        factors = (p - self._rows[:, :, column]) % p
        wide = np.pad(self._transform, ((0, 0), (0, 0), (0, 1)))
        rows = (self._rows + factors[:, :, None] * row[:, None, :]) % p[:, :, None]
        transform = (wide + factors[:, :, None] * own[:, None, :]) % p[:, :, None]
        self._rows = np.concatenate([rows, row[:, None, :]], axis=1)
        self._transform = np.concatenate([transform, own[:, None, :]], axis=1)
        self._columns.append(column)
        self.members += 1
        return self.members - 1

    def _reduce(self, exponent: Samples) -> tuple[np.ndarray, np.ndarray]:
        """The weights of the rows in it, and what is left of it."""
        p = self.moduli.column
        weights = exponent.values[:, self._columns]
        return weights, (exponent.values + p - self.moduli.combine(weights, self._rows)) % p

    def _combined_transform(self, weights: np.ndarray, *, negative: bool = False) -> np.ndarray:
        p = self.moduli.column
        return self.moduli.combine((p - weights) % p if negative else weights, self._transform)

    def _read(self, weights: np.ndarray) -> Mapping[int, Fraction] | None:
        """Rational coefficients that are the same in every field."""
        residues = self._combined_transform(weights)
        involved = np.flatnonzero(residues.any(axis=0)).tolist()
        if len(involved) > SUPPORT:
            return None
        coefficients = {member: self._rational(residues[:, member]) for member in involved}
        known = {member: c for member, c in coefficients.items() if c is not None}
        return known if len(known) == len(coefficients) else None

    def _rational(self, residues: np.ndarray) -> Fraction | None:
        p = self.moduli.column[:, 0]
        for below in range(1, DENOMINATOR + 1):
            above = residues * np.uint64(below) % p
            signed = np.where(above > p // np.uint64(2), above.astype(np.int64) - p.astype(np.int64), above).astype(
                np.int64
            )
            if abs(int(signed[0])) <= HEIGHT and (signed == signed[0]).all():
                return Fraction(int(signed[0]), below)
        return None
