"""Where nothing can be said the bound is infinite or the walk raises; what is sorted or constant is bounded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import UndecidableError, running_error

LARGE = 3e38


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (jnp.sum, [LARGE, LARGE, -LARGE, -LARGE]),
        (lambda x: jnp.cumsum(x)[-1], [LARGE, LARGE, -LARGE, -LARGE]),
        (jnp.prod, [1e30, 1e30, 1e-30, 1e-30]),
        (lambda x: jnp.cumprod(x)[-1], [1e30, 1e30, 1e-30, 1e-30]),
        (lambda x: jnp.vdot(x, jnp.ones_like(x)), [LARGE, LARGE, -LARGE, -LARGE]),
        (lambda x: jnp.sin(x[0] * x[0]), [1e30]),
        (lambda x: jnp.sign(x[0] * x[0] - x[0] * x[0]), [1e30]),
    ],
)
def test_a_partial_result_out_of_range_leaves_nothing_to_say(function, numbers):
    assert np.isinf(running_error(function, jnp.asarray(numbers, jnp.float32)).error)


@pytest.mark.parametrize("number", [3e9, -3e9, 1e20])
def test_a_conversion_out_of_range_is_not_decided(number):
    with pytest.raises(UndecidableError, match="leaves its range"):
        running_error(lambda x: x.astype(jnp.int32), jnp.asarray(number, jnp.float32))


def test_a_sorted_number_is_off_by_at_most_the_largest_error():
    x = jax.random.normal(jax.random.key(0), (50,), jnp.float32)

    def program(x):
        return jnp.sort(jnp.exp(x))

    bounded = running_error(program, x)
    exact = np.sort(np.exp(np.asarray(x, np.float64)))
    assert np.all(np.abs(np.asarray(jax.jit(program)(x), np.float64) - exact) <= bounded.error)
    assert np.all(np.diff(bounded.error) == 0)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_constant_with_many_digits_counts_as_rounded(dtype):
    x = jnp.ones((), dtype)
    unit = np.finfo(dtype).eps / 2
    third = running_error(lambda x: x + jnp.asarray(1 / 3, dtype), x).error
    quarter = running_error(lambda x: x + jnp.asarray(1 / 4, dtype), x).error
    assert third - quarter >= unit / 4


@pytest.mark.parametrize("out", [jnp.float32, jnp.float64])
def test_operands_of_two_formats_are_summed_in_the_coarser(out):
    left = jax.random.normal(jax.random.key(0), (8, 40), jnp.float32)
    right = jax.random.normal(jax.random.key(1), (40,), jnp.float64)

    def product(left, right):
        return jax.lax.dot_general(left, right, (((1,), (0,)), ((), ())), preferred_element_type=out)

    exact = np.asarray(left, np.float64) @ np.asarray(right)
    bounded = running_error(product, left, right)
    assert np.all(np.abs(np.asarray(jax.jit(product)(left, right), np.float64) - exact) <= bounded.error)
