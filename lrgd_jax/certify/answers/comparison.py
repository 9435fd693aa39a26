"""What two functions of a user are found to be: layers, points and the search for a counterexample put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify.answers.certificates import SAME_PROGRAM, Certificate, Integers
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.result_texts import Exact, Rigorous, versions
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.balls.undefined_values import OneSided
from lrgd_jax.certify.counterexamples.divergence import Divergence, find_divergence
from lrgd_jax.certify.points.decision_margins import SidePrograms
from lrgd_jax.certify.points.function_pairs import (
    Arguments,
    Pair,
    arguments_of,
    compare_at,
    leaves_of,
    names_of,
    trace_pair,
)
from lrgd_jax.certify.points.sample_points import (
    MOST_INTEGERS,
    Leaf,
    Point,
    integer_choices,
    number_of_integers,
    random_points,
)
from lrgd_jax.certify.points.trials import (
    NUMBERS,
    CompareAt,
    Trials,
    most_points,
    points_to_try,
    try_points,
    with_unreached,
)
from lrgd_jax.certify.tracing.cost import cost_of
from lrgd_jax.certify.tracing.shapes import Shapes, Sizes
from lrgd_jax.certify.verdicts.case_by_case import decide_exactly
from lrgd_jax.certify.verdicts.conditions import conditions_of
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion, Relation
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable, Prepared

__all__ = ["FEWEST_INTEGERS", "ONE_SIDED", "Comparison", "NotCertifiableError"]

FEWEST_INTEGERS = 16
"""So many choices of all integer arguments together are enumerated, whatever that costs."""


ONE_SIDED = "one of the functions alone has a value at a point"


class NotCertifiableError(ValueError):
    """Neither layer can say anything of two functions.

    Examples:
        >>> import jax
        >>> from lrgd_jax.certify import equal
        >>> bessel = jax.scipy.special.i0e
        >>> equal(lambda x: bessel(x), lambda x: 1 * bessel(x), "x:n=1")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        lrgd_jax.certify.answers.comparison.NotCertifiableError: neither layer can compare ...
    """


@dataclass(frozen=True)
class Comparison:
    """What was asked for."""

    f: Callable[..., Any]
    g: Callable[..., Any]
    shapes: Shapes
    relation: Relation
    seed: int
    instances: int

    def verdict(self) -> Certificate | Counterexample | Unrefuted:
        """What all layers together say."""
        pair = trace_pair(self.f, self.g, self.shapes)
        if not sum(aval.size for aval in pair.left.out_avals):
            raise ValueError("the functions return no number, so there is nothing to certify")
        exact = self._exact(pair)
        certain = isinstance(exact, Disagreement) and exact.certain
        settled = isinstance(exact, Agreement) or pair.same
        # one fraction of polynomials needs no more than a few points beside, and its poles are conditions; programs
        # with branches are tried at their edges too, where one of them alone may have a value
        whole = pair.same or (isinstance(exact, Agreement) and exact.cases == 1)
        tried = self._few(pair) if whole else self._many(pair)
        if certain or isinstance(tried.excluded, Exclusion) or (tried.excluded is not None and not whole):
            return self._counterexample(pair, exact, tried)
        if settled:
            return self._certificate(pair, exact, tried)
        widest = tried.widest
        if widest is None:
            raise NotCertifiableError(self._why(exact, tried))
        if (
            self.only_integers
            and (integers := self._integers(pair)) is not None
            and integers.exhaustive
            and not tried.skipped
        ):
            # every argument that there is was compared
            return self._certificate(pair, exact, tried)
        return self._unrefuted(pair, exact, tried, widest)

    @cached_property
    def leaves(self) -> list[Leaf]:
        """One for each array of the arguments."""
        return leaves_of(self.shapes)

    @property
    def only_integers(self) -> bool:
        """Whether no argument holds real numbers."""
        return all(leaf.below is not None for leaf in self.leaves)

    def _most_integers(self, pair: Pair) -> int:
        """So many choices of the integers are enumerated, fewer where each costs more."""
        return int(np.clip(NUMBERS // max(cost_of(pair.left, pair.right).numbers, 1), FEWEST_INTEGERS, MOST_INTEGERS))

    def _choices(self, pair: Pair) -> list[Point]:
        return integer_choices(self.leaves, self.seed, most=self._most_integers(pair), drawn=self.instances)

    def _integers(self, pair: Pair) -> Integers | None:
        """At which integers the functions are compared."""
        if all(leaf.below is None for leaf in self.leaves):
            return None
        exhaustive = number_of_integers(self.leaves) <= self._most_integers(pair)
        return Integers(len(self._choices(pair)), exhaustive)

    def _exact(self, pair: Pair) -> Exact:
        """The weakest agreement at all the integers that are tried."""
        integers = self._integers(pair)
        if self.only_integers and integers is not None and not integers.exhaustive:
            return NotApplicable(f"the arguments are integers, too many to try them all: {integers}")
        found: list[Agreement] = []
        for choice in self._choices(pair):
            verdict = self._exact_at(pair, choice)
            if not isinstance(verdict, Agreement):
                return verdict
            found.append(verdict)
        return max(found, key=lambda one: one.false_accept)

    def _exact_at(self, pair: Pair, point: Point) -> Exact:
        try:
            verdict = decide_exactly(pair.left, pair.right, Prepared(point), seed=self.seed)
        except (ValueError, ArithmeticError) as reason:
            return NotApplicable(str(reason))
        if isinstance(verdict, Disagreement) and self.relation == "at most":
            return NotApplicable("the results are not equal, and a prime field has no order to compare them by")
        return verdict

    def _few(self, pair: Pair) -> Trials:
        """At random points, until `instances` of them have a value."""
        choices = self._choices(pair)
        points = random_points(self.leaves, choices, self.seed, self.instances) or choices
        return try_points(self._at(pair), (("random", point) for point in points), enough=self.instances)

    def _many(self, pair: Pair) -> Trials:
        """At plain and random points and the programs' own."""
        walked = SidePrograms((pair.left, pair.right))
        points = points_to_try(
            walked,
            self.leaves,
            seed=self.seed,
            rounds=self.instances,
            most=most_points(walked),
            integers=self._most_integers(pair),
        )
        return with_unreached(walked, try_points(self._at(pair), points))

    def _at(self, pair: Pair) -> CompareAt:
        return lambda point: compare_at(pair, point, self.relation)

    def _why(self, exact: Exact, tried: Trials) -> str:
        """Why no layer applies."""
        left, right = names_of(self.f, self.g)
        first = exact.reason if isinstance(exact, NotApplicable) else "not equal for every function as a free symbol"
        second = f"at none of {tried.skipped} points is there a value to compare; the last: {tried.reason}"
        return f"neither layer can compare {left} and {right}: exact: {first}; rigorous: {second}"

    def _certificate(self, pair: Pair, exact: Exact, tried: Trials) -> Certificate:
        integers = self._integers(pair)
        notes = [SAME_PROGRAM] if pair.same else []
        if isinstance(exact, Agreement) and exact.left_out:
            notes.append("nothing is said of arguments at which two numbers are equal that are compared and not affine")
        some = integers is not None and not integers.exhaustive
        if some and any(not jnp.issubdtype(aval.dtype, jnp.inexact) for aval in pair.left.out_avals):
            notes.append("integers and booleans among the results are equal where they were compared")
        return Certificate(
            functions=names_of(self.f, self.g),
            relation=self.relation,
            shapes=str(self.shapes),
            exact=exact,
            rigorous=tried.widest or NotApplicable(tried.reason),
            points=len(tried.enclosures),
            notes=tuple(notes),
            programs=pair.digests,
            seed=self.seed,
            versions=versions(),
            conditions=conditions_of(pair.left, pair.right),
            integers=integers,
        )

    def _unrefuted(self, pair: Pair, exact: Exact, tried: Trials, widest: Enclosure) -> Unrefuted:
        return Unrefuted(
            functions=names_of(self.f, self.g),
            relation=self.relation,
            shapes=str(self.shapes),
            exact=exact,
            rigorous=widest,
            points=len(tried.enclosures),
            skipped=tried.skipped,
            reason=tried.reason,
            unreached=tried.unreached,
            programs=pair.digests,
            seed=self.seed,
            versions=versions(),
            integers=self._integers(pair),
        )

    def _counterexample(self, pair: Pair, exact: Exact, tried: Trials) -> Counterexample:
        # hypothesis is needed for nothing else here
        from lrgd_jax.certify.counterexamples.shrinking import Search, find_smallest

        gaps = isinstance(tried.excluded, OneSided)
        of_a_case = exact.point if isinstance(exact, Disagreement) else None
        leaves = tried.point if tried.point is not None else of_a_case
        point = None if leaves is None else arguments_of(self.shapes, list(leaves))
        search = Search(self.f, self.g, self.shapes, self.relation, self.seed, point, gaps, tried.kind)
        found = find_smallest(search)
        rigorous: Rigorous = NotApplicable(tried.reason or "nothing was decided at the points that were tried")
        if tried.excluded is not None:
            rigorous = NotApplicable(ONE_SIDED) if isinstance(tried.excluded, OneSided) else tried.excluded
        elif tried.widest is not None:
            rigorous = tried.widest
        only_fields = "they differ in a random prime field; no point was found at which balls or rationals show it"
        return Counterexample(
            functions=names_of(self.f, self.g),
            relation=self.relation,
            shapes=str(self.shapes),
            sizes=dict(self.shapes.sizes) if found is None else found.sizes,
            arguments=None if found is None else found.arguments,
            numbers=None if found is None else found.difference.numbers,
            left=() if found is None else found.difference.left,
            right=() if found is None else found.difference.right,
            apart=None if found is None else found.difference.apart,
            parting=None if found is None else self._parting(found.sizes, found.arguments),
            search=only_fields if found is None else found.search,
            exact=exact,
            rigorous=rigorous,
            programs=pair.digests,
            seed=self.seed,
            versions=versions(),
        )

    def _parting(self, sizes: Sizes, arguments: Arguments) -> Divergence | None:
        """Where the functions part at the counterexample, and at a point beside it whose numbers are not as plain."""
        pair = trace_pair(self.f, self.g, self.shapes, sizes)
        leaves = leaves_of(self.shapes, sizes)
        drawn = integer_choices(leaves, self.seed, most=1, drawn=1)[-1:]
        other = arguments_of(self.shapes, (random_points(leaves, drawn, self.seed, 1) or drawn)[0])
        return find_divergence(pair.left, pair.right, *map(jax.tree.leaves, (arguments, other)))
