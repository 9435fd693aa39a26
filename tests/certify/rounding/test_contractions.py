"""Sums and products at the edges of a format: what is rounded once more, and where the range ends."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import running_error

LARGEST = float(jnp.finfo(np.float32).max)


def dot(x, y):
    return lax.dot_general(x, y, (((0,), (0,)), ((), ())))


def test_a_sum_that_is_kept_in_a_coarser_format_is_rounded_once_more():
    """1 + 2^-9 has nine binary digits, bfloat16 keeps eight; the products are summed in float32 without loss."""
    x, ones = jnp.asarray([1.0, 2.0**-9], jnp.bfloat16), jnp.ones(2, jnp.bfloat16)
    found = running_error(dot, x, ones)
    assert found.value == 1 + 2.0**-9
    assert abs(float(dot(x, ones)) - found.value) == 2.0**-9 <= found.error <= 2 * 2.0**-8


def test_a_sum_in_its_own_format_is_not():
    """Two products and a sum of float32: three roundings, in units of 2^-24, and no fourth."""
    x = jnp.asarray([1.0, 1.0], jnp.float32)
    assert running_error(dot, x, x).error <= 3 * 2.0**-24 * 2


@pytest.mark.parametrize(("share", "known"), [(0.6, True), (0.99, True), (1.01, False)])
def test_a_product_has_a_bound_up_to_the_largest_number(share, known):
    x = jnp.asarray([LARGEST / 4, 4 * share], jnp.float32)
    assert np.isfinite(running_error(lambda x: jnp.prod(x), x).error) == known


@pytest.mark.parametrize(("share", "known"), [(0.6, True), (0.99, True), (1.01, False)])
def test_a_sum_has_a_bound_up_to_the_largest_number(share, known):
    x = jnp.asarray([LARGEST / 2, LARGEST * (share - 0.5)], jnp.float32)
    assert np.isfinite(running_error(lambda x: jnp.sum(x), x).error) == known
    assert np.isfinite(running_error(dot, x, jnp.ones(2, jnp.float32)).error) == known


@pytest.mark.parametrize("numbers", [[LARGEST / 2, 4.0, 0.125], [LARGEST, LARGEST / 2, -LARGEST]])
def test_a_partial_result_may_not_leave_the_range_either(numbers):
    """In some order twice the largest number is met on the way to a fourth of it, or 3/2 on the way to a half."""
    x = jnp.asarray(numbers, jnp.float32)
    function = jnp.prod if numbers[1] == 4 else jnp.sum
    assert running_error(lambda x: function(x), x).error == np.inf
