"""A program's own points: inputs that put the operands of every decision on either side and on the edge.

Lines are laid through plain and random points, along each coordinate, each argument and all of them. On each line the
margins of all decisions (`decision_margins`) are evaluated at numbers from a thousandth to a million, of both signs.
Where a margin changes its sign, the edge is bracketed by short binary fractions, so that it is met exactly where it can
be, and from both sides where it cannot. Of all points that were met, those are kept that show an outcome which no other
shows, and then those that show a new combination of outcomes.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lrgd_jax.certify.points.decision_margins import MarginProbe, SidePrograms
from lrgd_jax.certify.points.outcome_cover import DecisionKey, PointMargins, cover_outcomes, not_among, zero_margins
from lrgd_jax.certify.points.sample_points import Leaf, Point, is_within
from lrgd_jax.certify.points.search_lines import Line, lines_through
from lrgd_jax.certify.tracing.cost import cost_of

__all__ = ["STEPS", "critical_points", "dyadic_between"]

STEPS = 60_000
"""Equations that a search evaluates at most: a count ends the search at the same point on every machine."""

_FEWEST, _FEW, _MOST = 24, 400, 4000
"""A search that may evaluate the programs less often than the first is left; less often than the second, it looks at
fewer numbers of each line; it does not do so more often than the third."""

_EDGES = 96
"""How many edges are bracketed."""

_HALVINGS = 60

_GRID = tuple(sorted({0.0, *(sign * 10.0 ** (k / 2) for k in range(-6, 13) for sign in (-1, 1))}))
_COARSE = (-1e4, -100.0, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 100.0, 1e4)


class _Edge(NamedTuple):
    """Where a margin changes its sign between two numbers on a line."""

    line: Line
    key: DecisionKey
    entry: int
    low: float
    high: float


def critical_points(
    walked: SidePrograms,
    leaves: Sequence[Leaf],
    integers: Sequence[Point],
    known: Sequence[Point],
    *,
    seed: int,
    most: int,
    steps: int = STEPS,
) -> list[Point]:
    """The points that show outcomes of decisions which the known points do not.

    Args:
        walked: both programs.
        leaves: of their arguments.
        integers: choices of the integer arguments, taken in turn.
        known: points that are tried anyway.
        seed: of the random lines.
        most: how many points are returned at most.
        steps: how many equations are evaluated at most.
    """
    evaluations = min(steps // max(cost_of(*walked.all).equations, 1), _MOST)
    if evaluations < _FEWEST or not any(leaf.below is None and leaf.size for leaf in leaves):
        return []
    search = _Search(walked, leaves, evaluations)
    seen = [met for point in known[: evaluations // 4] if (met := search.meet(point)) is not None]
    if seen and not any(met.margins for met in seen):
        return []
    edges = [edge for line in lines_through(leaves, integers, seed) for edge in search.along(line)]
    first, others = _by_decision(edges)
    around = [met for edge in first for met in search.around(edge)]
    covered = {(key, k) for met in [*seen, *around] for key, k in zero_margins(met)}
    for edge in others[:_EDGES]:
        if (edge.key, edge.entry) not in covered:
            covered |= {zero for met in search.approach(edge) for zero in zero_margins(met)}
    around = not_among(seen, around)[: most // 2]
    pool = not_among([*seen, *around], search.met)
    return [met.point for met in (*around, *cover_outcomes([*seen, *around], pool, most - len(around)))]


@dataclass
class _Search:
    """What was evaluated, and how often that may still be done.

    Attributes:
        walked: both programs.
        leaves: of their arguments.
        left: how many evaluations are left.
        met: what was evaluated.
        probe: what evaluates.
    """

    walked: SidePrograms
    leaves: Sequence[Leaf]
    left: int
    met: list[PointMargins] = field(default_factory=list)
    probe: MarginProbe = field(default_factory=MarginProbe)

    def __post_init__(self) -> None:
        self.for_edges = self.left // 2
        self.grid = _GRID if self.left >= _FEW else _COARSE

    def meet(self, point: Point) -> PointMargins | None:
        """Evaluates at a point; None where that is not possible."""
        if self.left <= 0 or not is_within(self.leaves, point):
            return None
        self.left -= 1
        margins = self.probe.margins_at(self.walked, point)
        if margins is None:
            return None
        self.met.append(PointMargins(point, margins))
        return self.met[-1]

    def along(self, line: Line) -> Iterator[_Edge]:
        """Where margins change their sign."""
        if self.left <= self.for_edges:
            return
        found = [(t, met) for t in self.grid if (met := self.meet(line.at(t))) is not None]
        for (low, one), (high, other) in itertools.pairwise(found):
            for key, margin in one.margins.items():
                beyond = other.margins.get(key)
                if beyond is not None and beyond.shape == margin.shape:
                    # a difference of infinities is no number, and has no sign
                    turned = np.flatnonzero(np.sign(margin) * np.sign(beyond) < 0)
                    yield from (_Edge(line, key, int(k), low, high) for k in turned)

    def around(self, edge: _Edge) -> list[PointMargins]:
        """The edge, just beside it, and well beyond it on both sides."""
        beyond = [self.meet(edge.line.at(t)) for t in (edge.low, edge.high)]
        return [*self.approach(edge), *(met for met in beyond if met is not None)]

    def approach(self, edge: _Edge) -> list[PointMargins]:
        """The edge, or what lies closest to it on both sides."""

        def at(t: float) -> tuple[PointMargins | None, float]:
            met = self.meet(edge.line.at(t))
            margin = None if met is None else met.margins.get(edge.key)
            inside = margin is not None and edge.entry < margin.size
            return met, float(margin[edge.entry]) if margin is not None and inside else np.nan

        low, high, (_, below) = edge.low, edge.high, at(edge.low)
        ends: dict[float, PointMargins] = {}
        for _ in range(_HALVINGS):
            quarter = (high - low) / 4
            middle = dyadic_between(low + quarter, high - quarter)
            if not low < middle < high:
                break
            met, margin = at(middle)
            if met is None or np.isnan(margin):
                break
            ends[middle] = met
            if margin == 0:
                beside = max(abs(middle), 1.0) / 1024
                return [met, *(x for t in (middle - beside, middle + beside) if (x := at(t)[0]) is not None)]
            low, high = (middle, high) if margin * below > 0 else (low, middle)
        # the points on the way are of no use but to the search
        kept = [ends[t] for t in (low, high) if t in ends]
        self.met = [met for met in self.met if met in kept or met not in ends.values()]
        return kept


def dyadic_between(low: float, high: float) -> float:
    """The number with the fewest binary digits between two numbers.

    Examples:
        >>> dyadic_between(3.3, 7.7)
        4.0
    """
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -dyadic_between(-high, -low)
    step = 2.0 ** np.ceil(np.log2(high))
    for _ in range(1100):
        multiple = np.ceil(low / step) * step
        if multiple <= high:
            return float(multiple)
        step /= 2
    return low


def _by_decision(edges: Sequence[_Edge]) -> tuple[list[_Edge], list[_Edge]]:
    """The first edge of each decision, and the others, of each decision in turn."""
    groups: dict[tuple[int, int, int], list[_Edge]] = defaultdict(list)
    for edge in edges:
        side, decision = edge.key
        groups[side, decision.equation, decision.part].append(edge)
    turns = [[edge for edge in turn if edge is not None] for turn in itertools.zip_longest(*groups.values())]
    return (turns[0], [edge for turn in turns[1:] for edge in turn]) if turns else ([], [])
