"""The smallest shape at which two functions differ, and the plainest numbers there."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, NoSuchExample
from hypothesis.extra import numpy as hnp

from lrgd_jax.certify.counterexamples.strategies import named
from lrgd_jax.certify.points.critical_points import critical_points
from lrgd_jax.certify.points.decision_margins import SidePrograms
from lrgd_jax.certify.points.function_pairs import (
    Arguments,
    Difference,
    Pair,
    arguments_of,
    difference_at,
    leaves_of,
    ones,
    trace_pair,
)
from lrgd_jax.certify.points.sample_points import integer_choices, is_within, plain_points, random_points
from lrgd_jax.certify.points.trials import PointKind
from lrgd_jax.certify.tracing.shapes import Shapes, Sizes
from lrgd_jax.certify.verdicts.enclosures import Relation

__all__ = ["MOST_POINTS", "MOST_SHAPES", "Search", "SmallestDifference", "find_smallest"]

MOST_SHAPES = 256
"""How many shapes are tried in the order of their size; then, how many with one axis smaller."""

MOST_POINTS = 300
"""How many points are tried at the smallest shape."""

MOST_ENTRIES = 64
"""Of all arguments together, where hypothesis searches; larger points take it minutes."""

INTEGER_POINTS = 8
"""How often integers are drawn at each shape."""

OWN_SHAPES = 16
"""At so many of the smallest shapes the functions' own points are searched for."""

OWN_POINTS = 40
"""How many of them."""

_NO_CHECKS = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
)


@dataclass(frozen=True)
class SmallestDifference:
    """Where two functions differ.

    Attributes:
        sizes: of the named axes.
        arguments: of both functions.
        difference: the results.
        search: how small the shape is, in words.
    """

    sizes: Sizes
    arguments: Arguments
    difference: Difference
    search: str


@dataclass(frozen=True)
class _Found:
    pair: Pair
    sizes: Sizes
    point: Arguments


@dataclass(frozen=True)
class Search:
    """What is searched for.

    Attributes:
        f: one function.
        g: the other.
        shapes: the largest shapes.
        relation: "equal" or "at most".
        seed: of points.
        known: a point of the largest shapes at which they differ, if there is one.
        gaps: whether they differ where one of them alone has a value.
        kind: how the known point was found; None where prime fields alone tell that they differ.
    """

    f: Callable[..., Any]
    g: Callable[..., Any]
    shapes: Shapes
    relation: Relation = "equal"
    seed: int = 0
    known: Arguments | None = None
    gaps: bool = False
    kind: PointKind | None = None

    def difference(self, pair: Pair, point: Arguments) -> Difference | None:
        """Of the functions at a point."""
        return difference_at(pair, point, self.relation, gaps=self.gaps)

    def candidates(self, pair: Pair, sizes: Sizes, own: bool) -> Iterator[Arguments]:
        """Points of a smaller shape: ones, the beginning of the known point, and those of its kind."""
        leaves = leaves_of(self.shapes, sizes)
        yield ones(self.shapes, sizes)
        if self.known is not None:
            yield {name: _beginning(x, self.shapes.shape(name, sizes)) for name, x in self.known.items()}
        choices = integer_choices(leaves, self.seed, most=INTEGER_POINTS, drawn=INTEGER_POINTS)
        points = random_points(leaves, choices, self.seed, 1)
        if self.kind is not None:
            points += plain_points(leaves, choices)
        points = points or choices
        yield from (arguments_of(self.shapes, point) for point in points)
        if self.kind == "critical" and own:
            walked = SidePrograms((pair.left, pair.right))
            found = critical_points(walked, leaves, choices, points, seed=self.seed, most=OWN_POINTS)
            yield from (arguments_of(self.shapes, point) for point in found)


def _beginning(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return x[tuple(slice(size) for size in shape)]


def find_smallest(search: Search) -> SmallestDifference | None:
    """Searches for the smallest shape at which the functions differ, then for the plainest numbers.

    The shapes are tried in the order of the sum of their named sizes. At each, the functions are compared at ones, at
    plain and random points, and, at the smallest shapes, at points of their own decisions, if it takes those; a shape
    at which one of the functions raises is none at which they differ.

    Returns:
        What was found, or None where no difference shows at any shape that was tried.
    """
    shapes = search.shapes
    tried = 0
    for sizes in itertools.islice(shapes.by_size(), MOST_SHAPES):
        found = _differ(search, sizes, own=tried < OWN_SHAPES)
        if found is not None:
            text = f"no smaller shape shows a difference ({tried} tried)" if tried else "the smallest shape there is"
            return _plainest(search, found, text)
        tried += 1
    largest = _differ(search, shapes.sizes)
    if largest is None and search.known is not None:
        largest = _Found(trace_pair(search.f, search.g, shapes), shapes.sizes, search.known)
    if largest is None:
        return None
    found = _one_axis_at_a_time(largest, lambda sizes: _differ(search, sizes))
    text = f"the {tried} smallest shapes show no difference, nor does any with one axis smaller (as far as tried)"
    return _plainest(search, found, text)


def _differ(search: Search, sizes: Sizes, *, own: bool = False) -> _Found | None:
    try:
        pair = trace_pair(search.f, search.g, search.shapes, sizes)
    except ValueError:
        return None
    for point in search.candidates(pair, sizes, own):
        if search.difference(pair, point) is not None:
            return _Found(pair, sizes, point)
    return None


def _one_axis_at_a_time(found: _Found, at: Callable[[Sizes], _Found | None]) -> _Found:
    """Makes one axis as small as it may be, then the next, until none can be smaller."""
    left = MOST_SHAPES
    before = None
    while before != found.sizes:
        before = found.sizes
        for axis in before:
            for size in range(1, found.sizes[axis]):
                left -= 1
                smaller = at({**found.sizes, axis: size}) if left >= 0 else None
                if smaller is not None:
                    found = smaller
                    break
    return found


def _plainest(search: Search, found: _Found, text: str) -> SmallestDifference | None:
    """Small integers where they do, else eighths, else the point that was found with zeros and short numbers in it."""
    seen: dict[tuple[bytes, ...], bool] = {}
    leaves = leaves_of(search.shapes, found.sizes)

    def falls(point: Arguments) -> bool:
        key = tuple(x.tobytes() for x in point.values())
        if key not in seen:
            within = is_within(leaves, [point[name] for name in sorted(point)])
            seen[key] = within and len(seen) < MOST_POINTS and search.difference(found.pair, point) is not None
        return seen[key]

    point = None
    if sum(x.size for x in found.point.values()) <= MOST_ENTRIES:
        point = _found_by_hypothesis(_points(search.shapes, found), falls, search.seed)
    point = _with_short_numbers(_mostly_zero(found.point, falls), falls) if point is None else point
    difference = search.difference(found.pair, point)
    return None if difference is None else SmallestDifference(dict(found.sizes), point, difference, text)


def _found_by_hypothesis(
    points: st.SearchStrategy[Arguments], falls: Callable[[Arguments], bool], seed: int
) -> Arguments | None:
    settings = hypothesis.settings(
        max_examples=MOST_POINTS // 3,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=_NO_CHECKS,
    )
    try:
        return hypothesis.find(points, falls, settings=settings, random=random.Random(seed))
    except (NoSuchExample, FailedHealthCheck):
        # within a test of hypothesis's own, it refuses to search
        return None


def _flat(point: Arguments) -> tuple[np.ndarray, Callable[[np.ndarray], Arguments]]:
    """All numbers in one row, and what makes a point of such a row."""

    def shaped(values: np.ndarray) -> Arguments:
        parts = np.split(values, np.cumsum([x.size for x in point.values()])[:-1])
        pairs = zip(point.items(), parts, strict=True)
        return {name: part.reshape(x.shape).astype(x.dtype) for (name, x), part in pairs}

    return np.concatenate([x.ravel().astype(np.float64) for x in point.values()]), shaped


def _mostly_zero(point: Arguments, falls: Callable[[Arguments], bool]) -> Arguments:
    """Sets runs of entries to zero, the longest first, then the others to one, as long as the difference stays."""
    flat, shaped = _flat(point)
    length = flat.size
    while length:
        for start in range(0, flat.size, length):
            flat = _with(flat, slice(start, start + length), 0.0, lambda values: falls(shaped(values)))
        length //= 2
    for place in np.flatnonzero(flat):
        flat = _with(flat, slice(place, place + 1), 1.0, lambda values: falls(shaped(values)))
    return shaped(flat)


def _with_short_numbers(point: Arguments, falls: Callable[[Arguments], bool]) -> Arguments:
    """Makes each entry a whole number, and as small as a search by halves finds it."""
    flat, shaped = _flat(point)
    for place in np.flatnonzero(flat)[:MOST_ENTRIES]:
        entry, low, high = slice(place, place + 1), 0, math.ceil(abs(flat[place]))
        for sign in (1, -1):
            nearer = _with(flat, entry, float(sign * high), lambda values: falls(shaped(values)))
            if nearer[place] == sign * high:
                break
        else:
            continue
        flat = nearer
        while high - low > 1:
            middle = (low + high) // 2
            nearer = _with(flat, entry, float(sign * middle), lambda values: falls(shaped(values)))
            low, high = (low, middle) if nearer is not flat else (middle, high)
            flat = nearer
    return shaped(flat)


def _with(values: np.ndarray, place: slice, number: float, falls: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The values with others at that place, if the functions still differ there."""
    changed = values.copy()
    changed[place] = number
    return values if (changed == values).all() or not falls(changed) else changed


def _points(shapes: Shapes, found: _Found) -> st.SearchStrategy[Arguments]:
    """Small numbers, and those that are among the ones that were found."""
    drawn = {}
    for name, argument in shapes.arguments.items():
        shape = shapes.shape(name, found.sizes)
        if argument.below is not None:
            drawn[name] = hnp.arrays(np.int64, shape, elements=st.integers(0, argument.below - 1))
            continue
        numbers = st.integers(-4, 4).map(float) | st.integers(-32, 32).map(lambda k: k / 8)
        if argument.above is not None:
            numbers = numbers.map(lambda x, above=argument.above: above + 1 + x if x > -1 else above + 1 / (1 - x))
        drawn[name] = hnp.arrays(np.float64, shape, elements=numbers)
    return named(drawn)
