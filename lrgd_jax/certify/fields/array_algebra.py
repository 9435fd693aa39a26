"""What all number systems of whole arrays share: residues in towers of primes, and the bounds on their degrees."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.array_rules import RULES
from lrgd_jax.certify.fields.sampled_field import ByExponentials
from lrgd_jax.certify.fields.whole_arrays import (
    MASKED,
    NUMBER,
    Whole,
    kinds_of_constants,
    known_constants,
    numbers,
    refuse_infinite,
)
from lrgd_jax.certify.walking.system import System

__all__ = ["ArrayAlgebra"]

W = TypeVar("W", bound=Whole)


class ArrayAlgebra(ByExponentials, Generic[W]):
    """The rules of arithmetic for whole arrays; subclasses say what an array is."""

    def __init__(self) -> None:
        super().__init__()
        circular = ("cos", "sin", "tan", "log2")
        self.functions = {**self.functions, **{name: self._function(name) for name in circular}}
        self.rules = {name: functools.partial(rule, self) for name, rule in RULES.items()}

    def apply(self, eqn: core.JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        """Functions of one argument, then rules."""
        function = self.functions.get(eqn.primitive.name)
        return [function(inputs[0])] if function is not None else System.apply(self, eqn, inputs)

    def known_primitives(self) -> set[str]:
        """What has a rule."""
        return {*self.rules, *self.functions}

    def expands(self, name: str) -> bool:
        """What has no rule here."""
        return name not in self.known_primitives()

    def lift(self, value: np.ndarray, dtype: np.dtype) -> Number:
        """The exact constants."""
        plain = np.asarray(value)
        if plain.dtype.kind in "iub":
            found = self.whole_numbers(plain.astype(np.uint64 if plain.dtype.kind == "u" else np.int64))
            found.plain = known_constants(plain)
            return found
        plain = plain.astype(np.float64)
        kinds = kinds_of_constants(plain)
        self.masked = self.masked or bool((np.isfinite(plain) & (kinds == MASKED)).any())
        finite = np.where(kinds == NUMBER, plain, 0.0)
        found = self.dyadic(finite).of_kinds(kinds)
        found.plain = known_constants(finite)
        return found

    def move(self, function: Callable[..., Any], *elements: Number) -> Number:
        """The entries are moved as they are."""
        found = self.moved(function, *elements)
        known = [x.plain for x in elements]
        found.plain = None if any(x is None for x in known) else np.asarray(function(np, *known))
        return found

    def moved(self, function: Callable[..., Any], *elements: W) -> W:
        """The entries, whatever is known of them."""
        raise NotImplementedError

    def fraction(self, numerator: int, denominator: int) -> Number:
        """A rational constant, as an array of no axes."""
        raise NotImplementedError

    def whole_numbers(self, values: np.ndarray) -> W:
        """Constants."""
        raise NotImplementedError

    def dyadic(self, values: np.ndarray) -> W:
        """Finite constants."""
        raise NotImplementedError

    def contract(self, x: W, y: W, shape: Sequence[int], to_matrices: Sequence[Callable[..., Any]]) -> W:
        """The contraction whose operands `to_matrices` turns into stacks of matrices."""
        raise NotImplementedError

    def total(self, x: W, axes: tuple[int, ...]) -> W:
        """The sum over axes."""
        raise NotImplementedError

    def accumulated(self, x: W, axis: int, *, products: bool) -> W:
        """Partial sums or products along an axis."""
        raise NotImplementedError

    def scattered(self, x: W, places: np.ndarray, updates: W) -> W:
        """X with updates added at flat places, those past the end left out."""
        raise NotImplementedError

    def of_rows(self, name: str, rows: W, results: int) -> W:
        """For each row [rows, width] of arguments free symbols [rows, results]."""
        raise NotImplementedError

    def extremes(self, name: str, rows: W) -> W:
        """For each row [rows, width] a symbol for the maximum of the numbers in it: of their set."""
        raise NotImplementedError

    def power_of_e(self, x: W) -> W:
        """Exponentials of numbers."""
        raise NotImplementedError

    def solved(self, a: W, b: W, *, lower: bool, unit: bool) -> W:
        """The solution of triangular systems [..., n, n] with right sides [..., n, m]."""
        raise NotImplementedError

    def factorised(self, x: W) -> list[Any]:
        """L and U in one, pivots, permutation."""
        raise NotImplementedError

    def known_order(self, x: Number, y: Number) -> int | None:
        """Of no two numbers."""
        return None

    def exponential(self, x: W) -> W:
        """Zero where a logit is masked."""
        self.calls += math.prod(x.shape) - 1
        if x.kinds is None:
            return self.power_of_e(x)
        refuse_infinite(x)
        found, kept = self.power_of_e(x.of_kinds(None)), x.kinds == NUMBER
        return self.move(lambda xp, a, b: xp.where(kept, a, b), found, self.whole_numbers(np.zeros(x.shape, np.int64)))

    def asked(self, name: str, *arguments: W) -> W:
        """A symbol, counted."""
        return self._asked(name, *arguments)

    def number_of(self, function: Callable[..., Any]) -> int:
        """The same function is the same symbol in all programs that this system walks."""
        return self._number_of(function)

    def symbol(self, name: str, *arguments: W) -> W:
        """One random element for each name and arguments, entry by entry."""
        shape = np.broadcast_shapes(*(x.shape for x in arguments))
        count = math.prod(shape)
        self.calls += count - 1
        flat = [self.move(lambda xp, a: xp.broadcast_to(a, shape).reshape(count, 1), numbers(x)) for x in arguments]
        rows = flat[0] if len(flat) == 1 else self.move(lambda xp, *a: xp.concatenate(a, axis=1), *flat)
        return self.move(lambda xp, a: a.reshape(shape), self.of_rows(name, rows, 1))

    def logarithm(self, x: W) -> W:
        """A symbol."""
        return self.symbol("log", x)

    def larger(self, x: W, y: W) -> W:
        """One symbol for the set of all numbers that were compared."""
        return self.extreme_along("max", self._side_by_side(x, y), -1)

    def smaller(self, x: W, y: W) -> W:
        """Likewise."""
        return self.extreme_along("min", self._side_by_side(x, y), -1)

    def _side_by_side(self, x: W, y: W) -> W:
        shape = np.broadcast_shapes(x.shape, y.shape)
        return self.move(lambda xp, *a: xp.stack([xp.broadcast_to(b, shape) for b in a], axis=-1), x, y)

    def extreme_along(self, name: str, x: W, *axes: int) -> W:
        """The maximum or minimum of all entries along axes: a symbol for their set."""
        places = [axis % len(x.shape) for axis in axes]
        kept = [k for k in range(len(x.shape)) if k not in places]
        shape = tuple(x.shape[k] for k in kept)
        width = math.prod(x.shape[k] for k in places)
        if not width:
            raise ValueError("the maximum of nothing has no value")
        self.calls += math.prod(shape)
        order = (*kept, *places)
        rows = self.move(lambda xp, a: a.transpose(order).reshape(math.prod(shape), width), x)
        refuse_infinite(rows)
        return self.move(lambda xp, a: a.reshape(shape), self.extremes(name, rows))
