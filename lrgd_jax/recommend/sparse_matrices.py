"""What the sparse matrices of a recommender are asked for, with types that say what comes back."""

from typing import TypeAlias, cast

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

__all__ = [
    "Matrix",
    "columns_of",
    "dense",
    "entries_at",
    "one_hot",
    "product",
    "row_lengths",
    "row_numbers",
    "rows_of",
    "unit_rows",
    "with_data",
]

Matrix: TypeAlias = np.ndarray | sp.csr_array | sp.csc_array
"""Dense or sparse."""


def rows_of(matrix: Matrix) -> int:
    """How many rows a matrix has."""
    return np.shape(cast(np.ndarray, matrix))[0]


def columns_of(matrix: Matrix) -> int:
    """How many columns a matrix has."""
    return np.shape(cast(np.ndarray, matrix))[1]


def product(left: Matrix, right: Matrix) -> sp.csr_array:
    """The product of two sparse matrices."""
    return sp.csr_array(left @ right)


def dense(matrix: Matrix) -> Float[np.ndarray, "n m"]:
    """A sparse or a dense matrix as a dense one."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def row_numbers(matrix: sp.csr_array) -> Int[np.ndarray, " entries"]:
    """The row of every stored entry."""
    return np.repeat(np.arange(rows_of(matrix)), np.diff(matrix.indptr))


def with_data(matrix: sp.csr_array, data: Float[np.ndarray, " entries"]) -> sp.csr_array:
    """Other entries at the same places; those that are zero are no longer stored."""
    changed = sp.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)
    changed.eliminate_zeros()
    return changed


def one_hot(columns: Int[np.ndarray, " n"], width: int) -> sp.csr_array:
    """One row a number, one at its column; shape [n, width]."""
    return sp.csr_array((np.ones(len(columns)), columns, np.arange(len(columns) + 1)), shape=(len(columns), width))


def row_lengths(matrix: sp.csr_array) -> Float[np.ndarray, " n"]:
    """The length of every row, one where the row is empty, so that it can be divided by."""
    squares = np.bincount(row_numbers(matrix), weights=matrix.data**2, minlength=rows_of(matrix))
    lengths = np.sqrt(squares)
    lengths[lengths == 0] = 1
    return lengths


def unit_rows(matrix: sp.csr_array) -> sp.csr_array:
    """Rows of length one; those of zeros stay."""
    scaled = matrix.copy()
    scaled.data = scaled.data / row_lengths(matrix)[row_numbers(matrix)]
    return scaled


def entries_at(
    matrix: sp.csr_array, rows: Int[np.ndarray, " p"], columns: Int[np.ndarray, " p"]
) -> tuple[Float[np.ndarray, " p"], Bool[np.ndarray, " p"]]:
    """The entries at some places, zero where nothing is stored, and whether something is."""
    matrix = matrix.copy()
    matrix.sum_duplicates()
    width = columns_of(matrix)
    wanted = rows.astype(np.int64) * width + columns
    keys = row_numbers(matrix).astype(np.int64) * width + matrix.indices
    if not len(keys):
        return np.zeros(len(wanted)), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    there = keys[at] == wanted
    return np.where(there, matrix.data[at], 0.0), there
