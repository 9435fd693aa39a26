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

HEIGHT = 32
"""Numerators are no larger."""

DENOMINATOR = 8
"""Denominators are no larger; they divide 840."""

SPARE_POINTS = 16
"""So many points more than members of the basis: by chance no exponent is a combination of them."""


class TooFewPointsError(ValueError):
    """A program has more independent exponents than there are points."""


class ExponentBasis:
    """Exponents that are linearly independent over the rationals.

    As many points as there are members tell the members apart: the matrix of the members at these points has an
    inverse in every field, which is kept, so that the coefficients of a combination are read off its values there.

    Attributes:
        members: how many.
    """

    def __init__(self, moduli: Moduli) -> None:
        self.moduli = moduli
        self.members = 0
        fields = len(moduli.column)
        self._vectors = np.zeros((fields, 0, moduli.points), np.uint64)
        self._inverse = np.zeros((fields, 0, 0), np.uint64)
        self._points: list[int] = []

    def coordinates(self, exponent: Samples) -> Mapping[int, Fraction] | None:
        """The coefficients of a combination, by member; None where there is none with few and small ones."""
        coefficients, rest = self._solve(exponent)
        return None if rest.any() else self._read(coefficients)

    def add(self, exponent: Samples) -> int | None:
        """A new member; None for an exponent that is a combination, though perhaps not a simple one.

        Raises:
            TooFewPointsError: there are as many members as the points allow.
        """
        coefficients, rest = self._solve(exponent)
        useful = np.flatnonzero(rest.all(axis=0))
        if not useful.size:
            return None
        if self.members + SPARE_POINTS >= self.moduli.points:
            raise TooFewPointsError(f"more than {self.members} exponents are independent")
        self._border(coefficients, rest, int(useful[0]))
        self._vectors = np.concatenate([self._vectors, exponent.values[:, None, :]], axis=1)
        self.members += 1
        return self.members - 1

    def _solve(self, exponent: Samples) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients that are right at the chosen points, and what is left elsewhere."""
        coefficients = self.moduli.combine(exponent.values[:, self._points], self._inverse)
        rest = exponent.values + self.moduli.column - self.moduli.combine(coefficients, self._vectors)
        return coefficients, rest % self.moduli.column

    def _border(self, coefficients: np.ndarray, rest: np.ndarray, point: int) -> None:
        """The inverse with one more row and column: Banachiewicz 1937, by the complement, which is what is left."""
        p = self.moduli.column
        one_over = self.moduli.inverse(rest[:, [point]])
        # both are taken with a minus
        row = (p - coefficients) % p * one_over % p
        column = self.moduli.combine((p - self._vectors[:, :, point]) % p, self._inverse.transpose(0, 2, 1))
        corner = column[:, :, None] * row[:, None, :] % p[:, :, None]
        inner = (self._inverse + corner) % p[:, :, None]
        above = np.concatenate([inner, (column * one_over % p)[:, :, None]], axis=2)
        below = np.concatenate([row, one_over], axis=1)[:, None, :]
        self._inverse = np.concatenate([above, below], axis=1)
        self._points.append(point)

    def _read(self, residues: np.ndarray) -> Mapping[int, Fraction] | None:
        """Rational coefficients that are the same in every field."""
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
