"""Arrays of residues in several towers of primes, at all levels at which a number is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lrgd_jax.certify.fields.modular_arrays import Primes
from lrgd_jax.certify.fields.towers import Towers
from lrgd_jax.certify.fields.whole_arrays import Kinds, Whole

__all__ = ["Residues"]


class Residues(Whole):
    """An array known at the levels from `start` on.

    Attributes:
        values: [levels and towers, *shape].
        towers: what they are residues of.
        start: the first level.
    """

    def __init__(self, values: np.ndarray, towers: Towers, start: int = 0, kinds: Kinds | None = None) -> None:
        super().__init__(values.shape[1:], kinds)
        self.values = values
        self.towers = towers
        self.start = start
        self._inverse: Residues | None = None

    @property
    def moduli(self) -> Primes:
        """One prime for each level and tower."""
        return self.towers.moduli[self.start]

    def above(self, start: int, rank: int) -> np.ndarray:
        """Values from a level on, with axes in front so that there are `rank`."""
        values = self.values[(start - self.start) * len(self.towers) :]
        return values.reshape(len(values), *(1,) * (rank - len(self.shape)), *self.shape)

    def by(self, operation: Callable[..., np.ndarray], *others: Residues) -> Residues:
        """Something done at all levels at which all operands are known."""
        operands = (self, *others)
        start, rank = max(x.start for x in operands), max(len(x.shape) for x in operands)
        return Residues(operation(*(x.above(start, rank) for x in operands)), self.towers, start)

    def plus(self, other: Residues) -> Residues:
        """The sum."""
        return self.by(self.towers.moduli[max(self.start, other.start)].add, other)

    def times(self, other: Residues) -> Residues:
        """The product."""
        return self.by(self.towers.moduli[max(self.start, other.start)].product, other)

    def negative(self) -> Residues:
        """Zero less it."""
        return self.by(self.moduli.negative)

    def inverse(self) -> Residues:
        """One over it, computed once."""
        if self._inverse is None:
            self._inverse = self.by(self.moduli.inverse)
        return self._inverse

    def powers(self, exponents: np.ndarray) -> Residues:
        """Whole powers."""
        return self.by(lambda x: self.moduli.powers(x, exponents))

    def of_kinds(self, kinds: Kinds | None) -> Residues:
        """The same residues."""
        return Residues(self.values, self.towers, self.start, kinds)
