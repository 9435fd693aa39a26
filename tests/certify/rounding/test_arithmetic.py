"""What the bounds take for granted of the arithmetic: IEEE 754 as written, subnormal numbers kept or flushed."""

import math
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import running_error
from lrgd_jax.certify.rounding.formats import format_of

DTYPES = [jnp.float32, jnp.float64]


def test_no_flag_asks_for_fast_math():
    assert "fast_math=true" not in os.environ.get("XLA_FLAGS", "").lower()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sum_is_not_associated_anew(dtype):
    """One vanishes beside 1e16; under fast-math (x + y) - y would be x."""

    @jax.jit
    def there_and_back(x, y):
        return (x + y) - y, (y + x) - y, (x - y) + y, x + (y - y)

    results = there_and_back(jnp.ones(8, dtype), jnp.full(8, 1e16, dtype))
    for result, expected in zip(results, (0, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(result, np.full(8, expected, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_may_be_added_up_first(dtype):
    """XLA does turn (x + c) + d into x + (c + d) if c and d are constants, with any flags."""

    def program(x):
        return (x + 1e16) - 1e16

    x = jnp.ones(8, dtype)
    bounded = running_error(program, x)
    for computed in (jax.jit(program)(x), program(x)):
        assert (np.abs(np.asarray(computed, np.float64) - 1) <= bounded.error).all()


EXPONENTIALS = {
    "quotient": (lambda a, b: jnp.exp(a) / jnp.exp(b), lambda a, b: math.exp(a - b)),
    "product": (lambda a, b: jnp.exp(a) * jnp.exp(-b), lambda a, b: math.exp(a - b)),
    "logarithm": (lambda a, b: jnp.log(jnp.exp(a)) - b, lambda a, b: a - b),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXPONENTIALS)
def test_exponentials_may_be_merged_before_they_are_taken(name, dtype):
    """Up to JAX 0.11.0 exp(a) / exp(b) is compiled to exp(a - b), from 0.11.2 on it is not: the bound allows both."""
    program, exact = EXPONENTIALS[name]
    a, b = jnp.asarray([1.0, 3.5, -7.0, 11.25, 20.0], dtype), jnp.asarray([0.5, 3.5, 2.0, 12.0, -1.0], dtype)
    bounded = running_error(program, a, b)
    reference = np.array([exact(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])
    slack = 4 * np.finfo(np.float64).eps * (1 + np.abs(reference))
    for computed in (jax.jit(program)(a, b), program(a, b)):
        assert (np.abs(np.asarray(computed, np.float64) - reference) <= bounded.error + slack).all()
    huge = jnp.asarray([1000.0], dtype)
    with np.errstate(all="ignore"):
        assert not np.isfinite(running_error(program, huge, huge).error).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_compensation_is_not_simplified_to_zero(dtype):
    """The rounding error of a sum (Knuth 1998, 4.2.2), which is zero in real arithmetic."""
    unit = format_of(dtype).unit

    @jax.jit
    def lost(x, y):
        total = x + y
        shadow = total - x
        return (x - (total - shadow)) + (y - shadow)

    x, y = jnp.ones(8, dtype), jnp.full(8, unit / 2, dtype)
    np.testing.assert_array_equal(lost(x, y), np.full(8, unit / 2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_infinity_are_not_assumed_away(dtype):
    @jax.jit
    def found(x):
        return x != x, x - x, x * 0, jnp.isfinite(x)

    x = jnp.asarray([np.nan, np.inf, -np.inf, 1], dtype)
    differs, difference, zero, finite = found(x)
    np.testing.assert_array_equal(differs, [True, False, False, False])
    np.testing.assert_array_equal(np.isnan(difference), [True, True, True, False])
    np.testing.assert_array_equal(np.isnan(zero), [True, True, True, False])
    np.testing.assert_array_equal(finite, [False, False, False, True])


def _small(dtype, count=2000):
    """Subnormal numbers, and the smallest normal ones."""
    rng = np.random.default_rng(0)
    return jnp.asarray(format_of(dtype).tiny * rng.uniform(-2, 2, count), dtype)


SCALE, SMALLEST = 2.0**60, 2.0**-1074

CHAINS = {
    "doubled": lambda x: x + x,
    "halved": lambda x: x * jnp.asarray(0.5, x.dtype),
    "halved and back": lambda x: (x * jnp.asarray(0.5, x.dtype)) / jnp.asarray(0.5, x.dtype),
    "difference": lambda x: x - x[::-1],
    "sum": lambda x: x.sum(),
    "inner product with one": lambda x: x @ jnp.ones_like(x),
    "larger": lambda x: jnp.maximum(x, x[::-1]),
    "sorted": jnp.sort,
    "positive part": lambda x: jnp.where(x > 0, x, 0),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_platform_may_flush_or_not(name, dtype):
    """Compiled or one operation at a time: within the bound. All the programs are homogeneous, so scaling is exact."""
    program, x = CHAINS[name], _small(dtype)
    bounded = running_error(program, x)
    wide = running_error(program, jnp.asarray(np.asarray(x, np.float64) * SCALE))
    exact, slack = wide.value / SCALE, wide.error / SCALE + SMALLEST
    for computed in (jax.jit(program)(x), program(x)):
        assert (np.abs(np.asarray(computed, np.float64) - exact) <= bounded.error + slack).all()
    assert np.isfinite(bounded.error).all()
    assert (bounded.error >= format_of(dtype).tiny).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_numbers_compare_as_undecided(dtype):
    x = _small(dtype)
    bounded = running_error(lambda x: x > 0, x)
    decided = np.asarray(jax.jit(lambda x: x > 0)(x))
    wrong = decided != bounded.value
    assert bounded.error[wrong].all()
    assert (bounded.error[np.abs(np.asarray(x)) < format_of(dtype).tiny] == 1).all()


def test_products_of_matrices_in_highest_precision_are_those_of_the_format():
    rng = np.random.default_rng(0)
    x, y = (jnp.asarray(rng.uniform(1, 2, (40, 40)), jnp.float32) for _ in range(2))
    with jax.default_matmul_precision("highest"):
        computed = jax.jit(lambda x, y: lax.dot(x, y))(x, y)
        bounded = running_error(lambda x, y: lax.dot(x, y), x, y)
    exact = np.asarray(x, np.float64) @ np.asarray(y, np.float64)
    assert (np.abs(np.asarray(computed, np.float64) - exact) <= bounded.error).all()
    # TF32 keeps eleven binary digits
    rounded = [np.asarray(lax.reduce_precision(z, 8, 10), np.float64) for z in (x, y)]
    assert (np.abs(rounded[0] @ rounded[1] - exact) > bounded.error).any()
