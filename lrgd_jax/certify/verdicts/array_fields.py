r"""The exact layer for programs on large arrays: two programs at one point of several independent towers of primes.

A wrong identity passes only if it does so in every tower, by one of two errors: two arguments of symbols that differ
count as one, which they must do in all towers at once, or a difference that is not zero is zero. Each is a polynomial
with integer coefficients, of degree D in inputs, symbols and exponentials, that vanishes at a random point: with
probability at most $b + D/p$ in one tower, where b is that of a prime that divides all coefficients and p the first
prime (Schwartz 1980, Zippel 1979). The towers are independent, so the probabilities multiply.

Inputs and symbols are uniform by construction. Exponentials are where the exponents of what is compared are jointly
uniform, up to combinations with whole coefficients: a condition, which `docs/how-sure.md` proves for a layer of softmax
attention and which is taken for granted of exponentials within exponentials. An agreement says that it has exponentials
(`Agreement.depth`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.array_degrees import ArrayDegrees
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.residue_arrays import Residues
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.fields.tower_field import TowerField
from lrgd_jax.certify.fields.towers import ATTEMPTS, MOST_DEPTH, Towers, base_bits, draw_tower, primes_to_draw
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.verdicts.agreements import (
    FALSE_ACCEPT,
    REFUSALS,
    Agreement,
    Disagreement,
    NotApplicable,
    Prepared,
)
from lrgd_jax.certify.walking.walker import walk

__all__ = ["LARGE", "NORM", "agree_on_arrays"]

LARGE = 60_000
"""Programs that compute so many numbers, products of contractions included, are evaluated on arrays."""

NORM = 32
"""The magnitudes of the coefficients of an exponent, as a combination of independent ones, sum up to no more."""

_FEWEST_TOWERS, _MOST_TOWERS = 2, 16
_RESAMPLED = 8
_DECIDED_ELSEWHERE = 64
"""So few numbers that are compared may be decided case by case."""

_WITH_LAWS = frozenset({"log", "log1p", "log2", "cos", "sin", "tan"})
"""Symbols of which other layers know laws."""


def agree_on_arrays(
    left: Program, right: Program, prepared: Prepared, *, seed: int, target: float = FALSE_ACCEPT
) -> Agreement | Disagreement | NotApplicable:
    """Evaluates both programs in as many towers as make a wrong identity pass as seldom as is asked for.

    Args:
        left: one program.
        right: the other, of the same inputs.
        prepared: their inputs.
        seed: of towers, point and symbols.
        target: the probability that is asked for.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import trace
        >>> x = jax.ShapeDtypeStruct((64,), jnp.float32)
        >>> two = trace(lambda x: jnp.exp(x) / jnp.exp(x).sum(), x), trace(jax.nn.softmax, x)
        >>> agreement = agree_on_arrays(*two, Prepared([x]), seed=0)
        >>> agreement.depth, agreement.false_accept <= FALSE_ACCEPT
        (1, True)
    """
    try:
        odds = ArrayOdds.of(left, right, prepared)
        towers = odds.towers(target)
        entries, field = _compare(left, right, prepared, towers, odds.system.depth, seed)
    except REFUSALS as reason:
        return NotApplicable(str(reason))
    except ZeroDivisionError:
        return NotApplicable("a divisor is zero at every point that was tried, so the program has no value")
    except ArithmeticError as reason:
        return NotApplicable(str(reason))
    if not entries:
        primes = tuple(tower.primes[-1] for tower in field.towers.towers)
        wrong = odds.false_accept(towers)
        return Agreement(primes, int(odds.difference.degree), field.calls, wrong, depth=odds.system.depth)
    certain = not (field.calls or field.masked)
    return Disagreement(field.towers.towers[0].primes[-1], entries, certain, settled=not odds.laws)


def _compare(
    left: Program, right: Program, prepared: Prepared, towers: int, depth: int, seed: int
) -> tuple[int, TowerField]:
    """How many entries differ at a point where every divisor is not zero."""
    drawn = Towers(tuple(draw_tower(seed, number, depth) for number in range(towers)))
    for attempt in range(_RESAMPLED):
        field = TowerField(drawn, seed * _RESAMPLED + attempt)
        try:
            inputs = prepared.leaves(field, field.random)
            results = [walk(program, field, inputs) for program in (left, right)]
        except ZeroDivisionError:
            continue
        return sum(_differing(*pair) for pair in zip(*results, strict=True)), field
    raise ZeroDivisionError


def _differing(x: Number, y: Number) -> int:
    """How many entries of two results of one shape differ, in any tower."""
    if not isinstance(x, Residues) or not isinstance(y, Residues):
        return int(np.sum(np.asarray(x) != np.asarray(y)))
    if x.kinds is not None or y.kinds is not None:
        raise OrderError("a side returns a number that is infinite or NaN")
    start, rank = max(x.start, y.start), len(x.shape)
    return int((x.above(start, rank) != y.above(start, rank)).any(axis=0).sum())


@dataclass(frozen=True)
class ArrayOdds:
    """What bounds the probability that a wrong identity agrees.

    Attributes:
        difference: bounds the cross difference of both sides.
        system: what else the degrees' walk has met.
    """

    difference: Size
    system: ArrayDegrees

    @classmethod
    def of(cls, left: Program, right: Program, prepared: Prepared) -> ArrayOdds:
        """Of two programs.

        Raises:
            OrderError: exponentials lie too deep within each other.
        """
        system = ArrayDegrees()
        # a degree out of the range of floats is infinite, and proves nothing
        with np.errstate(over="ignore", invalid="ignore"):
            inputs = prepared.leaves(system, lambda shape, _: system.variables(shape))
            pairs = zip(*(walk(program, system, inputs) for program in (left, right)), strict=True)
            differences = [x.size - y.size for x, y in pairs if not isinstance(x, np.ndarray)]
        if system.depth > MOST_DEPTH:
            raise OrderError(f"exponentials lie more than {MOST_DEPTH} deep within each other")
        degree = max((one.degree for one in differences), default=0.0)
        return cls(Size(degree=degree, bits=max((one.digits for one in differences), default=0.0)), system)

    @property
    def laws(self) -> bool:
        """Whether a difference may be one that another layer does not see."""
        return bool(self.system.names & _WITH_LAWS) or 0 < self.system.compared <= _DECIDED_ELSEWHERE

    def zero(self, degree: float, digits: float) -> float:
        """The probability, at most, that a polynomial that is not zero is zero in one tower."""
        depth = self.system.depth
        bits = base_bits(depth)
        # a combination may have negative coefficients too, which a power of its variables clears
        factor = 2 * NORM if depth else 1
        outside = 2.0 ** (bits - 1) - factor * self.system.excluded
        if not outside > 0 or not math.isfinite(degree) or not math.isfinite(digits):
            return 1.0
        attempts = ATTEMPTS if depth else 1
        bad_prime = attempts * math.ceil(digits / (bits - 1)) / primes_to_draw(depth)
        return min(1.0, bad_prime + factor * degree / outside)

    def false_accept(self, towers: int) -> float:
        """Of a point in that many towers."""
        system = self.system
        pairs = self.zero(2 * system.argument, 2 * system.digits + 1)
        last = self.zero(self.difference.degree, self.difference.bits)
        return min(1.0, system.keys**2 * pairs**towers + last**towers)

    def towers(self, target: float) -> int:
        """How many are needed.

        Raises:
            OrderError: no number suffices.
        """
        for towers in range(_FEWEST_TOWERS, _MOST_TOWERS + 1):
            if self.false_accept(towers) <= target:
                return towers
        raise OrderError(
            f"the degree {self.difference.degree:.3g} is so large that points of {_MOST_TOWERS} towers prove little"
        )
