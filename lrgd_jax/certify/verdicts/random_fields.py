r"""The exact layer: two programs at random points of random prime fields, and how likely a wrong identity passes.

If the sides are not equal as fractions of polynomials (or of sums of exponentials), their cross difference has a
coefficient that is a non-zero polynomial of degree at most D. A random point of GF(p) is a zero of it with probability
at most D/p (Schwartz 1980, Zippel 1979), unless p divides all its integer coefficients, which few of the primes between
2^60 and 2^61 do. So the primes are drawn too. What else may go wrong is added: two arguments of free symbols, or two
exponents, that differ but take one value at the point.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrgd_jax.certify.exact.algebra import Numbers
from lrgd_jax.certify.fields.degrees import Degrees
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.prime_fields import BITS, PrimeField, primes
from lrgd_jax.certify.fields.sampled_field import SampledField
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.tracing.cost import cost_of
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.tracing.structures import comparable
from lrgd_jax.certify.verdicts.agreements import (
    FALSE_ACCEPT,
    REFUSALS,
    Agreement,
    Disagreement,
    NotApplicable,
    Prepared,
)
from lrgd_jax.certify.verdicts.array_fields import LARGE, agree_on_arrays
from lrgd_jax.certify.walking.discrete import Open, UndecidableError
from lrgd_jax.certify.walking.walker import walk

__all__ = [
    "FALSE_ACCEPT",
    "FEWEST_FIELDS",
    "REFUSALS",
    "Agreement",
    "Disagreement",
    "NotApplicable",
    "Odds",
    "Prepared",
    "agree_exactly",
    "cross_differences",
    "differing",
]

FEWEST_FIELDS = 2
"""A certificate has a point in each of at least so many fields."""

_MOST_FIELDS = 8
_RESAMPLED = 8

# Rosser & Schoenfeld 1962, corollary 3 of theorem 2: more than 3x/(5 ln x) primes lie between x and 2x, x >= 20.5.
_PRIMES_TO_DRAW = 3 * 2.0 ** (BITS - 1) / (5 * (BITS - 1) * math.log(2))


def agree_exactly(
    left: Program, right: Program, prepared: Prepared, *, seed: int, target: float = FALSE_ACCEPT
) -> Agreement | Disagreement | NotApplicable:
    """Evaluates both programs at random points until a wrong identity would pass with at most the target probability.

    Programs that compute many numbers are evaluated on whole arrays (`array_fields`).

    Args:
        left: one program.
        right: the other, of the same inputs.
        prepared: their inputs.
        seed: of primes, points and symbols.
        target: the probability that is asked for.

    Raises:
        StructureError: the programs return different structures or shapes.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import trace
        >>> x = jax.ShapeDtypeStruct((2,), jnp.float32)
        >>> left, right = trace(lambda x: (x + 1) ** 2, x), trace(lambda x: x * x + 2 * x + 1, x)
        >>> agreement = agree_exactly(left, right, Prepared([x]), seed=0)
        >>> agreement.degree, agreement.false_accept <= FALSE_ACCEPT
        (2, True)

    Source:
        Schwartz 1980; Zippel 1979.
    """
    comparable(left, right)
    if cost_of(left, right).numbers >= LARGE:
        at_once = agree_on_arrays(left, right, prepared, seed=seed, target=target)
        if isinstance(at_once, Agreement) or (
            isinstance(at_once, Disagreement) and (at_once.certain or at_once.settled)
        ):
            return at_once
    try:
        moduli = list(itertools.islice(primes(seed), _MOST_FIELDS))
        entries, field = _compare(left, right, prepared, moduli[0], seed)
        if entries:
            return Disagreement(moduli[0], entries, certain=not (field.calls or field.masked))
        # how often symbols are asked for depends on the program, not on the point
        odds = Odds.of(left, right, prepared, field)
        moduli = moduli[: odds.fields(target)]
        for modulus in moduli[1:]:
            entries, field = _compare(left, right, prepared, modulus, seed)
            if entries:
                return Disagreement(modulus, entries, certain=not (field.calls or field.masked))
            # exponents that take one value at a point are counted once there
            odds = replace(odds, labels=max(odds.labels, field.labels))
    except REFUSALS as reason:
        return NotApplicable(str(reason))
    except ZeroDivisionError:
        return NotApplicable("a divisor is zero at every point that was tried, so the program has no value")
    return Agreement(tuple(moduli), int(odds.degree), odds.calls, odds.false_accept(len(moduli)))


def _compare(left: Program, right: Program, prepared: Prepared, modulus: int, seed: int) -> tuple[int, PrimeField]:
    """How many entries differ at a point where every divisor is not zero."""
    for attempt in range(_RESAMPLED):
        field = PrimeField(modulus, seed * _RESAMPLED + attempt)
        try:
            inputs = prepared.leaves(field, field.random)
            results = [walk(program, field, inputs) for program in (left, right)]
        except ZeroDivisionError:
            continue
        return sum(differing(field, *pair) for pair in zip(*results, strict=True)), field
    raise ZeroDivisionError


def differing(field: PrimeField | SampledField, x: Any, y: Any) -> int:
    """How many entries of two results of one shape differ.

    Raises:
        UndecidableError: one of them is a comparison that is not decided.
    """
    if isinstance(x, Open) or isinstance(y, Open):
        raise UndecidableError("a side returns a comparison that is not decided")
    if isinstance(x, Numbers) and isinstance(y, Numbers):
        return sum(field.differ(a, b) for a, b in zip(x.array.ravel(), y.array.ravel(), strict=True))
    return int(np.sum(np.asarray(x) != np.asarray(y)))


def cross_differences(left: Program, right: Program, prepared: Prepared, system: Degrees) -> list[Size]:
    """The size of the difference of both sides over a common denominator, for each entry of the results."""
    inputs = prepared.leaves(system, lambda shape, _: system.variables(shape))
    pairs = zip(*(walk(program, system, inputs) for program in (left, right)), strict=True)
    # what both sides divide by has a name on each of them, so this is the cross difference
    return [
        a - b
        for x, y in pairs
        if isinstance(x, Numbers)
        for a, b in zip(x.array.ravel(), y.array.ravel(), strict=True)
        if isinstance(a, Size) and isinstance(b, Size)
    ]


@dataclass(frozen=True)
class Odds:
    """What bounds the probability that a wrong identity agrees at a random point of a random field.

    Attributes:
        degree: of the cross difference of both sides.
        digits: binary digits of its coefficients.
        terms: how many exponentials it has.
        calls: how often symbols and exponentials were asked for.
        labels: how many exponents occur within arguments of symbols and of other exponentials.
        exponent: the largest degree of an exponent.
        width: binary digits of one.
        system: what else the degrees' walk has met.
    """

    degree: float
    digits: float
    terms: float
    calls: int
    labels: int
    exponent: float
    width: float
    system: Degrees

    @classmethod
    def of(
        cls, left: Program, right: Program, prepared: Prepared, field: PrimeField, system: Degrees | None = None
    ) -> Odds:
        """Of two programs that were evaluated in a field; `system` walks them as the field did."""
        system = Degrees() if system is None else system
        # a degree out of the range of floats is infinite, and proves nothing
        with np.errstate(over="ignore", invalid="ignore"):
            differences = cross_differences(left, right, prepared, system)
        return cls(
            degree=max((one.degree for one in differences), default=0.0),
            digits=max((one.digits for one in differences), default=0.0),
            terms=max((one.terms for one in differences), default=0.0),
            calls=field.calls,
            labels=field.labels,
            exponent=max((one.exponent for one in differences), default=0.0),
            width=max((one.width for one in differences), default=0.0),
            system=system,
        )

    @property
    def collisions(self) -> float:
        """Degrees of what must not be zero lest two numbers that differ count as one.

        Those are the exponents of the difference beside the one whose coefficient is not zero, the arguments of symbols
        and exponentials in pairs (and each beside zero), and the exponents within these arguments in pairs.
        """
        arguments = self.system.keys**2 * self.system.argument + self.labels**2 * self.system.exponent
        return 2 * self.exponent * self.terms + arguments

    @property
    def bits(self) -> float:
        """Binary digits of all those polynomials: a prime that divides one may be a bad one."""
        arguments = self.system.keys**2 * (self.system.digits + 1) + self.labels**2 * (self.system.width + 1)
        return self.digits + 2 * (self.width + 1) * self.terms + arguments

    def false_accept(self, fields: int) -> float:
        """Of a point in each of that many fields."""
        smallest = 2.0 ** (BITS - 1)
        if not self.system.excluded < smallest or not math.isfinite(self.bits) or not math.isfinite(self.degree):
            return 1.0
        bad_prime = math.ceil(self.bits / (BITS - 1)) / _PRIMES_TO_DRAW
        zero = (self.degree + self.collisions) / (smallest - self.system.excluded)
        return min(1.0, bad_prime + zero) ** fields

    def fields(self, target: float) -> int:
        """How many fields are needed.

        Raises:
            OrderError: no number suffices, because the degrees are of the size of the primes.
        """
        for fields in range(FEWEST_FIELDS, _MOST_FIELDS + 1):
            if self.false_accept(fields) <= target:
                return fields
        raise OrderError(
            f"the degree {self.degree:.3g} is so large that random points of fields of {BITS} bits prove little; balls "
            "can enclose the difference"
        )
