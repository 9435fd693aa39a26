"""Numbers known at many points: residues at several points of several prime fields at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt64

from lrgd_jax.certify.exact.arrays import Number

__all__ = ["Moduli", "Samples"]

Residues = UInt64[np.ndarray, "fields points"]


class Moduli:
    """Primes below 2^31, one a field, so that products of residues fit into 64 bits.

    Attributes:
        primes: as integers.
        column: as a column beside the residues of all points.
        points: how many there are in each field.
    """

    __slots__ = ("column", "exponents", "points", "primes")

    def __init__(self, primes: tuple[int, ...], points: int) -> None:
        self.primes = primes
        self.column = np.array(primes, np.uint64)[:, None]
        self.exponents = self.column - np.uint64(2)
        self.points = points

    def constant(self, numerator: int, denominator: int = 1) -> Samples:
        """A rational number, the same at all points.

        Raises:
            ZeroDivisionError: a prime divides the denominator.
        """
        values = []
        for p in self.primes:
            if denominator % p == 0:
                raise ZeroDivisionError("a prime divides the denominator of a constant")
            values.append(numerator * pow(denominator, -1, p) % p)
        residues = np.repeat(np.array(values, np.uint64)[:, None], self.points, axis=1)
        return Samples(residues, self, positive=numerator * denominator > 0)

    def inverse(self, values: Residues) -> Residues:
        """One over each residue, by Fermat's little theorem.

        Raises:
            ZeroDivisionError: one is zero.
        """
        if not values.all():
            raise ZeroDivisionError("a divisor is zero at one of the points")
        result, power, rest = np.ones_like(values), values, self.exponents
        while rest.any():
            odd = (rest & np.uint64(1)).astype(bool)
            result = np.where(odd, result * power % self.column, result)
            power = power * power % self.column
            rest = rest >> np.uint64(1)
        return result

    def combine(self, weights: UInt64[np.ndarray, "fields terms"], rows: np.ndarray) -> Residues:
        """The sums over terms of weights times rows of shape [fields, terms, ...]."""
        half = np.uint64(16)
        high, low = weights >> half, weights & np.uint64(0xFFFF)
        sums = [np.einsum("ft,ft...->f...", part, rows) % self.column for part in (high, low)]
        return ((sums[0] << half) + sums[1]) % self.column


class Samples:
    """One number at all points of all fields; +, -, * and / are those of the fields.

    Attributes:
        positive: whether it is positive for all arguments, being made of exponentials and positive constants by sums,
            products and quotients.
    """

    __slots__ = ("_inverse", "moduli", "positive", "values")

    def __init__(self, values: Residues, moduli: Moduli, *, positive: bool = False) -> None:
        self.values = values
        self.moduli = moduli
        self.positive = positive
        self._inverse: Samples | None = None

    @property
    def key(self) -> bytes:
        """What it is told from other numbers by."""
        return self.values.tobytes()

    def __bool__(self) -> bool:
        return bool(self.values.any())

    def __add__(self, other: Number) -> Number:
        if not isinstance(other, Samples):
            return NotImplemented
        # where a sum begins with zero, that is no reason to know less of it
        positive = (self.positive and (other.positive or not other)) or (other.positive and not self)
        return self._reduced(self.values + other.values, positive=positive)

    def __neg__(self) -> Samples:
        return self._reduced(self.moduli.column - self.values)

    def __sub__(self, other: Number) -> Number:
        if not isinstance(other, Samples):
            return NotImplemented
        return self._reduced(self.values + (self.moduli.column - other.values))

    def __mul__(self, other: Number) -> Number:
        if not isinstance(other, Samples):
            return NotImplemented
        positive = self.positive and other.positive
        return Samples(self.values * other.values % self.moduli.column, self.moduli, positive=positive)

    def __truediv__(self, other: Number) -> Number:
        return self * other.inverse() if isinstance(other, Samples) else NotImplemented

    def inverse(self) -> Samples:
        """One over it, computed once.

        Raises:
            ZeroDivisionError: it is zero at a point.
        """
        if self._inverse is None:
            self._inverse = Samples(self.moduli.inverse(self.values), self.moduli, positive=self.positive)
        return self._inverse

    def _reduced(self, values: Residues, *, positive: bool = False) -> Samples:
        """Of values below twice the primes; below zero the difference wraps around to a large number."""
        return Samples(np.minimum(values, values - self.moduli.column), self.moduli, positive=positive)

    def power(self, exponent: int) -> Samples:
        """A whole power."""
        base = self if exponent >= 0 else self.inverse()
        result = self.moduli.constant(1)
        for bit in bin(abs(exponent))[2:]:
            result = result * result
            result = result * base if bit == "1" else result
        return result
