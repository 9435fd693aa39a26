"""Triangular systems and factorisations of arrays of residues, all towers and levels at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Int32, UInt64

from lrgd_jax.certify.fields.modular_arrays import Primes

__all__ = ["eliminated", "substituted"]


def substituted(
    moduli: Primes,
    matrix: UInt64[np.ndarray, "primes ... n n"],
    right: UInt64[np.ndarray, "primes ... n m"],
    *,
    lower: bool,
    unit: bool,
) -> UInt64[np.ndarray, "primes ... n m"]:
    """The solution of triangular systems.

    Raises:
        ZeroDivisionError: an entry of a diagonal is zero.
    """
    n, rest = matrix.shape[-1], right.copy()
    over = None if unit else moduli.inverse(np.ascontiguousarray(np.diagonal(matrix, axis1=-2, axis2=-1)))
    for i in range(n) if lower else reversed(range(n)):
        if over is not None:
            rest[..., i, :] = moduli.product(rest[..., i, :], over[..., i, None])
        others = slice(i + 1, None) if lower else slice(0, i)
        change = moduli.product(matrix[..., others, i, None], rest[..., None, i, :])
        rest[..., others, :] = moduli.add(rest[..., others, :], moduli.negative(change))
    return rest


def eliminated(
    moduli: Primes, matrices: UInt64[np.ndarray, "primes ... n m"], choose: Callable[[np.ndarray], int]
) -> tuple[UInt64[np.ndarray, "primes ... n m"], Int32[np.ndarray, "... k"], Int32[np.ndarray, "... n"]]:
    """L below and U on and above the diagonal, pivots, permutation.

    Args:
        moduli: of the residues.
        matrices: what is factorised.
        choose: one of several rows whose entries are zero modulo no prime.

    Raises:
        ZeroDivisionError: a matrix is singular modulo a prime, or nearly all of its rows are.
    """
    (rows, columns), batch = matrices.shape[-2:], matrices.shape[1:-2]
    work = matrices.reshape(len(matrices), math.prod(batch), rows, columns).copy()
    steps = min(rows, columns)
    pivots = np.zeros((work.shape[1], steps), np.int32)
    order = np.tile(np.arange(rows, dtype=np.int32), (work.shape[1], 1))
    for one in range(work.shape[1]):
        for k in range(steps):
            possible = np.flatnonzero(work[:, one, k:, k].all(axis=0))
            if not possible.size:
                raise ZeroDivisionError("a matrix is singular at this point")
            place = pivots[one, k] = k + choose(possible)
            work[:, one, [k, place]] = work[:, one, [place, k]]
            order[one, [k, place]] = order[one, [place, k]]
            _eliminate(moduli, work[:, one], k)
    return work.reshape(matrices.shape), pivots.reshape(*batch, steps), order.reshape(*batch, rows)


def _eliminate(moduli: Primes, work: UInt64[np.ndarray, "primes n m"], k: int) -> None:
    over = moduli.inverse(np.ascontiguousarray(work[:, k, k]))
    work[:, k + 1 :, k] = moduli.product(work[:, k + 1 :, k], over[:, None])
    change = moduli.product(work[:, k + 1 :, k, None], work[:, k, None, k + 1 :])
    work[:, k + 1 :, k + 1 :] = moduli.add(work[:, k + 1 :, k + 1 :], moduli.negative(change))
