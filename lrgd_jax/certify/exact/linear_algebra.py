r"""Triangular systems and factorisations over any field of numbers: by elimination, without rounding.

$PA = LU$ is decided once the pivots are. With an order the pivot is the first entry of the largest magnitude, as LAPACK
chooses it. A field has no order; there any entry that is not zero serves, and a solution, an inverse or a determinant
does not depend on which one: `Algebra.pivot` says how a system chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jax.extend import core

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.walking.discrete import UndecidableError

if TYPE_CHECKING:
    from lrgd_jax.certify.exact.algebra import Algebra

__all__ = ["DECOMPOSITIONS", "cholesky", "lu", "qr", "triangular_solve"]

Solved = Callable[..., list[np.ndarray]]


def triangular_solve(system: Algebra, eqn: core.JaxprEqn, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    """Substitution; `a` and `b` are arrays of numbers [..., n, n] and [..., n, m], or [..., m, n] from the right."""
    p = eqn.params
    left, lower, transposed = p["left_side"], p["lower"], p["transpose_a"]
    # x a = b is a' x' = b'
    matrix, right = (a, b) if left else (_transpose(a), _transpose(b))
    lower = lower == left
    if transposed:
        matrix, lower = _transpose(matrix), not lower
    n, solution = matrix.shape[-1], right.copy()
    order = range(n) if lower else range(n - 1, -1, -1)
    for step, i in enumerate(order):
        row = right[..., i, :]
        for k in list(order)[:step]:
            row = row - matrix[..., i, k, None] * solution[..., k, :]
        solution[..., i, :] = row if p["unit_diagonal"] else row / matrix[..., i, i, None]
    return [solution if left else _transpose(solution)]


def _transpose(x: np.ndarray) -> np.ndarray:
    return np.swapaxes(x, -1, -2)


def lu(system: Algebra, eqn: core.JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    """L below and U on and above the diagonal, pivots, permutation."""
    shape, (rows, columns) = x.shape, x.shape[-2:]
    found = [_eliminate(system, one) for one in x.reshape(-1, rows, columns)]
    batch, steps = shape[:-2], min(rows, columns)
    factors = np.array([one[0] for one in found], object).reshape(shape)
    pivots = np.array([one[1] for one in found], np.int32).reshape(*batch, steps)
    permutation = np.array([one[2] for one in found], np.int32).reshape(*batch, rows)
    return [factors, pivots, permutation]


def _eliminate(system: Algebra, matrix: np.ndarray) -> tuple[np.ndarray, list[int], list[int]]:
    work, (rows, columns) = matrix.copy(), matrix.shape
    pivots, permutation = [], list(range(rows))
    for k in range(min(rows, columns)):
        chosen = system.pivot(list(work[k:, k]))
        place = k if chosen is None else k + chosen
        pivots.append(place)
        work[[k, place]] = work[[place, k]]
        permutation[k], permutation[place] = permutation[place], permutation[k]
        if chosen is None:
            continue
        for i in range(k + 1, rows):
            work[i, k] = work[i, k] / work[k, k]
            work[i, k + 1 :] = work[i, k + 1 :] - work[i, k : k + 1] * work[k, k + 1 :]
    return work, pivots, permutation


def cholesky(system: Algebra, eqn: core.JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    """The lower factor of a symmetric matrix, of which the lower triangle is read."""
    n, zero = x.shape[-1], system.constant(0)
    factor = np.full(x.shape, zero, object)
    root = np.frompyfunc(_square_root(system), 1, 1)
    for j in range(n):
        done = factor[..., j, :j]
        factor[..., j, j] = root(x[..., j, j] - _dots(done, done, zero))
        for i in range(j + 1, n):
            rest = x[..., i, j] - _dots(factor[..., i, :j], done, zero)
            factor[..., i, j] = rest / factor[..., j, j]
    return [factor]


def _square_root(system: Algebra) -> Callable[[Number], Number]:
    if "sqrt" not in system.functions:
        raise NotImplementedError(f"{type(system).__name__} has no square roots; balls enclose them")
    return system.functions["sqrt"]


def _dots(x: np.ndarray, y: np.ndarray, zero: Number) -> Number:
    return np.add.reduce(x * y, axis=-1, initial=zero)


def qr(system: Algebra, eqn: core.JaxprEqn, x: np.ndarray) -> list[np.ndarray]:
    """Q and R by Householder reflections, with LAPACK's choice of signs."""
    if eqn.params.get("pivoting"):
        raise NotImplementedError("a pivoted QR chooses columns by norms that may be equal; leave the pivoting out")
    rows, columns = x.shape[-2:]
    kept = rows if eqn.params["full_matrices"] else min(rows, columns)
    found = [_reflect(system, one, kept) for one in x.reshape(-1, rows, columns)]
    return [np.array([one[k] for one in found], object).reshape(*x.shape[:-2], *found[0][k].shape) for k in range(2)]


def _reflect(system: Algebra, matrix: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
    work, (rows, columns) = matrix.copy(), matrix.shape
    zero, one = system.constant(0), system.constant(1)
    base = np.full((rows, rows), zero, object)
    base[range(rows), range(rows)] = one
    for k in range(min(rows - 1, columns)):
        column = work[k:, k].copy()
        if all(system.order(entry, zero) == 0 for entry in column[1:]):
            continue
        sign = system.order(column[0], zero)
        if sign is None:
            raise UndecidableError("the sign of a reflection is open; more precision may decide it")
        norm = _square_root(system)(_dots(column, column, zero))
        column[0] = column[0] + (norm if sign >= 0 else -norm)
        scale = system.constant(2) / _dots(column, column, zero)
        work[k:] = work[k:] - np.outer(column, (column @ work[k:]) * scale)
        work[k + 1 :, k] = zero
        base[:, k:] = base[:, k:] - np.outer((base[:, k:] @ column) * scale, column)
    upper = work[:kept].copy()
    for i in range(upper.shape[0]):
        upper[i, : min(i, columns)] = zero
    return base[:, :kept], upper


DECOMPOSITIONS: Mapping[str, Solved] = {
    "triangular_solve": triangular_solve,
    "lu": lu,
    "cholesky": cholesky,
    "qr": qr,
}
"""From a primitive to `rule(system, eqn, *arrays)` on object arrays, which returns arrays of numbers or of int32."""
