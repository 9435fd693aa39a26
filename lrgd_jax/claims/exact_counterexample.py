"""The smallest instance at which exact arithmetic shows that a claim is false, in plain numbers."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hypothesis
import jax
import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, NoSuchExample
from hypothesis.extra import numpy as hnp

from lrgd_jax.certify.counterexamples.divergence import Divergence, find_divergence
from lrgd_jax.certify.counterexamples.strategies import named
from lrgd_jax.certify.points.function_pairs import Difference, Pair, difference_at
from lrgd_jax.claims.arguments import Argument, Arguments, Dimensions, Integers
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.traced_side import trace_side
from lrgd_jax.claims.uncompiled_sides import UncompiledSides

__all__ = ["ExactCounterexample", "pair_of_sides", "smallest_exact_counterexample"]

MOST_SHAPES = 64
"""How many shapes are tried, in the order of the sum of their dimensions."""

MOST_POINTS = 100
"""How many points are tried at the smallest shape."""

RANDOM_POINTS = 3
"""How often arguments are drawn at each shape, beside ones."""


@dataclass(frozen=True)
class ExactCounterexample:
    """An instance at which the sides differ in exact arithmetic.

    Attributes:
        dimensions: sizes of the named axes.
        arguments: arrays of the instance, as the sides got them.
        difference: both results, in rational numbers or balls, and how far they are apart.
        parting: the first value on each side that the other lacks.
    """

    dimensions: Dimensions
    arguments: Arguments
    difference: Difference
    parting: Divergence | None


@dataclass(frozen=True)
class _FallenPoint:
    dimensions: Dimensions
    pair: Pair
    drawn: Arguments


def smallest_exact_counterexample(
    claim: Claim, first: Dimensions | None = None, *, seed: int = 0
) -> ExactCounterexample | None:
    """Searches for the smallest dimensions at which the sides differ, then for the plainest numbers there.

    Args:
        claim: what is claimed.
        first: dimensions at which the sides are known to differ, looked at last.
        seed: seed of the points and of the search.

    Returns:
        The counterexample, or None where no point was found at which rational numbers or balls tell the sides apart.
    """
    search = _Search(claim, seed)
    point = next((one for one in map(search.at, _shapes(claim, first)) if one is not None), None)
    return None if point is None else search.plainest(point)


def pair_of_sides(claim: Claim, dimensions: Dimensions, arguments: Arguments) -> Pair:
    """Both sides of a claim as programs of the same arguments.

    Args:
        claim: what is claimed.
        dimensions: sizes of the named axes.
        arguments: an instance, after `given`.

    Raises:
        ValueError: a side cannot be traced.
    """
    sides = ("left side", claim.left), ("right side", claim.right)
    left, right = (trace_side(claim, side, what, arguments, dimensions).program for what, side in sides)
    return Pair(left, right)


class _Search:
    """Points of a claim, before and after `given`."""

    def __init__(self, claim: Claim, seed: int) -> None:
        self.claim = claim
        self.seed = seed
        self.instances = UncompiledSides(claim)

    def at(self, dimensions: Dimensions) -> _FallenPoint | None:
        """A point at these dimensions; None where there is none, or the sides cannot be evaluated."""
        pair: Pair | None = None
        for drawn in self._points(dimensions):
            try:
                arguments = self._prepare(dimensions, drawn)
                pair = pair or pair_of_sides(self.claim, dimensions, arguments)
            except ValueError:
                return None
            if difference_at(pair, arguments, self.claim.relation) is not None:
                return _FallenPoint(dimensions, pair, drawn)
        return None

    def plainest(self, point: _FallenPoint) -> ExactCounterexample | None:
        """Small whole numbers where they do, else eighths, else the point itself."""

        def falls(drawn: Arguments) -> bool:
            return self._difference(point, drawn) is not None

        drawn = _find_by_hypothesis(_plain_points(self.claim, point.dimensions), falls, self.seed) or point.drawn
        difference = self._difference(point, drawn)
        if difference is None:
            return None
        arguments = self._prepare(point.dimensions, drawn)
        beside = self._prepare(point.dimensions, self._draw(point.dimensions, RANDOM_POINTS))
        steps = find_divergence(point.pair.left, point.pair.right, *map(jax.tree.leaves, (arguments, beside)))
        return ExactCounterexample(point.dimensions, arguments, difference, steps)

    def _difference(self, point: _FallenPoint, drawn: Arguments) -> Difference | None:
        try:
            arguments = self._prepare(point.dimensions, drawn)
        except ValueError:
            return None
        return difference_at(point.pair, arguments, self.claim.relation)

    def _prepare(self, dimensions: Dimensions, drawn: Arguments) -> dict[str, np.ndarray]:
        return jax.tree.map(_as_array, self.instances.prepare(dimensions, drawn))

    def _points(self, dimensions: Dimensions) -> Iterator[Arguments]:
        yield {
            name: np.ones(self.claim.shape_of(name, dimensions))
            if not isinstance(spec, Integers)
            else np.full(self.claim.shape_of(name, dimensions), max(dimensions[spec.below] - 1, 0), np.int64)
            for name, spec in self.claim.arguments.items()
        }
        for number in range(RANDOM_POINTS):
            yield self._draw(dimensions, number)

    def _draw(self, dimensions: Dimensions, number: int) -> Arguments:
        rng = np.random.default_rng([self.seed, number])
        return {
            name: np.asarray(rng.standard_normal(self.claim.shape_of(name, dimensions)))
            if not isinstance(spec, Integers)
            else rng.integers(0, max(dimensions[spec.below], 1), self.claim.shape_of(name, dimensions), np.int64)
            for name, spec in self.claim.arguments.items()
        }


def _as_array(x: Argument) -> Argument:
    return x if isinstance(x, jax.Array) and jax.numpy.issubdtype(x.dtype, jax.dtypes.extended) else np.asarray(x)


def _shapes(claim: Claim, first: Dimensions | None) -> Iterator[Dimensions]:
    """The smallest ones that the claim allows, then those that are known."""
    spans = [range(smallest, largest + 1) for smallest, largest in claim.dimensions.values()]
    # of many dimensions only corners near the smallest are reached, and their product may be enormous
    near = [span[:3] for span in spans]
    ordered = sorted(itertools.islice(itertools.product(*near), 100_000), key=sum)
    for sizes in ordered[:MOST_SHAPES]:
        yield dict(zip(claim.dimensions, sizes, strict=True))
    yield from ([first] if first is not None else [])


def _plain_points(claim: Claim, dimensions: Dimensions) -> st.SearchStrategy[Arguments]:
    numbers = st.integers(-4, 4).map(float) | st.integers(-32, 32).map(lambda k: k / 8)

    def argument(name: str, spec: str | Integers) -> st.SearchStrategy[np.ndarray]:
        shape = claim.shape_of(name, dimensions)
        if isinstance(spec, Integers):
            return hnp.arrays(np.int64, shape, elements=st.integers(0, max(dimensions[spec.below] - 1, 0)))
        return hnp.arrays(np.float64, shape, elements=numbers)

    return named({name: argument(name, spec) for name, spec in claim.arguments.items()})


def _find_by_hypothesis(
    points: st.SearchStrategy[Arguments], falls: Callable[[Arguments], bool], seed: int
) -> Arguments | None:
    settings = hypothesis.settings(
        max_examples=MOST_POINTS,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    )
    try:
        return hypothesis.find(points, falls, settings=settings, random=random.Random(seed))
    except (NoSuchExample, FailedHealthCheck):
        return None
