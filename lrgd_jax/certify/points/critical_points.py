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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lrgd_jax.certify.points.decision_margins import Decision, MarginProbe, SidePrograms
from lrgd_jax.certify.points.sample_points import Leaf, Point, is_within
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
_COORDINATES = 24
_ENTRIES = 1000
"""Of all decisions together, whose outcomes are told apart."""

_GRID = tuple(sorted({0.0, *(sign * 10.0 ** (k / 2) for k in range(-6, 13) for sign in (-1, 1))}))
_COARSE = (-1e4, -100.0, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 100.0, 1e4)

_Key = tuple[int, Decision]
"""A side and one of its decisions."""


@dataclass(frozen=True, eq=False)
class _Met:
    """A point that was evaluated, and the margins there."""

    point: Point
    margins: Mapping[_Key, np.ndarray]


class _Line(NamedTuple):
    """All base + t * direction."""

    base: Point
    direction: Point

    def at(self, t: float) -> Point:
        """The point at t; integers stay."""
        pairs = zip(self.base, self.direction, strict=True)
        return [x if x.dtype.kind in "iu" else x + t * way for x, way in pairs]


class _Edge(NamedTuple):
    """Where a margin changes its sign between two numbers on a line."""

    line: _Line
    key: _Key
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
    edges = [edge for line in _lines(leaves, integers, seed) for edge in search.along(line)]
    first, others = _by_decision(edges)
    around = [met for edge in first for met in search.around(edge)]
    covered = {(key, k) for met in [*seen, *around] for key, k in _zeros(met)}
    for edge in others[:_EDGES]:
        if (edge.key, edge.entry) not in covered:
            covered |= {zero for met in search.approach(edge) for zero in _zeros(met)}
    around = _not_among(seen, around)[: most // 2]
    pool = _not_among([*seen, *around], search.met)
    return [met.point for met in (*around, *_cover([*seen, *around], pool, most - len(around)))]


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
    met: list[_Met] = field(default_factory=list)
    probe: MarginProbe = field(default_factory=MarginProbe)

    def __post_init__(self) -> None:
        self.for_edges = self.left // 2
        self.grid = _GRID if self.left >= _FEW else _COARSE

    def meet(self, point: Point) -> _Met | None:
        """Evaluates at a point; None where that is not possible."""
        if self.left <= 0 or not is_within(self.leaves, point):
            return None
        self.left -= 1
        margins = self.probe.margins_at(self.walked, point)
        if margins is None:
            return None
        self.met.append(_Met(point, margins))
        return self.met[-1]

    def along(self, line: _Line) -> Iterator[_Edge]:
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

    def around(self, edge: _Edge) -> list[_Met]:
        """The edge, just beside it, and well beyond it on both sides."""
        beyond = [self.meet(edge.line.at(t)) for t in (edge.low, edge.high)]
        return [*self.approach(edge), *(met for met in beyond if met is not None)]

    def approach(self, edge: _Edge) -> list[_Met]:
        """The edge, or what lies closest to it on both sides."""

        def at(t: float) -> tuple[_Met | None, float]:
            met = self.meet(edge.line.at(t))
            margin = None if met is None else met.margins.get(edge.key)
            inside = margin is not None and edge.entry < margin.size
            return met, float(margin[edge.entry]) if margin is not None and inside else np.nan

        low, high, (_, below) = edge.low, edge.high, at(edge.low)
        ends: dict[float, _Met] = {}
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

    Example:
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


def _lines(leaves: Sequence[Leaf], integers: Sequence[Point], seed: int) -> Iterator[_Line]:
    """Through zero, one and short random numbers; along all arguments, each one, each coordinate."""
    rng = np.random.default_rng([seed, 1])
    real = [leaf.below is None for leaf in leaves]

    def eighths() -> Point:
        return [np.asarray(rng.integers(-24, 25, leaf.shape) / 8) for leaf in leaves]

    def same(number: float) -> Point:
        return [np.full(leaf.shape, number) for leaf in leaves]

    bases = [same(0.0), same(1.0), eighths()]
    bases = [
        [np.abs(x) + leaf.above if leaf.above > -np.inf else x for x, leaf in zip(base, leaves, strict=True)]
        for base in bases
    ]
    choices = itertools.cycle(integers)
    whole = [same(1.0), eighths(), *(_only(leaves, k) for k in range(len(leaves)) if real[k] and sum(real) > 1)]
    coordinates = list(_coordinates(leaves))
    for direction, base in itertools.chain(
        itertools.product(whole, bases), itertools.product(coordinates, reversed(bases))
    ):
        chosen = next(choices)
        yield _Line([x if is_real else y for x, y, is_real in zip(base, chosen, real, strict=True)], direction)


def _only(leaves: Sequence[Leaf], which: int) -> Point:
    return [np.full(leaf.shape, float(k == which)) for k, leaf in enumerate(leaves)]


def _coordinates(leaves: Sequence[Leaf]) -> Iterator[Point]:
    """Unit vectors, evenly chosen where there are many."""
    places = [(k, place) for k, leaf in enumerate(leaves) if leaf.below is None for place in range(leaf.size)]
    if sum(leaf.size for leaf in leaves if leaf.below is None) < 2:
        return
    for which in np.unique(np.linspace(0, len(places) - 1, min(len(places), _COORDINATES)).astype(int)):
        k, place = places[which]
        unit = [np.zeros(leaf.shape) for leaf in leaves]
        unit[k].ravel()[place] = 1.0
        yield unit


def _by_decision(edges: Sequence[_Edge]) -> tuple[list[_Edge], list[_Edge]]:
    """The first edge of each decision, and the others, of each decision in turn."""
    groups: dict[tuple[int, int, int], list[_Edge]] = defaultdict(list)
    for edge in edges:
        side, decision = edge.key
        groups[side, decision.equation, decision.part].append(edge)
    turns = [[edge for edge in turn if edge is not None] for turn in itertools.zip_longest(*groups.values())]
    return (turns[0], [edge for turn in turns[1:] for edge in turn]) if turns else ([], [])


def _not_among(known: Sequence[_Met], mets: Sequence[_Met]) -> list[_Met]:
    """Each new point once."""
    found = {_identity(met) for met in known}
    return [met for met in mets if _identity(met) not in found and not found.add(_identity(met))]


def _identity(met: _Met) -> tuple[bytes, ...]:
    return tuple(x.tobytes() for x in met.point)


def _zeros(met: _Met) -> Iterator[tuple[_Key, int]]:
    for key, margin in met.margins.items():
        yield from ((key, int(k)) for k in np.flatnonzero(margin == 0))


def _cover(seen: Sequence[_Met], pool: Sequence[_Met], most: int) -> list[_Met]:
    """Points of the pool with outcomes that are new: of a decision, then of an entry, then all of them together."""
    if not pool:
        return []
    signs = _signs([*seen, *pool])
    fine = np.stack([signs == sign for sign in (-1, 0, 1)], axis=-1)
    coarse = np.stack([fine[:, columns].any(axis=1) for columns in _columns([*seen, *pool])], axis=1)
    ours = slice(len(seen), None)
    kept = _greedily(coarse[ours], np.asarray(coarse[: len(seen)].any(axis=0)), most)
    known = np.asarray(fine[: len(seen)].any(axis=0) | fine[ours][kept].any(axis=0))
    kept += _greedily(fine[ours], known, (most - len(kept)) // 2)
    patterns = {row.tobytes() for row in (*signs[: len(seen)], *signs[ours][kept])}
    for k, row in enumerate(signs[ours]):
        if len(kept) < most and row.tobytes() not in patterns:
            patterns.add(row.tobytes())
            kept.append(k)
    return [pool[k] for k in kept]


def _greedily(outcomes: np.ndarray, known: np.ndarray, most: int) -> list[int]:
    """Rows, the one with most that is not known first, as long as there is one."""
    rows, known = outcomes.reshape(len(outcomes), -1), known.ravel().copy()
    kept: list[int] = []
    while len(kept) < most:
        gains = (rows & ~known).sum(axis=1)
        best = int(gains.argmax())
        if not gains[best]:
            break
        known |= rows[best]
        kept.append(best)
    return kept


def _keys(mets: Sequence[_Met]) -> dict[_Key, int]:
    """Of all decisions that were met anywhere, how many entries each has."""
    return {key: margin.size for met in mets for key, margin in met.margins.items()}


def _signs(mets: Sequence[_Met]) -> np.ndarray:
    """By point and entry of a decision: -1, 0 or 1; 2 where it has none. Where there are many, even choices of them."""
    keys = _keys(mets)
    stride = _stride(keys)
    rows = []
    for met in mets:
        parts = [met.margins.get(key, np.full(size, np.nan))[::stride] for key, size in keys.items()]
        rows.append(np.nan_to_num(np.sign(np.concatenate(parts)), nan=2))
    return np.array(rows, np.int8)


def _stride(keys: Mapping[_Key, int]) -> int:
    return max(1, -(-sum(keys.values()) // _ENTRIES))


def _columns(mets: Sequence[_Met]) -> list[list[int]]:
    """Which columns of `_signs` belong to one part of one equation of one side."""
    keys = _keys(mets)
    stride, start = _stride(keys), 0
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for (side, decision), size in keys.items():
        end = start + len(range(0, size, stride))
        groups[side, decision.equation, decision.part] += range(start, end)
        start = end
    return list(groups.values())
