r"""Programs on arrays of residues of independent towers of primes, one level for each exponential within another.

A number has a residue at every level from the first one at which it is known: arguments at all of them, drawn
independently, and $e^x$ one level above x, as $(e^x)_j = g_j^{x_{j-1}}$. Nothing is expanded, at any depth. A program
without exponentials has towers of one level: a few independent primes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lrgd_jax.certify.fields.array_algebra import ArrayAlgebra
from lrgd_jax.certify.fields.array_elimination import eliminated, substituted
from lrgd_jax.certify.fields.array_symbols import ArraySymbols
from lrgd_jax.certify.fields.residue_arrays import Residues
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.fields.towers import Towers

__all__ = ["TowerField"]


class TowerField(ArrayAlgebra[Residues]):
    """Arrays in several towers at once.

    Attributes:
        towers: the towers.
        seed: of the point and of the free symbols.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.certify import trace, walk
        >>> from lrgd_jax.certify.fields.towers import draw_tower
        >>> field = TowerField(Towers((draw_tower(0, 0, depth=2),)), seed=0)
        >>> program = trace(lambda x: jnp.exp(jnp.exp(x)) * jnp.exp(-jnp.exp(x)), np.float32(0))
        >>> walk(program, field, [field.random((), "x")])[0].values.tolist()
        [1]
    """

    def __init__(self, towers: Towers, seed: int) -> None:
        super().__init__()
        self.towers = towers
        self.seed = seed
        self._factorised = 0
        self._symbols = ArraySymbols(towers, self._uniform)

    def moved(self, function: Callable[..., Any], *elements: Residues) -> Residues:
        """The entries are moved at every level."""
        start = max(x.start for x in elements)
        parts = [x.values[(start - x.start) * len(self.towers) :] for x in elements]
        values = np.stack([function(np, *lanes) for lanes in zip(*parts, strict=True)])
        if all(x.kinds is None for x in elements):
            return Residues(values, self.towers, start)
        return Residues(values, self.towers, start, np.asarray(function(np, *(x.all_kinds for x in elements))))

    def random(self, shape: Sequence[int], name: str) -> Residues:
        """Independent random residues at every level."""
        return Residues(self._uniform(self.towers.moduli[0].primes, f"input {name}", tuple(shape)), self.towers)

    def _uniform(self, primes: Sequence[int], name: str, shape: tuple[int, ...]) -> np.ndarray:
        drawn = [_generator(self.seed, name, p).integers(0, p, shape, dtype=np.uint64) for p in primes]
        return np.stack(drawn)

    def fraction(self, numerator: int, denominator: int) -> Residues:
        """A rational constant."""
        return Residues(self.towers.moduli[0].constant(numerator, denominator), self.towers)

    def whole_numbers(self, values: np.ndarray) -> Residues:
        """Constants."""
        return Residues(self.towers.moduli[0].integers(values), self.towers)

    def dyadic(self, values: np.ndarray) -> Residues:
        """Finite constants."""
        return Residues(self.towers.moduli[0].dyadic(values), self.towers)

    def contract(
        self, x: Residues, y: Residues, shape: Sequence[int], to_matrices: Sequence[Callable[..., Any]]
    ) -> Residues:
        """Matrix products at every level."""
        first, second = (self.move(move, one) for move, one in zip(to_matrices, (x, y), strict=True))
        product = first.by(self.towers.moduli[max(x.start, y.start)].contract, second)
        return product.by(lambda values: values.reshape(len(values), *shape))

    def total(self, x: Residues, axes: tuple[int, ...]) -> Residues:
        """The sum at every level."""
        return x.by(lambda values: x.moduli.total(values, axes))

    def accumulated(self, x: Residues, axis: int, *, products: bool) -> Residues:
        """One step after the other."""
        operation = x.moduli.product if products else x.moduli.add

        def steps(values: np.ndarray) -> np.ndarray:
            rows = list(np.moveaxis(values, axis + 1, 1).swapaxes(0, 1))
            for k in range(1, len(rows)):
                rows[k] = operation(rows[k - 1], rows[k])
            return np.stack(rows, axis=axis + 1) if rows else values

        return x.by(steps)

    def scattered(self, x: Residues, places: np.ndarray, updates: Residues) -> Residues:
        """Counted so that no sum leaves 63 bits."""
        kept = np.flatnonzero(places.ravel() < math.prod(x.shape))
        targets = places.ravel()[kept]
        if np.bincount(targets, minlength=1).max(initial=0) > 1 << 12:
            raise OrderError("a scatter adds more than 4,096 numbers at one place")

        def added(values: np.ndarray, more: np.ndarray) -> np.ndarray:
            flat = values.reshape(len(values), -1).copy()
            for row, one in zip(flat, more.reshape(len(more), -1), strict=True):
                np.add.at(row, targets, one[kept])
            return flat.reshape(values.shape)

        rank = len(x.shape)
        start = max(x.start, updates.start)
        found = Residues(added(x.above(start, rank), updates.above(start, len(updates.shape))), self.towers, start)
        return found.by(found.moduli.reduced)

    def power_of_e(self, x: Residues) -> Residues:
        """One level above."""
        if x.start == self.towers.depth:
            raise OrderError("exponentials lie deeper within each other than this tower is high")
        return Residues(self.towers.exponentials(x.values, x.start), self.towers, x.start + 1)

    def of_rows(self, name: str, rows: Residues, results: int) -> Residues:
        """A row is told from others by its residues in all towers at a level; its symbols are drawn at that level."""
        return self._symbols.of_rows(name, rows, results)

    def extremes(self, name: str, rows: Residues) -> Residues:
        """The set of all numbers that were compared names the symbol, whatever their order."""
        return self._symbols.extremes(name, rows)

    def solved(self, a: Residues, b: Residues, *, lower: bool, unit: bool) -> Residues:
        """Substitution."""
        start = max(a.start, b.start)
        operands = a.above(start, len(a.shape)), b.above(start, len(b.shape))
        return Residues(substituted(self.towers.moduli[start], *operands, lower=lower, unit=unit), self.towers, start)

    def factorised(self, x: Residues) -> list[Any]:
        """Pivots are any rows that are zero in no tower, drawn at random: a result that depends on them shows."""
        self.pivots_open = True
        self._factorised += 1
        drawn = _generator(self.seed, "pivots", self._factorised)
        factors, pivots, order = eliminated(x.moduli, x.values, lambda possible: int(drawn.choice(possible)))
        return [Residues(factors, self.towers, x.start), pivots, order]


def _generator(*key: int | str) -> np.random.Generator:
    digest = hashlib.blake2b(repr(key).encode(), digest_size=32).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
