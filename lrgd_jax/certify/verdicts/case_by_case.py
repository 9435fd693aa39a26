r"""Programs that compare numbers, certified case by case: every pattern of signs is decided symbolically, none sampled.

Comparisons, `max`, `abs` and `select` cut the arguments into cells. In each cell a program is one fraction of
polynomials (or of sums of exponentials), so two programs agree there if they agree at a random point of a random prime
field, as in `exact`. Cells in which affine forms are zero (the edges of a ReLU, ties of a maximum) are cells too: their
point is drawn on those planes. Whether a pattern of affine signs occurs at all is decided in rational numbers; where
other numbers are compared, both outcomes are taken to occur, and equality of the two numbers is left out, as a
condition.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import fmpq
from jax.extend import core

from lrgd_jax.certify.fields.cell_degrees import CellDegrees
from lrgd_jax.certify.fields.cell_order import Assumptions, is_affine
from lrgd_jax.certify.fields.cells import CellField, OpenSignError
from lrgd_jax.certify.fields.half_spaces import TooManyPlanesError, value_at, witness
from lrgd_jax.certify.fields.prime_fields import primes
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.tracing.jaxprs import ClosedJaxpr, inner_jaxprs
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.verdicts.array_fields import agree_on_arrays
from lrgd_jax.certify.verdicts.random_fields import (
    FALSE_ACCEPT,
    FEWEST_FIELDS,
    REFUSALS,
    Agreement,
    Disagreement,
    NotApplicable,
    Odds,
    Prepared,
    agree_exactly,
    differing,
)
from lrgd_jax.certify.verdicts.sampled_fields import agree_at_points, has_exponentials
from lrgd_jax.certify.walking.data_movement import shape_of
from lrgd_jax.certify.walking.walker import walk

__all__ = ["MOST_CASES", "MOST_SIGNS", "decide_exactly"]

MOST_SIGNS = 6
"""Signs that have to be assumed along one way through the programs: 3^6 cases at most, of which few occur."""

MOST_CASES = 800
"""Cells that are looked at."""

MOST_WORK = 20_000
"""Numbers that are computed in one field, in all cells together: some seconds."""

_MOST_FIELDS = 4
_RESAMPLED = 4


def decide_exactly(
    left: Program, right: Program, prepared: Prepared, *, seed: int, target: float = FALSE_ACCEPT
) -> Agreement | Disagreement | NotApplicable:
    """As `agree_exactly`; what that leaves open is decided at many points, or case by case.

    Nested exponentials, and sums of them that grow too large, are decided at many points of several fields, or in
    towers of fields where there are too many for that; programs that compare numbers case by case, if cases are few.

    Args:
        left: one program.
        right: the other, of the same inputs.
        prepared: their inputs.
        seed: of primes, points and symbols.
        target: the probability that is asked for.
    """
    found = agree_exactly(left, right, prepared, seed=seed, target=target)
    if isinstance(found, Agreement) or (isinstance(found, Disagreement) and (found.certain or found.settled)):
        return found
    if has_exponentials(left, right):
        at_points = agree_at_points(left, right, prepared, seed=seed, target=target)
        if isinstance(at_points, Agreement):
            return at_points
        # what a single field cannot say of a program, many may still tell apart, or towers of fields
        if isinstance(at_points, NotApplicable) and isinstance(found, NotApplicable):
            at_points = agree_on_arrays(left, right, prepared, seed=seed, target=target)
            if isinstance(at_points, Agreement):
                return at_points
        found = found if isinstance(at_points, NotApplicable) else at_points
    cases = _agree_in_cells(left, right, prepared, seed, target)
    if not isinstance(cases, NotApplicable):
        return cases
    return NotApplicable(f"{found.reason}; {cases.reason}") if isinstance(found, NotApplicable) else found


def _agree_in_cells(
    left: Program, right: Program, prepared: Prepared, seed: int, target: float
) -> Agreement | Disagreement | NotApplicable:
    moduli = list(itertools.islice(primes(seed), _MOST_FIELDS))
    odds: list[Odds] = []
    try:
        for used, modulus in enumerate(moduli, 1):
            cells = _Cells(left, right, prepared, modulus, seed)
            odds = list(cells.leaves())
            if cells.apart is not None:
                return cells.apart
            wrong = min(1.0, sum(one.false_accept(1) for one in odds))
            if wrong**_MOST_FIELDS > target:
                break
            if used >= FEWEST_FIELDS and wrong**used <= target:
                return Agreement(
                    fields=tuple(moduli[:used]),
                    degree=int(max(one.degree for one in odds)),
                    symbols=max(one.calls for one in odds),
                    false_accept=wrong**used,
                    cases=len(odds),
                    left_out=cells.left_out,
                )
    except (*REFUSALS, TooManyPlanesError) as reason:
        return NotApplicable(str(reason))
    except ZeroDivisionError:
        return NotApplicable("a divisor is zero at every point of a case")
    return NotApplicable(f"{_MOST_FIELDS} random fields prove too little of {len(odds)} cases of comparisons")


class _Cells:
    """The cells of one field, looked at one by one.

    Attributes:
        apart: where the sides differ; None if they agree in all cells.
        left_out: whether numbers that are no affine forms were compared, and taken not to be equal.
    """

    def __init__(self, left: Program, right: Program, prepared: Prepared, modulus: int, seed: int) -> None:
        self.programs = left, right
        self.prepared = prepared
        self.modulus = modulus
        self.seed = seed
        self.apart: Disagreement | None = None
        self.left_out = False
        self.work = sum(_work(program.jaxpr.jaxpr) for program in self.programs)

    def leaves(self) -> Iterator[Odds]:
        """Every cell that occurs, until one is found in which the sides differ.

        Raises:
            OrderError: there are too many, or a difference lies in a cell that may not occur.
        """
        waiting: list[Assumptions] = [{}]
        seen = 0
        while waiting and self.apart is None:
            assumptions = waiting.pop()
            try:
                found = self._look(assumptions)
            except OpenSignError as choice:
                if len(assumptions) >= MOST_SIGNS:
                    raise OrderError(
                        f"the program compares numbers, and more than {MOST_SIGNS} comparisons are open at once; "
                        "smaller shapes have fewer cases"
                    ) from None
                waiting += [{**assumptions, choice.atom: sign} for sign in choice.signs]
                continue
            seen += 1
            if seen > MOST_CASES or seen * self.work > MOST_WORK:
                raise OrderError(
                    f"the program compares numbers, with more than {seen - 1} cases; smaller shapes have fewer"
                )
            if found is not None:
                yield found

    def _look(self, assumptions: Assumptions) -> Odds | None:
        """Both sides in one cell; None where they differ, which `apart` then tells."""
        field, results = self._evaluated(assumptions)
        self.left_out = self.left_out or field.compared > 0
        entries = sum(differing(field, x, y) for x, y in zip(*results, strict=True))
        if not entries:
            return Odds.of(*self.programs, self.prepared, field, CellDegrees(field.signs, assumptions))
        if not all(is_affine(atom) for atom in assumptions):
            raise OrderError("the sides differ in a case of which it is not known whether it occurs")
        certain = not (field.calls or field.masked)
        self.apart = Disagreement(self.modulus, entries, certain, self._point(assumptions))
        return None

    def _evaluated(self, assumptions: Assumptions) -> tuple[CellField, tuple[list[Any], list[Any]]]:
        for attempt in range(_RESAMPLED):
            field = CellField(self.modulus, self.seed * _RESAMPLED + attempt, assumptions)
            try:
                inputs = self.prepared.leaves(field, field.random)
                left, right = (walk(program, field, inputs) for program in self.programs)
            except ZeroDivisionError:
                continue
            return field, (left, right)
        raise ZeroDivisionError

    def _point(self, assumptions: Assumptions) -> tuple[np.ndarray, ...] | None:
        """A point of the cell, if numbers of 64 bits can name one."""
        signs = tuple((atom, sign) for atom, sign in assumptions.items() if not isinstance(atom, int))
        found = witness(signs)
        if found is None:
            return None
        leaves, start = [], 0
        for x in self.prepared.inputs:
            if not jnp.issubdtype(x.dtype, jnp.inexact):
                leaves.append(np.asarray(x))
                continue
            size = int(np.prod(x.shape))
            leaves.append(np.array([_float(found, start + k) for k in range(size)]).reshape(x.shape))
            start += size
        rounded = {k: fmpq(*y.as_integer_ratio()) for k, y in enumerate(_flat(self.prepared.inputs, leaves))}
        # a third has no float, and beside a plane the sides may well agree
        kept = all(_sign(value_at(form, rounded)) == sign for form, sign in signs)
        return tuple(leaves) if kept else None


def _work(jaxpr: core.Jaxpr) -> int:
    """How many numbers a program computes, products of contractions included; a loop counts once."""
    own = sum(_products(eqn) * math.prod(shape_of(var)) for eqn in jaxpr.eqns for var in eqn.outvars)
    inner = (x for eqn in jaxpr.eqns for x in inner_jaxprs(eqn))
    return own + sum(_work(x.jaxpr if isinstance(x, ClosedJaxpr) else x) for x in inner)


def _products(eqn: core.JaxprEqn) -> int:
    if eqn.primitive.name != "dot_general":
        return 1
    (contracted, _), _ = eqn.params["dimension_numbers"]
    return math.prod(shape_of(eqn.invars[0])[axis] for axis in contracted)


def _float(point: Mapping[int, fmpq], k: int) -> float:
    number = point.get(k, 1 + fmpq(k, 4))
    return int(number.p) / int(number.q)


def _flat(inputs: Any, leaves: list[np.ndarray]) -> list[float]:
    floating = (leaf for x, leaf in zip(inputs, leaves, strict=True) if jnp.issubdtype(x.dtype, jnp.inexact))
    return [y for leaf in floating for y in leaf.ravel().tolist()]


def _sign(x: fmpq) -> int:
    return int(x > 0) - int(x < 0)
