"""Feature maps and kernels against their formulas."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from support.equivalence import meet

from lrgd_jax.features import (
    DPFP,
    PositiveRandomFeatures,
    TaylorFeatures,
    elu_plus_one,
    identity,
    orthogonal_projection,
    relu,
)
from lrgd_jax.kernels import ExponentialKernel, gram, kernel_of
from lrgd_jax.strategies import arrays

D = 3
vectors = arrays(D, scale=4, dtype="float64")
MAPS = {
    "identity": (identity, D),
    "elu+1": (elu_plus_one, D),
    "relu": (relu, D),
    "taylor 0": (TaylorFeatures(0), 1),
    "taylor 3": (TaylorFeatures(3), sum(D**j for j in range(4))),
    "dpfp": (DPFP(2), 4 * D),
    "random": (PositiveRandomFeatures(np.ones((5, D))), 5),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", MAPS)
def test_width_and_dtype(name, dtype):
    feature_map, width = MAPS[name]
    x = jnp.linspace(-1.0, 1.0, D).astype(dtype)
    features = jax.jit(lambda x: feature_map(x))(x)
    assert features.shape == (width,)
    assert features.dtype == x.dtype
    assert jnp.all(jnp.isfinite(jax.jacobian(feature_map)(x)))


@pytest.mark.parametrize("name", ["elu+1", "relu", "dpfp", "random"])
@given(x=vectors)
def test_these_are_not_negative(name, x):
    assert np.all(MAPS[name][0](jnp.asarray(x)) >= 0)


def taylor_kernel(x, y):
    features = TaylorFeatures(3)
    return jnp.vdot(features(x), features(y))


def taylor_polynomial(x, y):
    z = jnp.vdot(x, y)
    return sum(z**j / math.factorial(j) for j in range(4))


@given(x=vectors, y=vectors)
def test_taylor_features_have_the_taylor_polynomial_as_kernel(x, y):
    comparison = meet(taylor_kernel, taylor_polynomial, jnp.asarray(x), jnp.asarray(y))
    assert comparison.holds, comparison


def dpfp(x):
    return DPFP(2)(x)


def dpfp_by_hand(x):
    z = [jnp.maximum(sign * x[j], 0) for sign, j in itertools.product((1, -1), range(D))]
    return jnp.stack([z[j] * z[(j - shift) % (2 * D)] for shift in (1, 2) for j in range(2 * D)])


@given(x=vectors)
def test_dpfp_multiplies_rolled_coordinates(x):
    comparison = meet(dpfp, dpfp_by_hand, jnp.asarray(x))
    assert comparison.holds, comparison


def test_orthogonal_rows_are_orthogonal_in_blocks():
    rows = orthogonal_projection(jax.random.key(0), 7, D)
    assert rows.shape == (7, D)

    def products(rows):
        block = rows[:D] / jnp.sqrt(jnp.sum(rows[:D] ** 2, axis=1, keepdims=True))
        return block @ block.T

    # orthogonal to the rounding of the QR that drew them, of at most d^2 operations on numbers up to one
    residual = products(rows) - jnp.eye(D)
    assert np.all(np.abs(residual) <= D**2 * 8 * np.finfo(np.float64).eps)


def test_random_features_are_drawn_from_the_key():
    first, again, other = (PositiveRandomFeatures.draw(jax.random.key(k), 4, D).projection for k in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("orthogonal", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_a_projection_has_the_dtype_asked_for(dtype, orthogonal):
    features = PositiveRandomFeatures.draw(jax.random.key(0), 5, D, orthogonal=orthogonal, dtype=jnp.dtype(dtype))
    assert features.projection.shape == (5, D)
    assert features.projection.dtype == jnp.dtype(dtype)


def test_degrees_and_shifts_out_of_range_are_named():
    with pytest.raises(ValueError, match="degree must be 0 or more, got -1"):
        TaylorFeatures(-1)(jnp.ones(2))
    with pytest.raises(ValueError, match="less than 2 d = 4, got 4"):
        DPFP(4)(jnp.ones(2))


def exponential_gram(x, y):
    return gram(ExponentialKernel(0.5), x, y)


def exponential_by_hand(x, y):
    return jnp.exp(0.5 * x @ y.T)


def test_gram_holds_all_pairs():
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.standard_normal((2, D))), jnp.asarray(rng.standard_normal((4, D)))
    assert meet(exponential_gram, exponential_by_hand, x, y).holds
    assert meet(lambda x, y: gram(kernel_of(relu), x, y), lambda x, y: jax.nn.relu(x) @ jax.nn.relu(y).T, x, y).holds
