"""Whole arrays as numbers: what is known of all entries at once, and which entries are no numbers.

A `Whole` array adds, multiplies and divides as a number does, so what is said of a number is said of all entries. Which
entries are masked, infinite or NaN does not depend on the arguments; it is kept beside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Int8

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.symbolic import MASK, OrderError

__all__ = [
    "MASKED",
    "NAN",
    "NUMBER",
    "Kinds",
    "Whole",
    "kinds_of_constants",
    "known_constants",
    "numbers",
    "refuse_infinite",
]

MASKED, NUMBER, INFINITE, NAN = -1, 0, 1, 2

_EXACT = 2.0**53

_NAMES = {MASKED: "minus infinity", INFINITE: "plus infinity", NAN: "NaN"}

Kinds = Int8[np.ndarray, "..."]


class Whole(ABC):
    """An array as one number.

    Attributes:
        shape: of the array.
        kinds: what each entry is; None where all are numbers.
        plain: the numbers themselves, where they are whole constants that float64 holds exactly; else None.
    """

    plain: np.ndarray | None = None

    def __init__(self, shape: Sequence[int], kinds: Kinds | None = None) -> None:
        self.shape = tuple(shape)
        self.kinds = kinds if kinds is not None and kinds.any() else None

    @property
    def all_kinds(self) -> Kinds:
        """The same as an array, whatever they are."""
        return np.broadcast_to(np.int8(NUMBER), self.shape) if self.kinds is None else self.kinds

    @abstractmethod
    def plus(self, other: Number) -> Number:
        """The sum of numbers."""

    @abstractmethod
    def times(self, other: Number) -> Number:
        """The product."""

    @abstractmethod
    def negative(self) -> Number:
        """The number that adds up to zero with it."""

    @abstractmethod
    def inverse(self) -> Number:
        """One over it."""

    @abstractmethod
    def powers(self, exponents: np.ndarray) -> Number:
        """Whole powers, entry by entry."""

    @abstractmethod
    def of_kinds(self, kinds: Kinds | None) -> Number:
        """The same array, of which some entries are no numbers."""

    def __add__(self, other: Number) -> Number:
        if not isinstance(other, Whole):
            return NotImplemented
        total = self.plus(other)
        total.plain = _exactly(np.add, self, other)
        if self.kinds is None and other.kinds is None:
            return total
        for x in (self, other):
            refuse_infinite(x)
        # adding to minus infinity changes nothing
        return total.of_kinds(np.minimum(*np.broadcast_arrays(self.all_kinds, other.all_kinds)))

    def __neg__(self) -> Number:
        # a bound is its own negative
        found = numbers(self).negative().of_kinds(None)
        found.plain = _exactly(np.negative, self)
        return found

    def __sub__(self, other: Number) -> Number:
        return self + (-other) if isinstance(other, Whole) else NotImplemented

    def __mul__(self, other: Number) -> Number:
        if not isinstance(other, Whole):
            return NotImplemented
        product = numbers(self).times(numbers(other))
        product.plain = _exactly(np.multiply, self, other)
        return product

    def __truediv__(self, other: Number) -> Number:
        return numbers(self).times(numbers(other).inverse()) if isinstance(other, Whole) else NotImplemented


W = TypeVar("W", bound=Whole)


def numbers(x: W) -> W:
    """X itself.

    Raises:
        OrderError: an entry is no number.
    """
    if x.kinds is not None:
        _refuse(x.kinds != NUMBER, x)
    return x


def refuse_infinite(x: Whole) -> None:
    """Raises `OrderError` where an entry is neither a number nor minus infinity."""
    _refuse(x.all_kinds > NUMBER, x)


def _refuse(where: np.ndarray, x: Whole) -> None:
    if where.any():
        name = _NAMES[int(x.all_kinds[where][0])]
        raise OrderError(f"the program computes with {name}, which has no place in a field")


def _exactly(operation: np.ufunc, *operands: Whole) -> np.ndarray | None:
    """The result for constants that are known; None where it may not be exact."""
    known = [x.plain for x in operands if x.plain is not None and x.kinds is None]
    if len(known) < len(operands):
        return None
    result = operation(*known)
    return result if (np.abs(result) < _EXACT).all() else None


def known_constants(values: np.ndarray) -> np.ndarray | None:
    """Those of float64, if all are whole numbers that it holds with all numbers below them."""
    plain = np.asarray(values, np.float64)
    return plain if (np.abs(plain) < _EXACT).all() and (plain == np.floor(plain)).all() else None


def kinds_of_constants(values: np.ndarray) -> Kinds:
    """What finite and infinite literals stand for."""
    kinds = np.where(values >= MASK, INFINITE, np.where(values <= -MASK, MASKED, NUMBER))
    return np.where(np.isnan(values), NAN, kinds).astype(np.int8)
