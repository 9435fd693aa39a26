r"""A number system for programs with exponentials within exponentials: numbers at points, exponents over a basis.

A prime field keeps sums of exponentials as formal sums, which grow with every product and know no law within another
exponential. Here an exponential is a number again: the exponents that are no rational combinations of others have free
numbers for their exponentials, and all others follow by $e^{x+y} = e^x e^y$, at every depth of nesting.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from flint import fmpz

from lrgd_jax.certify.exact.algebra import Numbers, as_objects
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.homomorphism import Homomorphism
from lrgd_jax.certify.fields.samples import Moduli, Samples
from lrgd_jax.certify.fields.symbolic import Mask, OrderError, Symbolic, inside, place

__all__ = ["CONSTANT_BITS", "PRIME_BITS", "ByExponentials", "SampledField", "small_primes"]

PRIME_BITS = 31
"""Of the primes."""


def small_primes(seed: int) -> Iterator[int]:
    """Random primes between 2^30 and 2^31 that are one more than a multiple of four, so that -1 has a root."""
    drawn: set[int] = set()
    for k in range(1 << 20):
        candidate = (1 << (PRIME_BITS - 1)) | (_digest(seed, "prime", k) % (1 << (PRIME_BITS - 1)) & ~3) | 1
        if candidate not in drawn and fmpz(candidate).is_prime():
            drawn.add(candidate)
            yield candidate


CONSTANT_BITS = 64
"""Binary digits of numerator and denominator together of a constant that is recognised."""


class ByExponentials(Symbolic):
    """What is a fraction of exponentials is computed as one, so that the laws of exp hold for it.

    Cosine and sine are those of e^(ix), which is a number u of which nothing is known but its law, with i^2 = -1:
    cos x = (u + 1/u)/2 and sin x = (u - 1/u)/(2 i).
    """

    def __init__(self) -> None:
        super().__init__()
        one = functools.partial(self.fraction, 1, 1)
        self.functions = {
            **self.functions,
            "rsqrt": lambda x: self.quotient(one(), self._asked("sqrt", x)),
            "logistic": lambda x: self.quotient(one(), one() + self._exp(-inside(x))),
            "tanh": self._tanh,
            "sinh": lambda x: (self._exp(inside(x)) - self._exp(-inside(x))) * self.fraction(1, 2),
            "cosh": lambda x: (self._exp(inside(x)) + self._exp(-inside(x))) * self.fraction(1, 2),
            "exp2": lambda x: self._exp(inside(x) * self._log(self.fraction(2, 1))),
            "cos": lambda x: self._waves(x)[0],
            "sin": lambda x: self._waves(x)[1],
            "tan": lambda x: self.quotient(*reversed(self._waves(x))),
            "log2": lambda x: self.quotient(self._log(x), self._log(self.fraction(2, 1))),
        }

    def _tanh(self, x: Number) -> Number:
        one, power = self.fraction(1, 1), self._exp(inside(x) + inside(x))
        return self.quotient(power - one, power + one)

    def _waves(self, x: Number) -> tuple[Number, Number]:
        """Cosine and sine."""
        self.calls += 1
        one, u = self.fraction(1, 1), self.on_circle(inside(x))
        twice = u + u
        return self.quotient(u * u + one, twice), self.quotient(u * u - one, twice * self.root_of_minus_one())

    def on_circle(self, x: Number) -> Number:
        """E to the power of i x."""
        raise NotImplementedError

    def root_of_minus_one(self) -> Number:
        """A number whose square is -1."""
        raise NotImplementedError

    def quotient(self, x: Number, y: Number) -> Number:
        """X over y."""
        return x / y

    def larger(self, x: Number, y: Number) -> Number:
        """The larger one where that is known, else a symbol."""
        known = self.known_order(x, y)
        return super().larger(x, y) if known is None else x if known >= 0 else y

    def smaller(self, x: Number, y: Number) -> Number:
        """Likewise."""
        known = self.known_order(x, y)
        return super().smaller(x, y) if known is None else x if known <= 0 else y

    def known_order(self, x: Number, y: Number) -> int | None:
        """1 for x >= y and -1 for x <= y, where one of them is known to hold for all arguments."""
        raise NotImplementedError

    def _abs(self, x: Number) -> Number:
        return inside(x) if self.known_order(inside(x), self.fraction(0, 1)) == 1 else super()._abs(x)

    def under_abs(self, x: Number) -> Number:
        """The magnitude itself: e^(log|y|) is |y|, which is not y."""
        return x

    def remember_abs(self, magnitude: Number, x: Number) -> None:
        """Nothing to remember."""


class SampledField(ByExponentials):
    """Numbers at random points of several prime fields.

    Attributes:
        moduli: the primes, and how many points each field has.
        seed: of points and symbols.
        real: the exponential function.
        circle: that of imaginary numbers.
        decisions: what was found of each pair of numbers that was compared, in order.

    Examples:
        >>> from itertools import islice
        >>> import numpy as np
        >>> from lrgd_jax.certify import trace, walk
        >>> from jax import numpy as jnp
        >>> field = SampledField(tuple(islice(small_primes(0), 2)), points=24, seed=0)
        >>> program = trace(lambda x: jnp.exp(jnp.exp(x + 1) - jnp.exp(x) * jnp.exp(1.0)), np.float32(0))
        >>> bool(walk(program, field, [field.random((), "x")])[0].array[()] - field.fraction(1, 1))
        False
    """

    def __init__(self, primes: tuple[int, ...], points: int, seed: int) -> None:
        super().__init__()
        self.moduli = Moduli(primes, points)
        self.seed = seed
        self.real, self.circle = (
            Homomorphism(self.moduli, functools.partial(self._known, f"root of {name}")) for name in ("exp", "circle")
        )
        self.decisions: list[int | None] = []
        self._logarithms: dict[bytes, Samples] = {}
        """What is known to be the exponential of what."""
        self._arguments: list[tuple[Samples, Samples]] = []
        self._symbols: dict[tuple[Number, ...], Samples] = {}
        self._extremes: dict[tuple[str, bytes], tuple[Samples, frozenset[bytes]]] = {}
        self._pivots = 0
        roots = [_root_of_minus_one(p) for p in primes]
        self._root = Samples(np.repeat(np.array(roots, np.uint64)[:, None], points, axis=1), self.moduli)

    @property
    def exponents(self) -> int:
        """How many different exponents have occurred."""
        return len(self.real.values) + len(self.circle.values)

    @property
    def members(self) -> int:
        """How many of them are independent."""
        return max(self.real.basis.members, self.circle.basis.members)

    @property
    def norm(self) -> float:
        """The largest sum of the magnitudes of the coefficients of a combination."""
        return float(max(self.real.norm, self.circle.norm))

    def random(self, shape: Sequence[int], name: str) -> Numbers:
        """Independent random elements."""
        flat = [self._element("input", name, k) for k in range(math.prod(shape))]
        return Numbers(as_objects(flat, tuple(shape)))

    def fraction(self, numerator: int, denominator: int) -> Samples:
        """A rational constant."""
        return self.moduli.constant(numerator, denominator)

    def differ(self, x: Number, y: Number) -> bool:
        """Whether two numbers are different.

        Raises:
            OrderError: one of them is none of the field.
        """
        if not isinstance(x, Samples) or not isinstance(y, Samples):
            raise OrderError("a side returns a number that is infinite or NaN")
        return bool(x - y)

    def exponential(self, x: Samples) -> Samples:
        """E to the power of x, which is positive."""
        value = self.real(x)
        self._logarithms.setdefault(value.key, x)
        return Samples(value.values, self.moduli, positive=True)

    def on_circle(self, x: Samples) -> Samples:
        """E to the power of i x."""
        return self.circle(x)

    def root_of_minus_one(self) -> Samples:
        """The same one at all points of a field."""
        return self._root

    def logarithm(self, x: Samples) -> Samples:
        """The exponent of what is an exponential, or differs from an earlier argument by one; else a symbol.

        Its laws hold for positive arguments: elsewhere one side of a law has a value and the other has none.
        """
        if not x - self.fraction(1, 1):
            return self.fraction(0, 1)
        if not x.positive:
            return self._known("log", x.key)
        if x.key in self._logarithms:
            return self._logarithms[x.key]
        for argument, logarithm in self._arguments:
            for above, below, sign in ((x, argument, 1), (argument, x, -1)):
                exponent = self._logarithms.get((above / below).key)
                if exponent is not None:
                    return self._is_logarithm(logarithm + exponent if sign == 1 else logarithm - exponent, x)
        symbol = self._known("log", x.key)
        self._arguments.append((x, symbol))
        self.real.adopt(symbol, x)
        return self._is_logarithm(symbol, x)

    def order(self, x: Number, y: Number) -> int:
        """Of numbers that differ by a constant, which is read off all points, or of a positive one and zero.

        Raises:
            OrderError: the difference is no known constant.
        """
        if place(x) or place(y):
            return super().order(x, y)
        constant = Fraction(1) if x.positive and not y else self.constant_of(x - y)
        if constant is None:
            return super().order(x, y)
        self.decisions.append((constant > 0) - (constant < 0))
        return self.decisions[-1] or 0

    def known_order(self, x: Number, y: Number) -> int | None:
        """By a constant difference, by a sign, or as a maximum is no less than its members."""
        if place(x) or place(y):
            return None
        self.decisions.append(1 if x.positive and not y else self._known_order(x - y))
        return self.decisions[-1]

    def _known_order(self, difference: Samples) -> int | None:
        constant = self.constant_of(difference)
        if constant is not None:
            return 1 if constant >= 0 else -1
        for (name, _), (symbol, members) in self._extremes.items():
            for sign, apart in ((1, difference), (-1, -difference)):
                # symbol - (x - y) is a member of the set whose maximum or minimum it is
                if (symbol - apart).key in members:
                    return sign if name == "max" else -sign
        return None

    def constant_of(self, x: Samples) -> Fraction | None:
        """The rational number that x is at all points, if it is one with few digits."""
        residues = x.values[:, 0]
        if (x.values != residues[:, None]).any():
            return None
        modulus, value = 1, 0
        for p, residue in zip(self.moduli.primes, residues.tolist(), strict=True):
            value += modulus * ((residue - value) * pow(modulus, -1, p) % p)
            modulus *= p
        return _rational(value, modulus)

    def pivot(self, column: Sequence[Number]) -> int | None:
        """Number entry that is zero at no point, at random: a result that depends on it shows.

        Raises:
            ZeroDivisionError: every entry is zero at some point.
        """
        self.pivots_open = True
        self._pivots += 1
        entries = [k for k, x in enumerate(column) if x.values.all()]
        if not entries:
            raise ZeroDivisionError("a matrix is singular at a point")
        return entries[_digest(self.seed, "pivot", self._pivots) % len(entries)]

    def symbol(self, name: str, *arguments: Number) -> Samples:
        """One random element for each name and arguments."""
        return self._known(name, *(x.key if isinstance(x, Samples) else x for x in arguments))

    def extreme(self, name: str, x: Number, y: Number) -> Number:
        """One symbol for the set of all numbers that were compared, whatever their order."""
        members = self._of(name, x) | self._of(name, y)
        if len(members) == 1:
            return x
        self.calls += 1
        symbol = self._known(name, *sorted(members))
        self._extremes[name, symbol.key] = symbol, members
        return symbol

    def _of(self, name: str, x: Number) -> frozenset[bytes]:
        if isinstance(x, Mask):
            raise OrderError("the maximum of nothing but masked logits has no value in a field")
        known = self._extremes.get((name, x.key))
        return frozenset({x.key}) if known is None else known[1]

    def _is_logarithm(self, exponent: Samples, x: Samples) -> Samples:
        return self._logarithms.setdefault(x.key, exponent)

    def _known(self, *key: Number) -> Samples:
        if key not in self._symbols:
            self._symbols[key] = self._element("symbol", *key)
        return self._symbols[key]

    def _element(self, *key: Number) -> Samples:
        shape = len(self.moduli.column), self.moduli.points
        # 128 bits for each, so that a remainder modulo 31 bits is uniform up to 2^-97
        drawn = np.random.default_rng(_digest(self.seed, *key)).integers(0, 1 << 62, (2, *shape), dtype=np.uint64)
        high, low = drawn % self.moduli.column
        return Samples((high * (np.uint64(1 << 31) % self.moduli.column) + low) % self.moduli.column, self.moduli)


def _root_of_minus_one(p: int) -> int:
    """By Euler's criterion: a power (p - 1)/4 of what is no square."""
    return next(root for root in (pow(a, (p - 1) // 4, p) for a in range(2, p)) if root * root % p == p - 1)


def _rational(value: int, modulus: int) -> Fraction | None:
    """The fraction a/b with few digits that is this residue, if there is one.

    Source:
        Wang, Guy and Davenport 1982 (rational reconstruction), with room to spare, so that chance gives none.
    """
    bound = 1 << min(modulus.bit_length() // 4, CONSTANT_BITS // 2)
    above, rest, first, second = modulus, value % modulus, 0, 1
    while rest > bound:
        quotient = above // rest
        above, rest, first, second = rest, above - quotient * rest, second, first - quotient * second
    return Fraction(rest, second) if 0 < abs(second) <= bound else None


def _digest(*key: Number) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=32).digest(), "big")
