"""Sorting rounded numbers whose order is open."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import UndecidableError, running_error

KEYS = np.array([0.1, 0.3, 0.1, 0.2])
"""Three times these are rounded, and two of them are equal: which comes first is not decided."""


def test_sorted_numbers_move_by_no_more_than_the_one_that_moves_most():
    """Their order may be open: a rounding of 0.9, and what bounds give away."""
    found = running_error(lambda x: lax.sort(3 * x), KEYS)
    np.testing.assert_array_equal(found.value, np.sort(3 * KEYS))
    assert (found.error > 0).all()
    assert (found.error <= 2 * np.finfo(float).eps).all()


def test_what_is_carried_along_needs_the_order():
    with pytest.raises(UndecidableError):
        running_error(lambda x: lax.sort((3 * x, jnp.arange(4.0)), num_keys=1)[1], KEYS)
    found = running_error(lambda x: lax.sort((3 * x, jnp.arange(3.0)), num_keys=1)[1], KEYS[1:])
    assert np.asarray(found.value).tolist() == [1.0, 2.0, 0.0]
