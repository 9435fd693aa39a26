r"""Prime fields: a polynomial identity evaluated at random points of GF(p).

An input is a random element of the field, +, -, * and / are those of the field, a dyadic literal is lifted exactly, and
what has no meaning in a field is a free symbol (`symbolic`): one random element for each argument.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence

from flint import fmpz, nmod

from lrgd_jax.certify.exact.algebra import Numbers, as_objects
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.exponentials import Exponentials, Ring, canonical, exponential, factors, is_zero
from lrgd_jax.certify.fields.symbolic import Mask, OrderError, Symbolic, inside

__all__ = ["BITS", "PrimeField", "primes"]

BITS = 61
"""Of the primes."""


def primes(seed: int) -> Iterator[int]:
    """Random primes between 2^60 and 2^61.

    They are drawn, not fixed: a polynomial that is not zero may vanish modulo one given prime, but only modulo few.
    """
    found: set[int] = set()
    for k in range(1 << 20):
        candidate = (1 << (BITS - 1)) | (_random(seed, "prime", k) % (1 << (BITS - 1))) | 1
        if candidate not in found and fmpz(candidate).is_prime():
            found.add(candidate)
            yield candidate


class PrimeField(Symbolic):
    """GF(p), sums of exponentials over it, and free symbols.

    Attributes:
        modulus: p, a prime.
        ring: the same for sums of exponentials.
        seed: of the free symbols and of the point.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.certify import trace, walk
        >>> x, system = np.array([1.0, 3.0]), PrimeField(101, seed=0)
        >>> walk(trace(lambda x: x / 3, x.astype("float32")), system, [system.lift(x, x.dtype)])[0].array.tolist()
        [34, 1]
    """

    def __init__(self, modulus: int, seed: int) -> None:
        super().__init__()
        self.modulus = modulus
        self.ring = Ring(modulus)
        self.seed = seed
        self._symbols: dict[tuple[Number, ...], nmod] = {}
        self._members: dict[tuple[str, int], frozenset[int]] = {}
        self._magnitudes: dict[int, Number] = {}
        self._pivots = 0

    @property
    def labels(self) -> int:
        """How many exponents occurred within arguments of symbols and of other exponentials."""
        return sum(key[0] == "E" for key in self._symbols)

    def random(self, shape: Sequence[int], name: str) -> Numbers:
        """Independent random elements."""
        flat = [self._element("input", name, k) for k in range(math.prod(shape))]
        return Numbers(as_objects(flat, tuple(shape)))

    def differ(self, x: Number, y: Number) -> bool:
        """Whether two numbers are different.

        Raises:
            OrderError: one of them is none of the field.
        """
        for number in (x, y):
            if not isinstance(number, nmod | Exponentials):
                raise OrderError("a side returns a number that is infinite or NaN")
        return not is_zero(x - y)

    def fraction(self, numerator: int, denominator: int) -> nmod:
        """A rational constant as a residue."""
        return nmod(numerator, self.modulus) / nmod(denominator, self.modulus)

    def exponential(self, x: Number) -> Number:
        """E to the power of the residue of x."""
        exponent = int(self._plain(x))
        return exponential(exponent, self.ring) if exponent else nmod(1, self.modulus)

    def logarithm(self, x: Number) -> Number:
        """log|c E^s N / D| = log|c| + s + log|N| - log|D| for a sum of exponentials; of a number, a symbol."""
        found = factors(x) if isinstance(x, Exponentials) else None
        if found is None:
            return self._log_magnitude(x)
        shift, scale, above, below = found
        parts = [self._log_magnitude(canonical(terms, self.ring)) for terms in (above, below)]
        return nmod(shift, self.modulus) + self._log_magnitude(scale) + parts[0] - parts[1]

    def _log_magnitude(self, x: Number) -> nmod:
        value = self._plain(x)
        # not by `symbol`, which a field of pairs of elements overrides
        return nmod(0, self.modulus) if value in (1, -1) else self._known("log", int(value))

    def remember_abs(self, magnitude: nmod, x: Number) -> None:
        """By the residue of the symbol."""
        self._magnitudes[int(magnitude)] = x

    def under_abs(self, x: Number) -> Number:
        """The number whose magnitude x is."""
        return x if isinstance(x, Exponentials) else self._magnitudes.get(int(x), x)

    def pivot(self, column: Sequence[Number]) -> int | None:
        """Number entry that is not zero, at random: a result that depends on it shows."""
        self.pivots_open = True
        self._pivots += 1
        entries = [k for k, x in enumerate(column) if not is_zero(x)]
        if not entries:
            raise ZeroDivisionError("a matrix is singular at this point")
        return entries[_random(self.seed, self.modulus, "pivot", self._pivots) % len(entries)]

    def symbol(self, name: str, *arguments: Number) -> nmod:
        """One random element for each name and arguments."""
        return self._known(name, *(int(self._plain(x)) for x in arguments))

    def extreme(self, name: str, x: Number, y: Number) -> Number:
        """One symbol for the set of all numbers that were compared, whatever their order."""
        members = self._of(name, x) | self._of(name, y)
        if len(members) == 1:
            return x
        self.calls += 1
        symbol = self._known(name, *sorted(members))
        self._members[name, int(symbol)] = members
        return symbol

    def _of(self, name: str, x: Number) -> frozenset[int]:
        value = int(self._plain(x))
        return self._members.get((name, value), frozenset({value}))

    def _plain(self, x: Number) -> nmod:
        """A number as a residue, with a free symbol for each exponential that is left in it."""
        if isinstance(x, Mask):
            raise OrderError("the maximum of nothing but masked logits has no value in a field")
        if not isinstance(x, Exponentials):
            return inside(x)
        return x.value(lambda label: self._known("E", label) if label else nmod(1, self.modulus))

    def _known(self, *key: Number) -> nmod:
        if key not in self._symbols:
            self._symbols[key] = self._element("symbol", *key)
        return self._symbols[key]

    def _element(self, *key: Number) -> nmod:
        return nmod(_random(self.seed, self.modulus, *key) % self.modulus, self.modulus)


def _random(*key: Number) -> int:
    # 256 bits, so that a remainder modulo 61 bits is uniform up to 2^-195
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=32).digest(), "big")
