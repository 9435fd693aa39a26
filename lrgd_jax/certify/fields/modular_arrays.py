r"""Arrays of residues modulo several primes below 2^50: sums, products, quotients and contractions by NumPy.

A product of two residues is taken modulo p by its quotient: $q = \lfloor ab/p \rfloor$ in float64 is right within one,
and $ab - qp$ in wrapping 64-bit integers is then right up to p, which is mended. A contraction splits residues into
limbs of 17 bits, so that float64 sums up to $2^{17}$ of their products exactly: BLAS does the work (Dumas, Giorgi and
Pernet 2008).
"""

from __future__ import annotations

import functools
from functools import cached_property

import numpy as np
from jaxtyping import Float64, UInt64

__all__ = ["WORD_BITS", "Primes"]

WORD_BITS = 50
"""Of a prime, at most: q has an error of three roundings of a number below 2^50, so below one half."""

_LIMB = 17
_MOST_TERMS = 1 << 17
"""Products of limbs, three of them side by side, that float64 sums exactly."""

_MOST_SUMMED = 1 << 12
"""Residues whose sum stays below 2^63."""

Residues = UInt64[np.ndarray, "primes ..."]


class Primes:
    """Some primes, one for each entry of the first axis of every array.

    Examples:
        >>> primes = Primes((101, 103))
        >>> primes.product(primes.constant(50), primes.constant(4)).tolist()
        [99, 97]
    """

    def __init__(self, primes: tuple[int, ...]) -> None:
        if max(primes) >> WORD_BITS:
            raise ValueError(f"primes must be below 2^{WORD_BITS}, not {max(primes)}")
        self.primes = primes
        self._p = np.array(primes, np.uint64)
        self._over = 1.0 / self._p.astype(np.float64)

    @cached_property
    def _limbs(self) -> int:
        return -(-max(self.primes).bit_length() // _LIMB)

    def constant(self, numerator: int, denominator: int = 1) -> Residues:
        """A rational number.

        Raises:
            ZeroDivisionError: a prime divides the denominator.
        """
        if any(denominator % p == 0 for p in self.primes):
            raise ZeroDivisionError("a prime divides the denominator of a constant")
        return np.array([numerator * pow(denominator, -1, p) % p for p in self.primes], np.uint64)

    def dyadic(self, values: Float64[np.ndarray, ...]) -> Residues:
        """Finite float64 numbers, exactly: a whole number of 53 bits times a power of two."""
        fractions, exponents = np.frexp(values)
        whole = (fractions * 2.0**53).astype(np.int64)
        steps, places = np.unique(exponents - 53, return_inverse=True)
        powers = np.array([[pow(2, int(step), p) for step in steps] for p in self.primes], np.uint64)
        positive = np.stack([(whole % np.int64(p)).astype(np.uint64) for p in self.primes])
        return self.product(positive, powers[:, places.reshape(values.shape)])

    def integers(self, values: np.ndarray) -> Residues:
        """Whole numbers of 64 bits."""
        return np.stack([(values % values.dtype.type(p)).astype(np.uint64) for p in self.primes])

    def add(self, x: Residues, y: Residues) -> Residues:
        """The sum."""
        total = x + y
        # below zero it wraps around to a large number
        return np.minimum(total, total - self._like(self._p, total))

    def negative(self, x: Residues) -> Residues:
        """The number that adds up to zero with it."""
        return np.where(x == 0, x, self._like(self._p, x) - x)

    def product(self, x: Residues, y: Residues) -> Residues:
        """The product, entry by entry."""
        quotients = _floats(x) * _floats(y)
        quotients *= self._like(self._over, quotients)
        return self._remainder(x * y, quotients)

    def reduced(self, x: UInt64[np.ndarray, "primes ..."]) -> Residues:
        """Whole numbers below 2^63 modulo the primes."""
        return self._remainder(x, _floats(x) * self._like(self._over, x))

    def _remainder(self, x: np.ndarray, quotients: np.ndarray) -> Residues:
        """X - q p, where the integers wrap around and q is off by one at most."""
        p = self._like(self._p, quotients)
        rest = x - quotients.astype(np.int64).view(np.uint64) * p
        np.minimum(rest, rest + p, out=rest)
        return np.minimum(rest, rest - p, out=rest)

    def total(self, x: Residues, axes: tuple[int, ...]) -> Residues:
        """The sum over axes, which are counted without the first."""
        kept = [k for k in range(x.ndim - 1) if k not in axes]
        rows = x.transpose(0, *(k + 1 for k in (*kept, *axes)))
        shape = rows.shape[: 1 + len(kept)]
        rows = rows.reshape(*shape, int(np.prod(rows.shape[len(shape) :], dtype=np.int64)))
        while rows.shape[-1] > _MOST_SUMMED:
            spare = -rows.shape[-1] % _MOST_SUMMED
            rows = np.pad(rows, [(0, 0)] * len(shape) + [(0, spare)])
            rows = self.reduced(rows.reshape(*shape, -1, _MOST_SUMMED).sum(axis=-1, dtype=np.uint64))
        return self.reduced(rows.sum(axis=-1, dtype=np.uint64))

    def contract(
        self, x: UInt64[np.ndarray, "primes batch m k"], y: UInt64[np.ndarray, "primes batch k n"]
    ) -> UInt64[np.ndarray, "primes batch m n"]:
        """Matrix products."""
        terms = x.shape[-1]
        if terms == 1:
            return self.product(x, y)
        if terms > _MOST_TERMS:
            half = terms // 2
            parts = (self.contract(x[..., part], y[..., part, :]) for part in (slice(half), slice(half, None)))
            return self.add(*parts)
        first, second = self._split(x), self._split(y)
        total = np.zeros((*x.shape[:-1], y.shape[-1]), np.uint64)
        for power in reversed(range(2 * self._limbs - 1)):
            pairs = [(i, power - i) for i in range(self._limbs) if 0 <= power - i < self._limbs]
            sums = functools.reduce(np.add, (first[i] @ second[j] for i, j in pairs))
            total = self._shifted(total, sums)
        return total

    def _split(self, x: Residues) -> list[np.ndarray]:
        """Limbs as float64, the lowest one first."""
        limb = np.uint64((1 << _LIMB) - 1)
        return [_floats(x >> np.uint64(_LIMB * k) & limb) for k in range(self._limbs)]

    def _shifted(self, high: Residues, low: Float64[np.ndarray, "primes ..."]) -> Residues:
        """2^17 high + low."""
        over = self._like(self._over, low)
        quotients = low * over + _floats(high) * (2.0**_LIMB * over)
        return self._remainder((high << np.uint64(_LIMB)) + low.astype(np.int64).view(np.uint64), quotients)

    def power(self, x: Residues, exponent: int) -> Residues:
        """A whole power; below zero of the inverse."""
        return self.powers(x, np.array(exponent))

    def powers(self, x: Residues, exponents: np.ndarray) -> Residues:
        """Whole powers, entry by entry."""
        base = np.broadcast_to(x, np.broadcast_shapes(x.shape, (1, *exponents.shape)))
        if (exponents < 0).any():
            base = np.where(exponents < 0, self.inverse(np.where(exponents < 0, base, np.uint64(1))), base)
        rest, result = np.abs(exponents), np.ones_like(base)
        while rest.any():
            result = np.where(rest % 2 == 1, self.product(result, base), result)
            rest = rest // 2
            base = self.product(base, base) if rest.any() else base
        return result

    def inverse(self, x: Residues) -> Residues:
        """One over each: all from the inverse of the product of all (Montgomery 1987).

        Raises:
            ZeroDivisionError: one is zero.
        """
        if not x.all():
            raise ZeroDivisionError("a divisor is zero at the point")
        tree = [x.reshape(len(x), -1)]
        while tree[-1].shape[1] > 1:
            level = tree[-1]
            if level.shape[1] % 2:
                level = tree[-1] = np.concatenate([level, np.ones_like(level[:, :1])], axis=1)
            tree.append(self.product(level[:, ::2], level[:, 1::2]))
        if not x.size:
            return x
        roots = [[pow(int(root), -1, p)] for root, p in zip(tree[-1][:, 0], self.primes, strict=True)]
        inverses = np.array(roots, np.uint64)
        for level in reversed(tree[:-1]):
            swapped = level.reshape(len(x), -1, 2)[:, :, ::-1]
            inverses = self.product(inverses[:, : swapped.shape[1], None], swapped).reshape(len(x), -1)
        return inverses[:, : x.size // len(x)].reshape(x.shape)

    def _like(self, column: np.ndarray, x: np.ndarray) -> np.ndarray:
        return column.reshape(-1, *(1,) * (x.ndim - 1))


def _floats(x: UInt64[np.ndarray, ...]) -> Float64[np.ndarray, ...]:
    # signed integers are what processors convert
    return x.view(np.int64).astype(np.float64)
