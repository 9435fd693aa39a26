"""The smallest shape at which two functions differ, and the plainest numbers there."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, NoSuchExample
from hypothesis.extra import numpy as hnp

from lrgd_jax.certify.pairs import Arguments, Difference, Pair, difference_at, ones, random_point, trace_pair
from lrgd_jax.certify.rigorous import Relation
from lrgd_jax.certify.shapes import Shapes, Sizes

__all__ = ["MOST_POINTS", "MOST_SHAPES", "Smallest", "smallest"]

MOST_SHAPES = 256
"""How many shapes are tried in the order of their size; then, how many with one axis smaller."""

MOST_POINTS = 300
"""How many points are tried at the smallest shape."""

MOST_ENTRIES = 64
"""Of all arguments together, where hypothesis searches; larger points take it minutes."""

INTEGER_POINTS = 8
"""How often integers are drawn at each shape; real numbers are drawn once, and once more between zero and one."""

_NO_CHECKS = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
)


@dataclass(frozen=True)
class Smallest:
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


def smallest(
    f: Callable[..., Any],
    g: Callable[..., Any],
    shapes: Shapes,
    *,
    relation: Relation,
    seed: int,
    known: Arguments | None = None,
) -> Smallest | None:
    """Searches for the smallest shape at which the functions differ, then for the plainest numbers.

    The shapes are tried in the order of the sum of their named sizes. At each, the functions are compared at ones and
    at random points; a shape at which one of them raises is none at which they differ.

    Args:
        f: one function.
        g: the other.
        shapes: the largest shapes.
        relation: "equal" or "at most".
        seed: of points.
        known: a point of the largest shapes at which they differ, if there is one.

    Returns:
        What was found, or None where no difference shows at any shape that was tried.
    """

    def at(sizes: Sizes) -> _Found | None:
        return _differ(f, g, shapes, sizes, relation, seed)

    tried = 0
    for sizes in itertools.islice(shapes.by_size(), MOST_SHAPES):
        found = at(sizes)
        if found is not None:
            text = f"no smaller shape shows a difference ({tried} tried)" if tried else "the smallest shape there is"
            return _plainest(found, shapes, relation, seed, text)
        tried += 1
    largest = at(shapes.sizes)
    if largest is None and known is not None:
        largest = _Found(trace_pair(f, g, shapes), shapes.sizes, known)
    if largest is None:
        return None
    found = _one_axis_at_a_time(largest, at)
    text = f"the {tried} smallest shapes show no difference, nor does any with one axis smaller (as far as tried)"
    return _plainest(found, shapes, relation, seed, text)


def _differ(
    f: Callable[..., Any], g: Callable[..., Any], shapes: Shapes, sizes: Sizes, relation: Relation, seed: int
) -> _Found | None:
    try:
        pair = trace_pair(f, g, shapes, sizes)
    except ValueError:
        return None
    integers = any(argument.below is not None for argument in shapes.arguments.values())
    numbers = itertools.product(range(INTEGER_POINTS if integers else 1), (False, True))
    drawn = (random_point(shapes, seed, number, sizes, positive=positive) for number, positive in numbers)
    for point in itertools.chain([ones(shapes, sizes)], drawn):
        if difference_at(pair, point, relation) is not None:
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


def _plainest(found: _Found, shapes: Shapes, relation: Relation, seed: int, search: str) -> Smallest | None:
    """Small integers where they do, else eighths, else the point that was found with zeros where they do."""
    seen: dict[tuple[bytes, ...], bool] = {}

    def falls(point: Arguments) -> bool:
        key = tuple(x.tobytes() for x in point.values())
        if key not in seen:
            seen[key] = len(seen) < MOST_POINTS and difference_at(found.pair, point, relation) is not None
        return seen[key]

    if sum(x.size for x in found.point.values()) > MOST_ENTRIES:
        point = _mostly_zero(found.point, falls)
    else:
        point = _found_by_hypothesis(_points(shapes, found.sizes), falls, seed) or _mostly_zero(found.point, falls)
    difference = difference_at(found.pair, point, relation)
    return None if difference is None else Smallest(dict(found.sizes), point, difference, search)


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


def _mostly_zero(point: Arguments, falls: Callable[[Arguments], bool]) -> Arguments:
    """Sets runs of entries to zero, the longest first, then the others to one, as long as the difference stays."""
    flat = np.concatenate([x.ravel().astype(np.float64) for x in point.values()])

    def shaped(values: np.ndarray) -> Arguments:
        parts = np.split(values, np.cumsum([x.size for x in point.values()])[:-1])
        pairs = zip(point.items(), parts, strict=True)
        return {name: part.reshape(x.shape).astype(x.dtype) for (name, x), part in pairs}

    length = flat.size
    while length:
        for start in range(0, flat.size, length):
            flat = _with(flat, slice(start, start + length), 0.0, lambda values: falls(shaped(values)))
        length //= 2
    for place in np.flatnonzero(flat):
        flat = _with(flat, slice(place, place + 1), 1.0, lambda values: falls(shaped(values)))
    return shaped(flat)


def _with(values: np.ndarray, place: slice, number: float, falls: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The values with others at that place, if the functions still differ there."""
    changed = values.copy()
    changed[place] = number
    return values if (changed == values).all() or not falls(changed) else changed


def _points(shapes: Shapes, sizes: Sizes) -> st.SearchStrategy[Arguments]:
    numbers = st.integers(-4, 4).map(float) | st.integers(-32, 32).map(lambda k: k / 8)
    drawn = {
        name: hnp.arrays(np.float64, shapes.shape(name, sizes), elements=numbers)
        if argument.below is None
        else hnp.arrays(np.int64, shapes.shape(name, sizes), elements=st.integers(0, argument.below - 1))
        for name, argument in shapes.arguments.items()
    }
    return st.fixed_dictionaries(drawn)
