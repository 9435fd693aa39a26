"""Solutions and factors in floating point where rounding decides: pivots, roots, sorts, and programs of them."""

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import mpmath
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import UndecidableError, adjoint_bound, running_error

RNG = np.random.default_rng(3)
MATRIX = RNG.normal(size=(5, 5))
RIGHT = RNG.normal(size=5)


def solved(a, b):
    """To 60 digits."""
    with mpmath.workdps(60):
        return np.array([x for x in mpmath.lu_solve(mpmath.matrix(a.tolist()), mpmath.matrix(b.tolist()))], object)


def _by_cholesky(a, b):
    return jsl.cho_solve(jsl.cho_factor(a), b)


SOLVERS = {
    "solve": (jnp.linalg.solve, MATRIX),
    "transposed": (lambda a, b: jax.grad(lambda c: jnp.linalg.solve(a.T, c) @ b)(b), MATRIX),
    "inverse": (lambda a, b: jnp.linalg.inv(a) @ b, MATRIX),
    "cholesky": (_by_cholesky, MATRIX @ MATRIX.T + np.eye(5)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SOLVERS)
def test_a_solution_is_within_its_bound(name, dtype):
    function, matrix = SOLVERS[name]
    matrix = matrix.astype(dtype)
    matrix = (matrix + matrix.T) / 2 if name == "cholesky" else matrix
    right = RIGHT.astype(dtype)
    computed = np.asarray(jax.jit(function)(matrix, right), np.float64)
    bounded = running_error(function, matrix, right)
    error = np.abs(computed - solved(matrix.astype(np.float64), right.astype(np.float64)))
    assert (error <= bounded.error).all()
    # within the condition of these matrices, and not only finite
    assert (bounded.error <= np.linalg.cond(matrix) ** 2 * 1000 * np.finfo(dtype).eps).all()


def test_pivots_must_be_decided():
    tied = np.array([[1 / 3, 2.0], [1 / 3 + 1e-18, 1.0]])
    with pytest.raises(UndecidableError, match="pivot"):
        running_error(lambda a, b: jnp.linalg.solve(a * 3, b), tied, np.ones(2))
    # of two that are equal without doubt, the first
    equal = np.array([[1.0, 2.0], [-1.0, 1.0]])
    found = running_error(lambda a: lax.linalg.lu(a)[2], equal)
    np.testing.assert_array_equal(found.value, [0, 1])


def test_nothing_is_said_where_a_root_may_be_of_a_negative_number():
    nearly = np.array([[1.0, 1.0], [1.0, 1.0]])
    bound = running_error(lambda a: jnp.linalg.cholesky(a), nearly).error
    assert np.isinf(bound[1, 1])
    assert np.isfinite(bound[0]).all()


def test_adjoint_bounds_of_a_solution():
    """The reverse pass keeps the pivots that were decided."""
    bound = adjoint_bound(lambda a, b: jnp.linalg.solve(a, b), MATRIX, RIGHT)
    error = np.abs(np.asarray(jax.jit(jnp.linalg.solve)(MATRIX, RIGHT)) - solved(MATRIX, RIGHT))
    assert (error <= bound.worst).all()
    assert (bound.worst <= running_error(jnp.linalg.solve, MATRIX, RIGHT).error * 100).all()


def test_a_sort_with_company_must_be_decided():
    with pytest.raises(UndecidableError, match="near ties"):
        running_error(lambda x: jnp.argsort(x / 3), np.array([1.0, 1.0 + 2.0**-52, 2.0]))
    np.testing.assert_array_equal(
        running_error(lambda x: jnp.argsort(x), np.array([2.0, 1.0, 2.0, 1.0])).value, [1, 3, 0, 2]
    )
