"""Complex numbers as pairs, against Python's own complex numbers where these are whole and nothing is rounded."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import running_error

A, B = np.array([3 + 4j, -1 + 2j]), np.array([2 - 1j, -1 + 1j])


def parts(z):
    return jnp.real(z), jnp.imag(z)


def walked(function, *numbers):
    """A function of complex numbers, asked for its parts, which are the value and a bound for each."""
    given = [part for z in numbers for part in (z.real.copy(), z.imag.copy())]

    def program(*given):
        made = [lax.complex(x, y) for x, y in zip(given[::2], given[1::2], strict=True)]
        return function(*made)

    return running_error(program, *given)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda a, b: a + b, A + B),
        (lambda a, b: a - b, A - B),
        (lambda a, b: -a * b, -A * B),
        (lambda a, b: jnp.conj(a) * b, A.conj() * B),
        (lambda a, b: jnp.vdot(a, b)[None], np.array([np.vdot(A, B)])),
        (lambda a, b: jnp.outer(a, b).ravel(), np.outer(A, B).ravel()),
        (lambda a, b: jnp.cumsum(a), np.cumsum(A)),
        (lambda a, b: a * a * jnp.square(a), A**4),
        (lambda a, b: jnp.where(a == b, a, b), B),
    ],
)
def test_whole_numbers_are_computed_without_loss(function, wanted):
    found = walked(lambda a, b: parts(function(a, b)), A, B)
    np.testing.assert_array_equal(found.value[0], wanted.real)
    np.testing.assert_array_equal(found.value[1], wanted.imag)


def test_numbers_are_equal_where_both_parts_are():
    left, right = np.array([1 + 2j, 1 + 2j, 1 + 2j, 1 + 2j]), np.array([1 + 2j, 1 + 3j, 0 + 2j, 5 + 5j])
    equal, other = walked(lambda a, b: (a == b, a != b), left, right).value
    assert np.asarray(equal).tolist() == [True, False, False, False]
    assert np.asarray(other).tolist() == [False, True, True, True]


def test_a_number_is_not_different_from_itself():
    """z != z asks whether a part is no number."""
    found = walked(lambda a: jnp.where(a != a, 1.0, 2.0), A)
    assert np.asarray(found.value).tolist() == [2.0, 2.0]
