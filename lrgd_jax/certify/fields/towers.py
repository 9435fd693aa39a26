r"""Towers of primes, in which an exponential of a number of one level is a number of the next.

$p_0 < p_1 < \dots$ are primes with $p_{j-1} \mid p_j - 1$, so that $\mathrm{GF}(p_j)$ has elements $g_j$ of order
$p_{j-1}$, and $x \mapsto g_j^x$ takes sums modulo $p_{j-1}$ to products modulo $p_j$, as exp does.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpz
from jaxtyping import UInt64

from lrgd_jax.certify.fields.modular_arrays import WORD_BITS, Primes

__all__ = ["ATTEMPTS", "MOST_DEPTH", "Tower", "Towers", "base_bits", "draw_tower", "primes_to_draw"]

MOST_DEPTH = 3
"""Of exponentials within exponentials: each level takes seven bits."""

ATTEMPTS = 8
"""First primes that are tried for one tower; most of them begin one."""

_STEP_BITS, _WINDOW = 7, 8


def base_bits(depth: int) -> int:
    """Binary digits of the first prime of a tower with so many levels above it."""
    return WORD_BITS - _STEP_BITS * depth


def primes_to_draw(depth: int) -> float:
    """How many first primes there are, at least.

    Source:
        Rosser & Schoenfeld 1962, corollary 3 of theorem 2: more than 3x/(5 ln x) primes lie between x and 2x.
    """
    bits = base_bits(depth) - 1
    return 3 * 2.0**bits / (5 * bits * math.log(2))


@dataclass(frozen=True)
class Tower:
    """Primes and elements.

    Attributes:
        primes: one for each level.
        roots: of level j, of order p_(j-1); one for each level but the first.
    """

    primes: tuple[int, ...]
    roots: tuple[int, ...]


def draw_tower(seed: int, number: int, depth: int) -> Tower:
    """A random tower: its first prime is drawn, and every other is the smallest that is one more than a multiple.

    A prime thus determines the tower that it belongs to, and no prime is likelier than the first ones are.

    Args:
        seed: of all towers.
        number: which of them.
        depth: levels above the first.

    Raises:
        ArithmeticError: none of `ATTEMPTS` first primes begins one, which hardly ever happens.

    Examples:
        >>> tower = draw_tower(0, 0, depth=1)
        >>> (tower.primes[1] - 1) % tower.primes[0], pow(tower.roots[0], tower.primes[0], tower.primes[1])
        (0, 1)
    """
    low = 1 << (base_bits(depth) - 1)
    tried = 0
    for k in range(1 << 16):
        first = low | _digest(seed, "tower", number, k) % low | 1
        if not fmpz(first).is_prime():
            continue
        primes = _chain(first, depth)
        if primes is not None:
            pairs = itertools.pairwise(primes)
            return Tower(primes, tuple(_root(seed, below, above) for below, above in pairs))
        tried += 1
        if tried == ATTEMPTS:
            break
    raise ArithmeticError(f"{ATTEMPTS} random primes begin no tower of {depth + 1} levels")


def _chain(first: int, depth: int) -> tuple[int, ...] | None:
    primes = [first]
    for _ in range(depth):
        above = (k * primes[-1] + 1 for k in range(2, 1 << _STEP_BITS, 2))
        following = next((p for p in above if fmpz(p).is_prime()), None)
        if following is None:
            return None
        primes.append(following)
    return tuple(primes)


def _root(seed: int, below: int, above: int) -> int:
    """A random element of order `below` modulo `above`."""
    candidates = (pow(_digest(seed, "root", above, k) % above, (above - 1) // below, above) for k in range(64))
    return next(root for root in candidates if root > 1)


class Towers:
    """Independent towers of one depth, as arrays.

    Attributes:
        towers: the towers.
        depth: levels above the first.
        moduli: from a level to all primes from there on, level by level and tower by tower.
    """

    def __init__(self, towers: tuple[Tower, ...]) -> None:
        self.towers = towers
        self.depth = len(towers[0].primes) - 1
        by_level = list(zip(*(tower.primes for tower in towers), strict=True))
        flat = [[p for level in by_level[start:] for p in level] for start in range(self.depth + 1)]
        self.moduli = tuple(Primes(tuple(primes)) for primes in flat)

    def __len__(self) -> int:
        return len(self.towers)

    @cached_property
    def _powers(self) -> UInt64[np.ndarray, "primes windows 256"]:
        """g^(k 2^(8 w)) for each level but the first, each tower, each window of eight bits w and its content k."""
        windows = -(-WORD_BITS // _WINDOW)
        table = np.empty((self.depth * len(self), windows, 1 << _WINDOW), np.uint64)
        for lane in range(len(table)):
            level, number = divmod(lane, len(self))
            tower = self.towers[number]
            root, p = tower.roots[level], tower.primes[level + 1]
            for window in range(windows):
                power = 1
                for k in range(1 << _WINDOW):
                    table[lane, window, k] = power
                    power = power * root % p
                root = power
        return table

    def exponentials(self, x: UInt64[np.ndarray, "lanes ..."], start: int) -> UInt64[np.ndarray, "above ..."]:
        """Exponentials of numbers that are known from a level on; they are known from the next one on."""
        lanes = (self.depth - start) * len(self)
        tables, moduli = self._powers[start * len(self) :], self.moduli[start + 1]
        result = None
        for window in range(tables.shape[1]):
            places = (x[:lanes] >> np.uint64(_WINDOW * window)) & np.uint64((1 << _WINDOW) - 1)
            if not places.any():
                continue
            factor = np.stack(
                [table[window][place] for table, place in zip(tables, places.view(np.int64), strict=True)]
            )
            result = factor if result is None else moduli.product(result, factor)
        return np.ones((lanes, *x.shape[1:]), np.uint64) if result is None else result


def _digest(*key: int | str) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=32).digest(), "big")
