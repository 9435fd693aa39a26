"""Lines through points along which a program's critical points are looked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lrgd_jax.certify.points.sample_points import Leaf, Point

__all__ = ["Line", "lines_through"]

_COORDINATES = 24


class Line(NamedTuple):
    """All base + t * direction."""

    base: Point
    direction: Point

    def at(self, t: float) -> Point:
        """The point at t; integers stay."""
        pairs = zip(self.base, self.direction, strict=True)
        return [x if x.dtype.kind in "iu" else x + t * way for x, way in pairs]


def lines_through(leaves: Sequence[Leaf], integers: Sequence[Point], seed: int) -> Iterator[Line]:
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
        yield Line([x if is_real else y for x, y, is_real in zip(base, chosen, real, strict=True)], direction)


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
