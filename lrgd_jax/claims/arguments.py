"""What a claim declares of its arguments: named dimensions, shapes in them, and integers below one of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Array

__all__ = ["Argument", "Arguments", "Dimensions", "Integers", "axis_size"]

Dimensions: TypeAlias = Mapping[str, int]
"""The size of every named axis, and every other static number, of one instance: `{"n": 6, "d": 3, "steps": 2}`."""


Argument: TypeAlias = Array | np.ndarray
"""An array of an instance, or a random key that `given` adds."""

Arguments: TypeAlias = Mapping[str, Argument]
"""The arrays of one instance, by the names of the claim's arguments."""


@dataclass(frozen=True)
class Integers:
    """An integer argument: an array of numbers from zero to below a dimension, such as token ids.

    Attributes:
        shape: as for floating arguments, for example "n".
        below: the dimension that its values stay below.

    Examples:
        >>> Integers("n", below="vocab")
        Integers(shape='n', below='vocab')
    """

    shape: str
    below: str


def axis_size(expression: str, dimensions: Dimensions) -> int:
    """The size of an axis: a sum of products of dimensions and whole numbers."""
    try:
        return sum(
            math.prod(int(factor) if factor.isdigit() else dimensions[factor] for factor in term.split("*"))
            for term in expression.split("+")
        )
    except KeyError as unknown:
        raise ValueError(
            f"axis {expression!r} names the dimension {unknown}, which is not declared; "
            f"declared are {sorted(dimensions)}"
        ) from None
