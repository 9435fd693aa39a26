"""Free symbols of arrays of residues: one random residue for each level, tower, name and arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from jaxtyping import UInt64

from lrgd_jax.certify.fields.residue_arrays import Residues
from lrgd_jax.certify.fields.towers import Towers
from lrgd_jax.certify.fields.whole_arrays import MASKED, NUMBER

__all__ = ["ArraySymbols"]

Draw = Callable[[Sequence[int], str, tuple[int, ...]], np.ndarray]
"""Residues modulo some primes, by a name, of a shape; a longer array begins as a shorter one does."""


class ArraySymbols:
    """Symbols that have been asked for.

    Arguments are told from others by their residues in all towers at one level: those that differ count as one only
    where they do so in every tower.
    """

    def __init__(self, towers: Towers, draw: Draw) -> None:
        self.towers = towers
        self._draw = draw
        self._places: dict[tuple[str, int], dict[Hashable, int]] = {}
        self._drawn: dict[tuple[str, int, int], np.ndarray] = {}
        self._members: dict[tuple[str, int, bytes], frozenset[bytes]] = {}

    def of_rows(self, name: str, rows: Residues, results: int) -> Residues:
        """For each row [rows, width] of arguments symbols [rows, results]."""
        levels = []
        for level in self._levels(rows):
            known = self._places.setdefault((name, level), {})
            keys = self._keys(rows, level).reshape(rows.shape[0], -1)
            places = [known.setdefault(key.tobytes(), len(known)) for key in keys]
            levels.append(self._symbols(name, level, len(known), results)[:, places])
        return Residues(np.concatenate(levels), self.towers, rows.start)

    def extremes(self, name: str, rows: Residues) -> Residues:
        """For each row [rows, width] the symbol of the set of its numbers, or the number that is alone in it."""
        seen = rows.all_kinds != MASKED
        hidden = ~seen.any(axis=1) if name == "max" else ~seen.all(axis=1)
        levels = [self._of_sets(name, rows, seen & ~hidden[:, None], level) for level in self._levels(rows)]
        kinds = np.where(hidden, MASKED, NUMBER).astype(np.int8)
        return Residues(np.concatenate(levels), self.towers, rows.start, kinds)

    def _of_sets(self, name: str, rows: Residues, seen: np.ndarray, level: int) -> UInt64[np.ndarray, "towers rows"]:
        keys, known = self._keys(rows, level), self._places.setdefault((name, level), {})
        values = np.zeros((len(self.towers), len(seen)), np.uint64)
        sets: dict[int, frozenset[bytes]] = {}
        for k, (row, kept) in enumerate(zip(keys, seen, strict=True)):
            members = frozenset().union(*(self._of(name, level, key.tobytes()) for key in row[kept]))
            if len(members) == 1:
                values[:, k] = row[kept][0]
            elif members:
                sets[k] = members
        places = [known.setdefault(members, len(known)) for members in sets.values()]
        symbols = self._symbols(name, level, len(known), 1)[:, places, 0]
        values[:, list(sets)] = symbols
        for symbol, members in zip(np.ascontiguousarray(symbols.T), sets.values(), strict=True):
            self._members[name, level, symbol.tobytes()] = members
        return values

    def _of(self, name: str, level: int, key: bytes) -> frozenset[bytes]:
        return self._members.get((name, level, key)) or frozenset((key,))

    def _levels(self, x: Residues) -> range:
        return range(x.start, self.towers.depth + 1)

    def _keys(self, x: Residues, level: int) -> UInt64[np.ndarray, "... towers"]:
        lanes = slice((level - x.start) * len(self.towers), (level - x.start + 1) * len(self.towers))
        return np.ascontiguousarray(np.moveaxis(x.values[lanes], 0, -1))

    def _symbols(self, name: str, level: int, count: int, results: int) -> UInt64[np.ndarray, "towers count results"]:
        """The first symbols of a name."""
        key = name, level, results
        drawn = self._drawn.get(key)
        if drawn is None or drawn.shape[1] < count:
            primes = [tower.primes[level] for tower in self.towers.towers]
            size = 1 << max(count - 1, 0).bit_length()
            drawn = self._drawn[key] = self._draw(primes, f"symbol {name} {level}", (size, results))
        return drawn[:, :count]
