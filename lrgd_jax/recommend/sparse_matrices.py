"""What the sparse matrices of a recommender are asked for, with types that say what comes back."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

__all__ = ["columns_of", "dense", "one_hot", "product", "row_lengths", "row_numbers", "rows_of", "with_data"]


def rows_of(matrix: Any) -> int:
    """How many rows a matrix has."""
    return int(matrix.shape[0])


def columns_of(matrix: Any) -> int:
    """How many columns a matrix has."""
    return int(matrix.shape[1])


def product(left: Any, right: Any) -> sp.csr_array:
    """The product of two sparse matrices."""
    return sp.csr_array(left @ right)


def dense(matrix: Any) -> Float[np.ndarray, "n m"]:
    """A sparse or a dense matrix as a dense one."""
    return np.asarray(matrix.toarray() if sp.issparse(matrix) else matrix)


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
