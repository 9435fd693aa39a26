"""A cell of the arguments: which signs are assumed in it, and what compares there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.algebra import Numbers, as_objects, fold
from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.half_spaces import Form
from lrgd_jax.certify.walking.discrete import out_dtype
from lrgd_jax.certify.walking.system import Rule

__all__ = ["Assumptions", "Atom", "CellOrder", "is_affine"]

Atom: TypeAlias = Form | int
"""What a comparison asks for the sign of: an affine form with leading coefficient one, or, for any other number, what
identifies it: its residue, or the negative one if that is smaller."""


Assumptions: TypeAlias = Mapping[Atom, int]
"""Atoms and their signs: a cell of the arguments."""


def is_affine(atom: Atom) -> bool:
    """Whether the place where an atom is zero is a plane."""
    return not isinstance(atom, int)


def _place(better: int) -> Rule:
    """Where the first of the largest (or smallest) entries stands."""

    def rule(system: Any, eqn: core.JaxprEqn, x: Numbers) -> np.ndarray:
        def of(row: list[Number]) -> int:
            best = 0
            for k in range(1, len(row)):
                best = k if system.order(row[k], row[best]) == better else best
            return best

        return fold(of, x.array, tuple(eqn.params["axes"])).astype(out_dtype(eqn))

    return rule


class CellOrder:
    """What the two number systems of a cell share: extremes, magnitudes and places are comparisons."""

    order: Callable[[Number, Number], int]
    constant: Callable[[int | float], Number]
    _variable: Callable[[int], Number]
    _variables = 0

    def numbered(self, shape: Sequence[int]) -> Numbers:
        """The next variables, numbered as both systems number them."""
        size = math.prod(shape)
        numbers = [self._variable(self._variables + k) for k in range(size)]
        self._variables += size
        return Numbers(as_objects(numbers, tuple(shape)))

    def decisions(self) -> dict[str, Rule]:
        """Rules of what compares."""
        return {
            "argmax": lambda eqn, x: _place(1)(self, eqn, x),
            "argmin": lambda eqn, x: _place(-1)(self, eqn, x),
        }

    def larger(self, x: Number, y: Number) -> Number:
        """The maximum, decided."""
        return x if self.order(x, y) >= 0 else y

    def smaller(self, x: Number, y: Number) -> Number:
        """The minimum, decided."""
        return x if self.order(x, y) <= 0 else y

    def under_abs(self, x: Number) -> Number:
        """The number itself: a magnitude is decided here, and is no symbol."""
        return x

    def decided(self, functions: Mapping[str, Callable[[Number], Number]]) -> dict[str, Callable[[Number], Number]]:
        """Functions of which magnitude and sign are comparisons."""
        return {**{name: rule for name, rule in functions.items() if name != "sign"}, "abs": self.magnitude}

    def magnitude(self, x: Number) -> Number:
        """The absolute value, decided."""
        return x if self.order(x, self.constant(0)) >= 0 else -x
