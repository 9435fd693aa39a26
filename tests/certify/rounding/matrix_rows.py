"""Rows for what sums along windows, writes to entries, or solves: a program, its exact result, hard inputs."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from jax import lax
from rule_rows import (
    ACCUMULATED,
    CHOSEN,
    DISTINCT,
    FINE,
    INDICES,
    TERMS,
    Arrays,
    Draw,
    Range,
    Row,
    _product,
    _rows,
    along,
    each,
    every_pair,
    factors,
    mixed_rows,
    mpf,
    numpy,
    pairs,
    positive_rows,
)

SIZE, WINDOW = 4, 5

Matrix = list[list[Any]]


def _square(entries: list[Any]) -> Matrix:
    return [entries[k * SIZE : (k + 1) * SIZE] for k in range(SIZE)]


def _flat(matrix: Matrix) -> list[Any]:
    return [x for row in matrix for x in row]


def _as_matrices(x: Any) -> Any:
    return x.reshape(-1, SIZE, SIZE)


def _substituted(matrix: Matrix, right: list[Any]) -> list[Any]:
    """From the top."""
    found: list[Any] = []
    for row, b in zip(matrix, right, strict=True):
        known = [mpmath.fmul(a, x, exact=True) for a, x in zip(row, found, strict=False)]
        found.append((b - mpmath.fsum(known)) / row[len(found)])
    return found


def _turned(matrix: Matrix) -> Matrix:
    """Rows and columns from the end, transposed: an upper triangle solved from the right becomes a lower one."""
    return [[matrix[SIZE - 1 - j][SIZE - 1 - i] for j in range(SIZE)] for i in range(SIZE)]


def _factors(entries: list[Any]) -> list[Any]:
    work = _square(entries)
    for k in range(SIZE):
        place = max(range(k, SIZE), key=lambda i: abs(work[i][k]))
        work[k], work[place] = work[place], work[k]
        for i in range(k + 1, SIZE):
            work[i][k] = work[i][k] / work[k][k]
            for j in range(k + 1, SIZE):
                work[i][j] = work[i][j] - work[i][k] * work[k][j]
    return _flat(work)


def _root(entries: list[Any]) -> list[Any]:
    a, factor = _square(entries), [[mpf(0)] * SIZE for _ in range(SIZE)]
    for j in range(SIZE):
        factor[j][j] = mpmath.sqrt(a[j][j] - mpmath.fsum(x * x for x in factor[j][:j]))
        for i in range(j + 1, SIZE):
            products = mpmath.fsum(x * y for x, y in zip(factor[i][:j], factor[j][:j], strict=True))
            factor[i][j] = (a[i][j] - products) / factor[j][j]
    return _flat(factor)


def _dominant(share: float) -> Range:
    """Matrices whose diagonal is larger than what stands beside it, and a right-hand side."""

    def drawn(draw: Draw) -> Arrays:
        matrix = share * draw.uniform(-1, 1, SIZE * SIZE)
        matrix[:, :: SIZE + 1] = draw.sign(SIZE) * draw.uniform(1, 3, SIZE)
        return matrix, draw.uniform(-3, 3, SIZE)

    return drawn


def _matrices(draw: Draw) -> Arrays:
    return (draw.uniform(-3, 3, SIZE * SIZE),)


def _positive_definite(draw: Draw) -> Arrays:
    matrix = draw.uniform(-1, 1, SIZE * SIZE).reshape(-1, SIZE, SIZE)
    matrix = matrix + matrix.swapaxes(1, 2) + 5 * np.eye(SIZE)
    return (matrix.reshape(-1, SIZE * SIZE),)


def _solved(**how: Any) -> Callable[..., Any]:
    def program(a: Any, b: Any) -> Any:
        left = how.get("left_side", False)
        right = b[:, :, None] if left else b[:, None, :]
        return lax.linalg.triangular_solve(_as_matrices(a), right, **how).reshape(b.shape)

    return program


def _convolved(x: Any, kernel: Any) -> Any:
    """Each row with its own kernel."""
    return lax.conv_general_dilated(x[None], kernel[:, None], (1,), "VALID", feature_group_count=x.shape[0])[0]


def _correlated(x: list[Any], kernel: list[Any]) -> list[Any]:
    return [mpmath.fdot(x[k : k + len(kernel)], kernel) for k in range(len(x) - len(kernel) + 1)]


def _windows(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda row: [function(row[k : k + WINDOW]) for k in range(len(row) - WINDOW + 1)]


def _window(initial: float, operation: Any) -> Callable[..., Any]:
    return lambda x: lax.reduce_window(x, x.dtype.type(initial), operation, (1, WINDOW), (1, 1), "VALID")


def _started_windows(x: np.ndarray) -> list[Any]:
    """Sums from the first number of all on."""
    places = range(0, TERMS - WINDOW + 1, 2)
    return [mpmath.fsum([x[0, 0], *row[k : k + WINDOW]]) for row in x.tolist() for k in places]


def _started_product(x: np.ndarray) -> list[Any]:
    return [_product([x[0, 0], *row]) for row in x.tolist()]


def _written(name: str) -> Callable[..., Any]:
    return lambda x, updates: getattr(x.at[:, INDICES], name)(updates)


def _updated(function: Callable[[list[Any]], Any]) -> Callable[..., list[Any]]:
    def exactly(x: list[Any], updates: list[Any]) -> list[Any]:
        new = [[u for u, k in zip(updates, INDICES, strict=True) if k == place] for place in range(len(x))]
        return [function([v, *added]) if added else v for v, added in zip(x, new, strict=True)]

    return exactly


MATRIX_ROWS: dict[str, Row] = {
    "triangular_solve": Row(
        "triangular_solve",
        _solved(left_side=True, lower=True),
        along(lambda a, b: _substituted(_square(a), b)),
        {"dominant": _dominant(1), "diagonal": _dominant(1 / 64)},
        100,
        FINE,
    ),
    "triangular_solve from the right": Row(
        "triangular_solve",
        _solved(lower=True),
        along(lambda a, b: _substituted(_turned(_square(a)), b[::-1])[::-1]),
        {"dominant": _dominant(1)},
        100,
        FINE,
    ),
    "lu": Row(
        "lu",
        lambda a: lax.linalg.lu(_as_matrices(a))[0],
        along(_factors),
        {"mixed": _matrices, "dominant": lambda draw: _dominant(1)(draw)[:1]},
        100,
        FINE,
    ),
    "cholesky": Row(
        "cholesky",
        lambda a: lax.linalg.cholesky(_as_matrices(a), symmetrize_input=False),
        along(_root),
        {"positive definite": _positive_definite},
        100,
        FINE,
    ),
    "conv_general_dilated": Row(
        "conv_general_dilated",
        _convolved,
        along(_correlated),
        {"positive": _rows(1, 2, TERMS, WINDOW), "mixed": _rows(-3, 3, TERMS, WINDOW)},
        60,
    ),
    "reduce_window_sum": Row("reduce_window_sum", _window(0.0, lax.add), along(_windows(mpmath.fsum)), ACCUMULATED, 60),
    "reduce_window_max": Row(
        "reduce_window_max", _window(-np.inf, lax.max), along(_windows(max)), CHOSEN, 60, lossless=True
    ),
    "reduce_window_min": Row(
        "reduce_window_min", _window(np.inf, lax.min), along(_windows(min)), CHOSEN, 60, lossless=True
    ),
    "reduce_window": Row(
        "reduce_window",
        lambda x: lax.reduce_window(x, x[0, 0], lax.add, (1, WINDOW), (1, 2), "VALID"),
        _started_windows,
        {"positive": positive_rows(TERMS)},
        60,
    ),
    "reduce": Row(
        "reduce",
        lambda x: lax.reduce(x, x[0, 0], lax.mul, (1,)),
        _started_product,
        {"mixed": factors(TERMS)},
        60,
    ),
    "top_k": Row(
        "top_k",
        lambda x: lax.top_k(x, 3)[0],
        numpy(lambda x: np.sort(x, axis=1)[:, : -3 - 1 : -1]),
        DISTINCT,
        60,
        lossless=True,
    ),
    "sort of pairs": Row(
        "sort",
        lambda x: lax.sort((x, -x), dimension=1, num_keys=1)[1],
        numpy(lambda x: -np.sort(x, axis=1)),
        DISTINCT,
        60,
        lossless=True,
    ),
    "ne of itself": Row(
        "ne", lambda x: lax.ne(x, x), numpy(lambda x: x != x), {"mixed": mixed_rows(TERMS)}, 60, lossless=True
    ),
    "rem": Row(
        "rem",
        lax.rem,
        each(lambda x, y: x - y * (mpmath.floor(x / y) if x / y >= 0 else mpmath.ceil(x / y))),
        {"moderate": pairs(-9, 9), "every magnitude": every_pair(0.04)},
        lossless=True,
    ),
    "scatter-sub": Row(
        "scatter-sub",
        _written("subtract"),
        along(_updated(lambda row: row[0] - mpmath.fsum(row[1:]))),
        {"positive": _rows(1, 2, 7, len(INDICES)), "mixed": _rows(-3, 3, 7, len(INDICES))},
        100,
    ),
    "scatter-mul": Row(
        "scatter-mul",
        _written("multiply"),
        along(_updated(_product)),
        {"mixed": lambda draw: (factors(7)(draw)[0], factors(len(INDICES))(draw)[0])},
        100,
    ),
    "scatter-max": Row(
        "scatter-max",
        _written("max"),
        along(_updated(max)),
        {"mixed": _rows(-3, 3, 7, len(INDICES))},
        100,
        lossless=True,
    ),
    "scatter-min": Row(
        "scatter-min",
        _written("min"),
        along(_updated(min)),
        {"mixed": _rows(-3, 3, 7, len(INDICES))},
        100,
        lossless=True,
    ),
}
