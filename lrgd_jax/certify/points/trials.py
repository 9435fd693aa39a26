"""Two programs compared at one point after another: plain ones, random ones, and the programs' own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lrgd_jax.certify.balls.undefined_values import OneSided
from lrgd_jax.certify.points.critical_points import STEPS, critical_points
from lrgd_jax.certify.points.decision_margins import SidePrograms
from lrgd_jax.certify.points.sample_points import (
    Leaf,
    Point,
    integer_choices,
    number_of_integers,
    plain_points,
    random_points,
)
from lrgd_jax.certify.points.unreached_branches import unreached
from lrgd_jax.certify.tracing.cost import cost_of
from lrgd_jax.certify.verdicts.enclosures import Enclosure, Exclusion
from lrgd_jax.certify.verdicts.random_fields import NotApplicable

__all__ = ["CompareAt", "PointKind", "Trials", "most_points", "points_to_try", "try_points", "with_unreached"]

PointKind = Literal["plain", "random", "critical"]
"""How a point was found."""

CompareAt = Callable[[Point], Enclosure | Exclusion | OneSided | NotApplicable]
"""Compares both programs at a point."""

NUMBERS = 400_000
"""What all points together may cost: so many numbers in balls."""

AFTER_A_GAP = 8
"""Where one side alone has a value, so many other points may still show a difference of two values."""

_FEWEST, _MOST = 6, 100
"""Bounds on the number of points."""


@dataclass(frozen=True, eq=False)
class Trials:
    """What was found at all points.

    Attributes:
        enclosures: one for each point at which the programs do not differ.
        skipped: at how many points neither could be said.
        reason: why, at the last of those; empty where there is none.
        excluded: where the programs differ; None where nowhere.
        point: at which they do.
        kind: how that point was found.
        compared: the points of the enclosures.
        unreached: the branches that no point with a verdict has reached, in words.
    """

    enclosures: tuple[Enclosure, ...]
    skipped: int
    reason: str
    excluded: Exclusion | OneSided | None = None
    point: Point | None = None
    kind: PointKind | None = None
    compared: tuple[Point, ...] = ()
    unreached: tuple[str, ...] = ()

    @property
    def widest(self) -> Enclosure | None:
        """The widest enclosure."""
        return max(self.enclosures, key=lambda one: one.radius, default=None)


def most_points(walked: SidePrograms, *, numbers: int = NUMBERS) -> int:
    """At how many points the programs are compared: fewer where each costs more."""
    return int(np.clip(numbers // max(cost_of(*walked.all).numbers, 1), _FEWEST, _MOST))


def points_to_try(
    walked: SidePrograms,
    leaves: Sequence[Leaf],
    *,
    seed: int,
    rounds: int,
    most: int,
    integers: int,
    steps: int = STEPS,
) -> Iterator[tuple[PointKind, Point]]:
    """Plain points, then random ones, then those of the programs' own decisions.

    Args:
        walked: both programs.
        leaves: of their arguments.
        seed: of random points and lines.
        rounds: how often random points are drawn.
        most: how many points there are at most; some of each kind where they are few.
        integers: so many choices of integer arguments are enumerated at most.
        steps: so many equations are evaluated at most in the search for the programs' own points.
    """
    chosen = integer_choices(leaves, seed, most=integers, drawn=rounds)
    plain, drawn = plain_points(leaves, chosen), random_points(leaves, chosen, seed, rounds)
    if number_of_integers(leaves) > 1 and number_of_integers(leaves) <= integers:
        # all choices or none: that is what is said of them
        most = max(most, 3 * len(chosen))
    plain, drawn = plain[: max(most - most // 3, 1)], drawn[: max(most // 3, 1)]
    yield from _of_kind("plain", plain)
    yield from _of_kind("random", drawn)
    known = [*plain, *drawn]
    rest = max(most - len(known), most // 2)
    own = critical_points(walked, leaves, chosen, known, seed=seed, most=rest, steps=steps)
    yield from _of_kind("critical", own)


def _of_kind(kind: PointKind, points: Sequence[Point]) -> Iterator[tuple[PointKind, Point]]:
    for point in points:
        yield kind, point


def try_points(at: CompareAt, points: Iterable[tuple[PointKind, Point]], *, enough: int | None = None) -> Trials:
    """Compares at every point, until the programs differ.

    A point at which no side has a value is skipped. One at which one side alone has one shows a difference too, but
    only where none of the next points shows another.

    Args:
        at: compares at a point.
        points: each with how it was found.
        enough: after so many enclosures no other point is tried.
    """
    found = Trials((), 0, "")
    beside: Trials | None = None
    looked = 0
    for kind, point in points:
        looked += beside is not None
        if beside is not None and (kind == "critical" or looked > AFTER_A_GAP):
            break
        verdict = at(point)
        if isinstance(verdict, Exclusion):
            return replace(found, excluded=verdict, point=point, kind=kind)
        if isinstance(verdict, Enclosure):
            found = replace(found, enclosures=(*found.enclosures, verdict), compared=(*found.compared, point))
        elif isinstance(verdict, OneSided):
            beside = beside or Trials((), 0, "", verdict, point, kind)
        else:
            found = replace(found, skipped=found.skipped + 1, reason=verdict.reason)
        if enough is not None and len(found.enclosures) >= enough:
            break
    if beside is None:
        return found
    return replace(found, excluded=beside.excluded, point=beside.point, kind=beside.kind)


def with_unreached(walked: SidePrograms, tried: Trials) -> Trials:
    """The same with the branches that were not reached, where the programs do not differ."""
    return tried if tried.excluded is not None else replace(tried, unreached=unreached(walked, tried.compared))
