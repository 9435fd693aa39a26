"""Points at which two programs are compared: plain ones, then random ones; all choices of integers where they are few.

A random normal number is never zero, never equal to another, and hardly ever beyond ten. So before any is drawn come
zeros, ones, tens, huge and tiny numbers, alternating signs, ramps, ties and equal arguments.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

__all__ = [
    "FAR",
    "MOST_INTEGERS",
    "Leaf",
    "Point",
    "integer_choices",
    "is_within",
    "number_of_integers",
    "plain_points",
    "random_points",
]

Point = list[np.ndarray]
"""One array for each leaf of the arguments."""

FAR = 2.0**100
"""Huge; its reciprocal is tiny. Balls have no overflow, and a sum of both needs no more than 200 bits."""

MOST_INTEGERS = 256
"""So many choices of all integer arguments together are enumerated."""

_SCALES = (1.0, 10.0, 0.1)


class Leaf(NamedTuple):
    """One array among the arguments.

    Attributes:
        shape: of the array.
        below: it holds integers from 0 up to and without this; None where it holds real numbers.
        above: its real numbers are larger than this.
    """

    shape: tuple[int, ...]
    below: int | None = None
    above: float = -np.inf

    @property
    def size(self) -> int:
        """How many entries it has."""
        return int(np.prod(self.shape, dtype=np.int64))


def number_of_integers(leaves: Sequence[Leaf]) -> int:
    """How many choices of all integer arguments there are; one where there is no integer argument.

    Examples:
        >>> number_of_integers([Leaf((2,), below=3), Leaf((5,))])
        9
    """
    return int(np.prod([leaf.below**leaf.size for leaf in leaves if leaf.below is not None], dtype=object))


def integer_choices(leaves: Sequence[Leaf], seed: int, *, most: int, drawn: int) -> list[Point]:
    """The integer arguments to compare at, the real ones zero: all choices where they are few.

    Otherwise zero everywhere, the upper end everywhere, both in turn, a ramp, a lone upper end, and random ones.

    Args:
        leaves: of the arguments.
        seed: of the random ones.
        most: so many choices are enumerated at most.
        drawn: how many random ones there are.
    """
    if number_of_integers(leaves) <= most:
        return [_filled(leaves, iter(values)) for values in _all_integers(leaves)]
    rng = np.random.default_rng([seed, 0])
    rules: list[Callable[[np.ndarray, int], np.ndarray]] = [
        lambda place, below: 0 * place,
        lambda place, below: 0 * place + below - 1,
        lambda place, below: place % 2 * (below - 1),
        lambda place, below: place % below,
        lambda place, below: (place == 0) * (below - 1),
        *[lambda place, below: rng.integers(0, below, place.shape)] * drawn,
    ]
    return [[_integers(leaf, rule) for leaf in leaves] for rule in rules]


def _all_integers(leaves: Sequence[Leaf]) -> Iterator[tuple[int, ...]]:
    return itertools.product(
        *(range(leaf.below) for leaf in leaves if leaf.below is not None for _ in range(leaf.size))
    )


def _filled(leaves: Sequence[Leaf], values: Iterator[int]) -> Point:
    return [
        np.zeros(leaf.shape)
        if leaf.below is None
        else np.array(list(itertools.islice(values, leaf.size)), np.int64).reshape(leaf.shape)
        for leaf in leaves
    ]


def _integers(leaf: Leaf, rule: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    if leaf.below is None:
        return np.zeros(leaf.shape)
    return np.asarray(rule(np.arange(leaf.size), leaf.below), np.int64).reshape(leaf.shape)


def plain_points(leaves: Sequence[Leaf], integers: Sequence[Point]) -> list[Point]:
    """Points that a person would try first; arguments of one shape are equal to each other at most of them.

    Args:
        leaves: of the arguments.
        integers: choices of the integer arguments, taken in turn.
    """
    if all(leaf.below is not None for leaf in leaves):
        return list(integers)
    points = [[rule(k, _places(leaf)) for k, leaf in enumerate(leaves)] for rule in _PLAIN]
    return _with_integers(leaves, points, integers)


def random_points(leaves: Sequence[Leaf], integers: Sequence[Point], seed: int, rounds: int) -> list[Point]:
    """Normal numbers at several scales, and ones between zero and one, where more functions have a value.

    Args:
        leaves: of the arguments.
        integers: choices of the integer arguments, taken in turn.
        seed: of all points.
        rounds: how often each kind is drawn.
    """
    if all(leaf.below is not None for leaf in leaves):
        return []
    points = []
    for number in range(rounds):
        rng = np.random.default_rng([seed, number])
        normal = [np.asarray(rng.standard_normal(leaf.shape)) for leaf in leaves]
        points += [[_lifted(scale * x, leaf) for x, leaf in zip(normal, leaves, strict=True)] for scale in _SCALES]
        points.append([_lifted(np.abs(x) / (1 + np.abs(x)), leaf) for x, leaf in zip(normal, leaves, strict=True)])
    return _with_integers(leaves, points, integers)


def is_within(leaves: Sequence[Leaf], point: Point) -> bool:
    """Whether the real numbers are as large as they must be."""
    return all(leaf.below is not None or bool(np.all(x > leaf.above)) for leaf, x in zip(leaves, point, strict=True))


def _lifted(x: np.ndarray, leaf: Leaf) -> np.ndarray:
    return x if leaf.above == -np.inf else leaf.above + np.abs(x)


def _with_integers(leaves: Sequence[Leaf], points: Sequence[Point], integers: Sequence[Point]) -> list[Point]:
    kept = [point for point in points if is_within(leaves, point)]
    # each choice of integers is met at least once
    rounds = max(len(kept), len(integers) if kept else 0)
    return [
        [
            _chosen(leaf, x, y)
            for leaf, x, y in zip(leaves, kept[k % len(kept)], integers[k % len(integers)], strict=True)
        ]
        for k in range(rounds)
    ]


def _chosen(leaf: Leaf, real: np.ndarray, integer: np.ndarray) -> np.ndarray:
    return np.asarray(real, np.float64) if leaf.below is None else integer


class _Places(NamedTuple):
    """Where each entry of an array is: its flat place, its row and its column."""

    flat: np.ndarray
    row: np.ndarray
    column: np.ndarray


def _places(leaf: Leaf) -> _Places:
    flat = np.arange(leaf.size).reshape(leaf.shape)
    columns = leaf.shape[-1] if len(leaf.shape) > 1 else 1
    return _Places(flat, flat // max(columns, 1), flat % max(columns, 1))


def _hashed(place: np.ndarray) -> np.ndarray:
    """Small integers of both signs in no order, without zero."""
    number = place * 7 % 11 - 5
    return np.where(number == 0, 6, number).astype(np.float64)


_PLAIN: Sequence[Callable[[int, _Places], np.ndarray]] = (
    lambda k, at: np.zeros(at.flat.shape),
    lambda k, at: np.ones(at.flat.shape),
    lambda k, at: -np.ones(at.flat.shape),
    # the sign turns from entry to entry, and from argument to argument where there is one entry
    lambda k, at: (-1.0) ** (at.flat + k),
    lambda k, at: 1.0 + at.flat,
    lambda k, at: -1.0 - at.flat,
    # numbers in no order; the arguments are equal to each other
    lambda k, at: _hashed(at.flat),
    # two rows, or two entries, are equal, and two arguments are not
    lambda k, at: _hashed(at.row // 2 + 3 * at.column + 4 * k),
    # all entries of an argument are equal, and no two arguments
    lambda k, at: np.full(at.flat.shape, 2.0 + k),
    lambda k, at: np.full(at.flat.shape, 10.0),
    lambda k, at: np.full(at.flat.shape, -10.0),
    # a lone one
    lambda k, at: (at.flat == 0).astype(np.float64),
    lambda k, at: 0.5 * _hashed(at.flat + k),
    lambda k, at: 10 * _hashed(at.flat + k),
    lambda k, at: np.full(at.flat.shape, FAR),
    lambda k, at: -FAR * (-1.0) ** at.flat,
    lambda k, at: np.full(at.flat.shape, 1 / FAR),
    lambda k, at: -((-1.0) ** at.flat) / FAR,
    lambda k, at: np.full(at.flat.shape, 1e6),
    lambda k, at: np.full(at.flat.shape, 1e-3),
)
"""Each rule says what argument k is."""
