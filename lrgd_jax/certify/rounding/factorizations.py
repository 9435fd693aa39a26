r"""Triangular systems and factorisations in floating point: a running error of the sums of products that define them.

Every entry of a solution or of a factor is a sum of products of entries that were computed before it, divided by a
diagonal entry or under a root. Whatever the order of summation, the blocking and the fusing, such a sum of $n$ products
loses at most $\gamma_n \sum |a||b|$ (Higham 2002, lemma 8.4, theorems 8.5, 9.3, 10.3), and a division by a reciprocal
three units. The bounds are those of substitution, which LAPACK runs on a CPU; a library that inverts diagonal blocks is
not covered. They grow with the condition of the leading blocks, and are infinite where a pivot or a root may be zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax.extend import core

from lrgd_jax.certify.rounding.elementwise import ELEMENTWISE
from lrgd_jax.certify.rounding.formats import Format, out_format
from lrgd_jax.certify.rounding.rounded_numbers import Rounded, finish
from lrgd_jax.certify.walking.discrete import UndecidableError

__all__ = ["FACTORIZATIONS"]

Array = np.ndarray


def _part(x: Rounded, *place: Any) -> Rounded:
    return Rounded(x.value[place], x.error[place], x.format)


def _transpose(x: Rounded) -> Rounded:
    return Rounded(np.swapaxes(x.value, -1, -2), np.swapaxes(x.error, -1, -2), x.format)


def _minus_products(form: Format, start: Rounded, x: Rounded, y: Rounded) -> Rounded:
    """`start` less the sum of products over the last axis of `x` and `y`."""
    terms = x.value.shape[-1]
    magnitude = start.high + (x.high * y.high).sum(-1)
    errors = start.error + (x.error * y.high + x.high * y.error).sum(-1)
    value = start.value - (x.value * y.value).sum(-1)
    gamma = form.gamma(terms + 1) * magnitude if terms else 0.0
    # each product and each partial sum may be flushed
    absolute = 2.0 * terms * (magnitude > 0)
    return finish(form, value, errors + gamma, 0.0, absolute=absolute, peak=2 * magnitude, terms=4 * terms)


def _divide(eqn: core.JaxprEqn, x: Rounded, y: Rounded) -> Rounded:
    return ELEMENTWISE["div"](eqn, x, y)


def _triangular_solve(eqn: core.JaxprEqn, a: Rounded, b: Rounded) -> Rounded:
    p, form = eqn.params, out_format(eqn)
    left, lower = p["left_side"], p["lower"] == p["left_side"]
    matrix, right = (a, b) if left else (_transpose(a), _transpose(b))
    if p["transpose_a"]:
        matrix, lower = _transpose(matrix), not lower
    n = matrix.value.shape[-1]
    order = list(range(n)) if lower else list(range(n - 1, -1, -1))
    value, error = np.zeros(right.value.shape), np.zeros(right.value.shape)
    for step, i in enumerate(order):
        done = order[:step]
        known = _transpose(Rounded(value[..., done, :], error[..., done, :], form))
        row = Rounded(matrix.value[..., i : i + 1, :][..., done], matrix.error[..., i : i + 1, :][..., done], form)
        x = _minus_products(form, _part(right, ..., i, slice(None)), row, known)
        if not p["unit_diagonal"]:
            x = _divide(eqn, x, _part(matrix, ..., i, i, None))
        value[..., i, :], error[..., i, :] = x.value, x.error
    solution = Rounded(value, error, form)
    return solution if left else _transpose(solution)


def _lu(eqn: core.JaxprEqn, x: Rounded) -> list[Any]:
    """Doolittle's sums, with the pivots that partial pivoting chooses beyond doubt."""
    form, (rows, columns) = out_format(eqn), x.value.shape[-2:]
    batch = x.value.shape[:-2]
    work = [
        _factor(eqn, form, Rounded(v, e, form))
        for v, e in zip(
            x.value.reshape(-1, rows, columns),
            np.broadcast_to(x.error, x.value.shape).reshape(-1, rows, columns),
            strict=True,
        )
    ]
    value, error = (np.array([one[k] for one in work]).reshape(x.value.shape) for k in range(2))
    pivots, permutation = (np.array([one[k] for one in work], np.int32) for k in (2, 3))
    return [Rounded(value, error, form), pivots.reshape(*batch, min(rows, columns)), permutation.reshape(*batch, rows)]


def _factor(eqn: core.JaxprEqn, form: Format, x: Rounded) -> tuple[Array, Array, list[int], list[int]]:
    value, error = x.value.copy(), x.error.copy()
    rows, columns = value.shape
    pivots, permutation = [], list(range(rows))
    for k in range(min(rows, columns)):
        column = _reduce(form, value, error, slice(k, None), k, k)
        place = k + _pivot(column)
        pivots.append(place)
        value[k:, k], error[k:, k] = column.value, column.error
        for array in (value, error):
            array[[k, place]] = array[[place, k]]
        permutation[k], permutation[place] = permutation[place], permutation[k]
        column, pivot = Rounded(value[k + 1 :, k], error[k + 1 :, k], form), Rounded(value[k, k], error[k, k], form)
        below = _divide(eqn, column, pivot)
        value[k + 1 :, k], error[k + 1 :, k] = below.value, below.error
        row = _reduce(form, value, error, k, slice(k + 1, None), k)
        value[k, k + 1 :], error[k, k + 1 :] = row.value, row.error
    return value, error, pivots, permutation


def _reduce(form: Format, value: Array, error: Array, rows: slice | int, columns: slice | int, k: int) -> Rounded:
    """Entries less the products of what is left of them with what is above them."""
    left = Rounded(value[rows, :k], error[rows, :k], form)
    above = Rounded(value[:k, columns].T, error[:k, columns].T, form)
    return _minus_products(form, Rounded(value[rows, columns], error[rows, columns], form), left, above)


def _pivot(column: Rounded) -> int:
    size = np.abs(column.value)
    place = int(size.argmax())
    margin = 2 * (column.error + column.error[place])
    clear = (size[place] - size > margin * (1 + 2.0**-40)) | ((margin == 0) & (np.arange(size.size) >= place))
    clear[place] = True
    if not clear.all():
        raise UndecidableError(
            "'lu' chooses a pivot between entries whose magnitudes lie within their rounding errors; choose inputs "
            "without near ties, or use a wider dtype"
        )
    return place


def _cholesky(eqn: core.JaxprEqn, x: Rounded) -> Rounded:
    form, n = out_format(eqn), x.value.shape[-1]
    value, error = np.zeros(x.value.shape), np.zeros(x.value.shape)
    for j in range(n):
        done = Rounded(value[..., j, :j], error[..., j, :j], form)
        root = ELEMENTWISE["sqrt"](eqn, _minus_products(form, _part(x, ..., j, j), done, done))
        value[..., j, j], error[..., j, j] = root.value, root.error
        if j + 1 < n:
            below = Rounded(value[..., j + 1 :, :j], error[..., j + 1 :, :j], form)
            above = Rounded(done.value[..., None, :], done.error[..., None, :], form)
            rest = _minus_products(form, _part(x, ..., slice(j + 1, None), j), below, above)
            quotient = _divide(eqn, rest, Rounded(root.value[..., None], root.error[..., None], form))
            value[..., j + 1 :, j], error[..., j + 1 :, j] = quotient.value, quotient.error
    return Rounded(value, error, form)


FACTORIZATIONS: Mapping[str, Callable[..., Any]] = {
    "triangular_solve": _triangular_solve,
    "lu": _lu,
    "cholesky": _cholesky,
}
