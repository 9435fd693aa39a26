r"""The exact layer for nested exponentials: two programs at many points of several random fields.

A wrong identity passes only if it does so in every field, by one of three errors: two arguments that differ count as
one, an exponent counts as a combination of others that it is not, or a difference that is not zero counts as zero. Each
says of one polynomial with integer coefficients that it is zero at all the points of a field. Its probability is at
most that of a prime that divides all coefficients, plus $(D/p)^K$ at $K$ independent points (Schwartz 1980, Zippel
1979). The primes are independent, so F fields give its F-th power; then all polynomials that there may be are counted.
The exponentials of the basis need not be independent: they are variables, and what holds for all of them holds for exp.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from jax.extend import core

from lrgd_jax.certify.fields.exponent_basis import DENOMINATOR, HEIGHT, SPARE_POINTS, SUPPORT, TooFewPointsError
from lrgd_jax.certify.fields.homomorphism import ROOT
from lrgd_jax.certify.fields.sampled_degrees import SampledDegrees
from lrgd_jax.certify.fields.sampled_field import PRIME_BITS, SampledField, small_primes
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.tracing.cost import cost_of
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, inner_jaxprs
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.verdicts.random_fields import (
    FALSE_ACCEPT,
    REFUSALS,
    Agreement,
    Disagreement,
    NotApplicable,
    Prepared,
    cross_differences,
    differing,
)
from lrgd_jax.certify.walking.data_movement import shape_of
from lrgd_jax.certify.walking.walker import walk

__all__ = ["MOST_FIELDS", "MOST_NUMBERS", "NestedOdds", "agree_at_points", "has_exponentials"]

FIRST_FIELDS, MOST_FIELDS = 3, 24
FEWEST_POINTS, MOST_POINTS = 32, 320
MOST_NUMBERS = 60_000
"""Numbers that the programs compute, products of contractions included: some seconds."""

EXPONENTIAL = ("exp", "exp2", "expm1", "logistic", "tanh", "sinh", "cosh", "log", "log1p", "log2", "cos", "sin")
"""Primitives that are computed by exponentials and logarithms, or by the unit circle."""

_RESAMPLED = 4

# Ramare & Rumely 1996, theorem 2: up to 10^10 the logarithms of the primes 4k + 1 below x sum up to x/2, with an error
# of at most 2.072 sqrt(x); so at least this many of them lie between 2^30 and 2^31.
_PRIMES_TO_DRAW = (2.0 ** (PRIME_BITS - 2) - 2.072 * 2 * 2.0 ** (PRIME_BITS / 2)) / (PRIME_BITS * math.log(2))

_COEFFICIENTS = (2 * HEIGHT + 1) * DENOMINATOR
"""So many coefficients of an exponent are possible, or fewer."""


def agree_at_points(
    left: Program, right: Program, prepared: Prepared, *, seed: int, target: float = FALSE_ACCEPT
) -> Agreement | Disagreement | NotApplicable:
    """Evaluates both programs at points of several fields, until a wrong identity would pass as seldom as asked.

    Args:
        left: one program.
        right: the other, of the same inputs.
        prepared: their inputs.
        seed: of primes, points and symbols.
        target: the probability that is asked for.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import trace
        >>> x = jax.ShapeDtypeStruct((2,), jnp.float32)
        >>> two = trace(lambda x: jnp.exp(jnp.tanh(x)) ** 2, x), trace(lambda x: jnp.exp(2 * jnp.tanh(x)), x)
        >>> agreement = agree_at_points(*two, Prepared([x]), seed=0)
        >>> agreement.false_accept <= FALSE_ACCEPT
        True
    """
    if cost_of(left, right).numbers > MOST_NUMBERS:
        return NotApplicable(f"evaluating it at many points computes more than {MOST_NUMBERS} numbers")
    if _exponents_of_one(left, right) > 2 * MOST_POINTS:
        return NotApplicable(f"it has more than {2 * MOST_POINTS} exponents, too many to find which are independent")
    try:
        return _agree(left, right, prepared, seed, target)
    except REFUSALS as reason:
        return NotApplicable(str(reason))
    except ZeroDivisionError:
        return NotApplicable("a divisor is zero at some of the points whatever they are, so the program has no value")


def _agree(
    left: Program, right: Program, prepared: Prepared, seed: int, target: float
) -> Agreement | Disagreement | NotApplicable:
    # most programs that differ do so in every field
    entries, field = _compare(left, right, prepared, FIRST_FIELDS, seed)
    if entries:
        return _disagreement(entries, field)
    odds, decisions = NestedOdds.of(left, right, prepared, field), field.decisions
    fields = odds.fields(target)
    entries, field = _compare(left, right, prepared, fields, seed)
    if entries:
        return _disagreement(entries, field)
    if field.decisions != decisions:
        return NotApplicable("how numbers compare does not come out the same in all fields")
    odds = replace(odds, norm=field.norm, points=field.moduli.points)
    wrong = odds.false_accept(fields)
    if wrong > target:
        return NotApplicable(f"{fields} fields of {PRIME_BITS} bits prove too little")
    return Agreement(field.moduli.primes, int(odds.degree), odds.calls, wrong)


def _disagreement(entries: int, field: SampledField) -> Disagreement:
    # symbols stand for every function, and an exponential may satisfy laws that are not looked for
    return Disagreement(field.moduli.primes[0], entries, certain=False)


def _compare(left: Program, right: Program, prepared: Prepared, fields: int, seed: int) -> tuple[int, SampledField]:
    """How many entries differ, with as many points as the exponents need."""
    expected = _exponents_of_one(left, right) + SPARE_POINTS
    points = max(FEWEST_POINTS, min(MOST_POINTS, expected + expected // 4))
    primes = tuple(itertools.islice(small_primes(seed), fields))
    while True:
        try:
            return _compare_at(left, right, prepared, primes, points, seed)
        except TooFewPointsError as few:
            if points == MOST_POINTS:
                raise OrderError(f"{few}: too many for this layer") from few
            points = min(2 * points, MOST_POINTS)


def _compare_at(
    left: Program, right: Program, prepared: Prepared, primes: tuple[int, ...], points: int, seed: int
) -> tuple[int, SampledField]:
    for attempt in range(_RESAMPLED):
        field = SampledField(primes, points, seed * _RESAMPLED + attempt)
        try:
            inputs = prepared.leaves(field, field.random)
            results = [walk(program, field, inputs) for program in (left, right)]
        except ZeroDivisionError:
            continue
        return sum(differing(field, *pair) for pair in zip(*results, strict=True)), field
    raise ZeroDivisionError


def has_exponentials(*programs: Program) -> bool:
    """Whether any of them takes an exponential or a logarithm."""
    return any(_exponents(program.jaxpr.jaxpr) for program in programs)


def _exponents_of_one(*programs: Program) -> int:
    """How many exponents there are, of which often some are the same; those of one side are often those of others."""
    return max(_exponents(program.jaxpr.jaxpr) for program in programs)


def _exponents(jaxpr: core.Jaxpr) -> int:
    """How many numbers a program takes an exponential or a logarithm of; a loop counts once."""
    total = 0
    for eqn in jaxpr.eqns:
        total += sum(math.prod(shape_of(var)) for var in eqn.outvars) if eqn.primitive.name in EXPONENTIAL else 0
        total += sum(_exponents(x.jaxpr if isinstance(x, ClosedJaxpr) else x) for x in inner_jaxprs(eqn))
    return total


@dataclass(frozen=True)
class NestedOdds:
    """What bounds the probability that a wrong identity agrees at all points.

    Attributes:
        degree: of the cross difference of both sides, in inputs, symbols and exponentials.
        digits: binary digits of its coefficients.
        calls: how often symbols and exponentials were asked for.
        exponents: how many different ones occurred.
        members: of the basis.
        rounds: how deep logarithms lie within exponentials.
        norm: the largest sum of the magnitudes of a combination's coefficients; combinations that hold are the same
            whatever the points are.
        points: in each field.
        system: what else the degrees' walk has met.
    """

    degree: float
    digits: float
    calls: int
    exponents: int
    members: int
    rounds: int
    norm: float
    points: int
    system: SampledDegrees

    @classmethod
    def of(cls, left: Program, right: Program, prepared: Prepared, field: SampledField) -> NestedOdds:
        """Of two programs that were evaluated in a field."""
        system = SampledDegrees(field.decisions)
        # a degree out of the range of floats is infinite, and proves nothing
        with np.errstate(over="ignore", invalid="ignore"):
            differences = cross_differences(left, right, prepared, system)
        return cls(
            degree=max((one.degree for one in differences), default=0.0),
            digits=max((one.digits for one in differences), default=0.0),
            calls=field.calls,
            exponents=field.exponents,
            members=field.members,
            rounds=field.real.rounds,
            norm=field.norm,
            points=field.moduli.points,
            system=system,
        )

    @property
    def exponential(self) -> tuple[float, float]:
        r"""Degree and binary digits of an exponential, a product of roots and of what logarithms were taken of.

        The exponential of a member of the basis is a power `ROOT`, or the argument of a logarithm, in which there are
        exponentials of the round before.
        """
        factors = self.norm
        degree, digits = factors * ROOT, 0.0
        for _ in range(self.rounds):
            inner = self.system.logarithms
            digits = factors * (self.system.logarithm_digits + inner * digits)
            degree = factors * (ROOT + inner * degree)
        return degree, digits

    def zero_everywhere(self, degree: float, digits: float) -> float:
        """The probability, at most, that a polynomial that is not zero is zero at all the points of a random field.

        One of the points may have said which polynomial it is.
        """
        of_one, digits_of_one = self.exponential
        # a prime that divides a number a + b i divides its norm, which has twice the digits
        total, bits = degree * of_one, 2 * (digits + degree * digits_of_one) + 1
        outside = 2.0 ** (PRIME_BITS - 1) - self.system.excluded * of_one
        if not outside > 0 or not math.isfinite(total) or not math.isfinite(bits):
            return 1.0
        bad_prime = math.ceil(bits / (PRIME_BITS - 1)) / _PRIMES_TO_DRAW
        return min(1.0, bad_prime + min(1.0, total / outside) ** (self.points - 1))

    def false_accept(self, fields: int) -> float:
        """Of that many fields."""
        system = self.system
        pairs = self.zero_everywhere(2 * system.argument, 2 * system.digits + 1)
        of_members = SUPPORT + 1
        combinations = self.zero_everywhere(
            of_members * system.argument, of_members * (system.digits + math.log2(HEIGHT * math.factorial(DENOMINATOR)))
        )
        possible = self.exponents * (max(self.members, 1) * _COEFFICIENTS) ** float(SUPPORT)
        last = self.zero_everywhere(self.degree, self.digits)
        return min(1.0, system.keys**2 * pairs**fields + possible * combinations**fields + last**fields)

    def fields(self, target: float) -> int:
        """How many fields are needed.

        Raises:
            OrderError: no number suffices, because the degrees are too large.
        """
        for fields in range(FIRST_FIELDS, MOST_FIELDS + 1):
            if self.false_accept(fields) <= target:
                return fields
        raise OrderError(
            f"the degree {self.degree:.3g} is so large that points of {MOST_FIELDS} fields prove little; balls can "
            "enclose the difference"
        )
