"""Arrays of numbers of one system, held as NumPy arrays of objects."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Number", "Numbers", "as_objects", "elementwise", "fold"]

Number: TypeAlias = Any
"""What a number system computes with: `fmpq`, `nmod`, `Exponentials`, `arb`, `Size`, `CellNumber`, or a `Whole` array.

They share +, -, * and /, but no class and no protocol that a type checker could hold python-flint's numbers to."""


class Numbers:
    """An array of numbers of one system."""

    __slots__ = ("array",)

    def __init__(self, array: Number) -> None:
        # an operation on 0-d object arrays returns the bare number
        self.array: np.ndarray = array if isinstance(array, np.ndarray) else _scalar(array)

    def __repr__(self) -> str:
        return f"Numbers({self.array!r})"


def _scalar(number: Number) -> np.ndarray:
    array = np.empty((), object)
    array[()] = number
    return array


def as_objects(flat: list[Number], shape: tuple[int, ...]) -> np.ndarray:
    """An object array of that shape."""
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape)


def elementwise(function: Callable[..., Any], *elements: Numbers) -> Numbers:
    """A function of numbers at every entry, with NumPy's broadcasting."""
    arrays = np.broadcast_arrays(*(x.array for x in elements))
    flat = [function(*numbers) for numbers in zip(*(x.ravel() for x in arrays), strict=True)]
    return Numbers(as_objects(flat, arrays[0].shape))


def fold(function: Callable[[list[Number]], Number], x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """`function` of the list of all entries along `axes`, for each place of the other axes."""
    kept = [k for k in range(x.ndim) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    rows = x.transpose(*kept, *axes).reshape(math.prod(shape), -1) if x.size else x.reshape(math.prod(shape), 0)
    return as_objects([function(list(row)) for row in rows], shape)
