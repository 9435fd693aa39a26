"""Points of a claim at one shape: those of its instances, plain ones, and those of the decisions of its sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from lrgd_jax.certify import Program
from lrgd_jax.certify.balls.undefined_values import OneSided
from lrgd_jax.certify.points.decision_margins import SidePrograms
from lrgd_jax.certify.points.function_pairs import Pair, compare_at
from lrgd_jax.certify.points.sample_points import Leaf, Point
from lrgd_jax.certify.points.trials import PointKind, Trials, most_points, points_to_try, try_points, with_unreached
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import NotApplicable
from lrgd_jax.claims.arguments import Arguments, Dimensions, Integers
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.traced_side import TracedSide, prepare_by

__all__ = ["ClaimPoints"]

NUMBERS = 40_000
"""What all points of a shape together may cost: so many numbers in balls."""

STEPS = 8_000
"""So many equations are evaluated in the search for the sides' own points."""

INTEGERS = 32
"""So many choices of integer arguments are enumerated."""


@dataclass(frozen=True)
class ClaimPoints:
    """Where both sides of a claim are compared at one shape.

    Attributes:
        claim: what is claimed.
        dimensions: sizes of the named axes.
        drawn: random arguments of the instances, before `given`.
        given: what makes drawn arguments satisfy the assumptions, traced; None where nothing does.
        preparing: the same as a program from the leaves of what is drawn to those of the sides' arguments.
        seed: seed of random points and lines.
    """

    claim: Claim
    dimensions: Dimensions
    drawn: Sequence[Arguments]
    given: TracedSide | None
    preparing: Program | None
    seed: int

    def few(self, pair: tuple[Program, Program]) -> Trials:
        """Compares at the instances."""
        return try_points(lambda point: self._at(pair, point), self._instances())

    def many(self, pair: tuple[Program, Program]) -> Trials:
        """Compares at the instances, plain points, random ones and those of the sides' own decisions."""
        walked = SidePrograms(pair, self.preparing)
        tried = try_points(lambda point: self._at(pair, point), self._points(walked))
        return with_unreached(walked, tried)

    def _instances(self) -> Iterator[tuple[PointKind, Point]]:
        for drawn in self.drawn:
            yield "random", [np.asarray(x) for x in jax.tree.leaves(drawn)]

    def _points(self, walked: SidePrograms) -> Iterator[tuple[PointKind, Point]]:
        yield from self._instances()
        most = most_points(walked, numbers=NUMBERS)
        yield from points_to_try(
            walked, self._leaves, seed=self.seed, rounds=1, most=most, integers=INTEGERS, steps=STEPS
        )

    @cached_property
    def _leaves(self) -> list[Leaf]:
        specs = ((name, self.claim.arguments[name]) for name in sorted(self.claim.arguments))
        return [
            Leaf(
                self.claim.shape_of(name, self.dimensions),
                self.dimensions[spec.below] if isinstance(spec, Integers) else None,
            )
            for name, spec in specs
        ]

    def _at(self, pair: tuple[Program, Program], point: Point) -> Enclosure | Exclusion | OneSided | NotApplicable:
        """Compares where the assumptions can be met; a point at which they cannot is none of the claim's."""
        try:
            leaves = self._prepare(point)
        except ValueError as fault:
            return NotApplicable(str(fault))
        if not all(np.isfinite(x).all() for x in leaves if x.dtype.kind == "f"):
            return NotApplicable("`given` makes arguments of this point that are not finite")
        return compare_at(Pair(*pair), leaves, self.claim.relation)

    def _prepare(self, point: Point) -> Point:
        if self.given is None:
            return point
        # as they were drawn: `given` keeps the kinds of their arrays
        drawn = jax.tree.unflatten(jax.tree.structure(self.drawn[0]), [jax.numpy.asarray(x) for x in point])
        return [np.asarray(x) for x in jax.tree.leaves(prepare_by(self.given, drawn))]
