"""What is computed in bfloat16 and float16: nothing; they are widened first, and the result is rounded once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.tracing.jaxprs import Variable
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, identity, relu
from lrgd_jax.kernels import ExponentialKernel, expansion_norm, kernel_of, log_gram
from lrgd_jax.positions import alibi_bias, rotary_frequencies, rotate
from lrgd_jax.precision import narrow, wide_format, widen

NARROW = ("bfloat16", "float16")
POSITIONS = np.array([0, 1, 255, 256, 257, 258, 1000, 4095])


def unit(dtype):
    """The unit roundoff."""
    return float(jnp.finfo(dtype).eps) / 2


def near(computed, exact, dtype, relative=0.0):
    """Whether a result is the exact one, off by a relative error in float32, and then rounded to a narrower format."""
    computed, exact = np.asarray(computed, np.float64), np.asarray(exact, np.float64)
    smallest = float(jnp.finfo(dtype).smallest_normal)
    return np.all(np.abs(computed - exact) <= (unit(dtype) + 2 * relative) * np.abs(exact) + smallest)


def test_formats_are_the_widest_and_float32_at_least():
    half, brain, single, double = (jnp.ones(1, x) for x in ("float16", "bfloat16", "float32", "float64"))
    assert [x.dtype.name for x in widen(half, brain)] == ["float32", "float32"]
    assert [x.dtype.name for x in widen(half, double)] == ["float64", "float64"]
    assert wide_format(half, single) == wide_format("bfloat16") == wide_format() == np.float32
    assert widen(single)[0] is single
    assert widen(double, None, 0.5, jnp.ones(1, int))[1:] == (None, 0.5, jnp.ones(1, int))
    assert narrow(single, half, half).dtype == np.float16
    assert narrow(single, half, brain) is narrow(single, half, single) is narrow(single) is single


def test_a_program_in_float32_has_no_conversion():
    x, frequencies = jnp.ones((4, 2), np.float32), rotary_frequencies(2)
    for function in (lambda x: rotate(x, jnp.arange(4), frequencies), jax.vmap(TaylorFeatures(2)), jax.vmap(relu)):
        eqns = [e for e in jax.make_jaxpr(function)(x).eqns if e.primitive.name == "convert_element_type"]
        converted: list[Variable] = [e.invars[0] for e in eqns]
        assert all(jnp.issubdtype(var.aval.dtype, jnp.integer) for var in converted)


@pytest.mark.parametrize("layout", ["half", "interleaved"])
@pytest.mark.parametrize("dtype", NARROW)
def test_positions_beyond_256_are_told_apart(dtype, layout):
    """In bfloat16 257 is 256, and 1000 is off by whole turns of the fastest pair."""
    x = jnp.ones((len(POSITIONS), 4), dtype)
    frequencies = rotary_frequencies(4)
    turned = rotate(x, jnp.asarray(POSITIONS), frequencies, layout)
    angles = POSITIONS[:, None] * frequencies[None, :]
    pairs = np.stack(
        [np.cos(angles) - np.sin(angles), np.cos(angles) + np.sin(angles)], axis=1 if layout == "half" else 2
    )
    # an angle is a product of two numbers that float32 rounds; entries are at most 2 and are rounded once
    tolerance = 3 * unit("float32") * angles.max() + 2 * unit(dtype)
    assert turned.dtype == jnp.dtype(dtype)
    assert np.max(np.abs(np.asarray(turned, np.float64) - pairs.reshape(-1, 4))) <= tolerance


@pytest.mark.parametrize("dtype", NARROW)
def test_distances_beyond_256_are_told_apart(dtype):
    bias = alibi_bias(1, 4096, 2.0**-8, jnp.dtype(dtype))
    assert near(bias[0], -np.arange(4095, -1, -1.0) / 2**8, dtype)


def test_elu_plus_one_is_an_exponential_below_zero():
    """1 + expm1(x) is zero from -6.5 in bfloat16 and from -18 in float32, and 3e-4 off at -12."""
    for dtype, lowest in (("float64", -700), ("float32", -87), ("bfloat16", -87), ("float16", -9)):
        x = jnp.linspace(lowest, 0, 50).astype(dtype)
        exact = np.exp(np.asarray(x, np.float64))
        # XLA's exponential errs by a few units in the last place
        assert near(elu_plus_one(x), exact, dtype, relative=4 * unit(dtype)), dtype


@pytest.mark.parametrize("dtype", ["float64", "float32", *NARROW])
def test_elu_plus_one_has_a_gradient_everywhere(dtype):
    x = jnp.asarray([-np.inf, -1e4, -1.0, 0.0, 1.0, 1e4], dtype)
    slopes = jax.vmap(jax.grad(lambda x: elu_plus_one(x[None])[0]))(x)
    assert near(slopes, [0.0, 0.0, np.exp(-1), 1.0, 1.0, 1.0], dtype, relative=4 * unit(dtype))


FEATURES = {
    "identity": identity,
    "elu+1": elu_plus_one,
    "relu": relu,
    "taylor": TaylorFeatures(3),
    "dpfp": DPFP(2),
    "random": PositiveRandomFeatures(np.random.default_rng(0).standard_normal((6, 4))),
}


@pytest.mark.parametrize("scale", [2.0**-10, 1.0, 4.0])
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", FEATURES)
def test_features_are_rounded_once(name, dtype, scale):
    x = jnp.asarray(scale * np.random.default_rng(1).standard_normal(4), dtype)
    features = FEATURES[name](x)
    # the exponent of random features is a sum of products, and its error a factor
    size = float(jnp.sum(jnp.square(x.astype("float64")))) * 6
    assert features.dtype == jnp.dtype(dtype)
    assert near(features, FEATURES[name](x.astype("float64")), dtype, relative=(16 + 6 * size) * unit("float32"))


@pytest.mark.parametrize("dtype", NARROW)
def test_kernels_are_rounded_once(dtype):
    x, y = (jnp.asarray(np.random.default_rng(k).standard_normal(6), dtype) for k in (0, 1))
    wide = x.astype("float64"), y.astype("float64")
    relative = 64 * unit("float32")
    for kernel in (ExponentialKernel(1.0), kernel_of(elu_plus_one)):
        assert kernel(x, y).dtype == jnp.dtype(dtype)
        assert near(kernel(x, y), kernel(*wide), dtype, relative)
    centres, coefficients = jnp.stack([x, y]), jnp.ones((2, 1), dtype)
    norm = expansion_norm(ExponentialKernel(), centres, coefficients)
    assert near(norm, expansion_norm(ExponentialKernel(), jnp.stack(wide), jnp.ones((2, 1))), dtype, relative)
    # a logarithm stays wide: what is lost of an exponent is lost as a factor
    assert log_gram(ExponentialKernel(), x, y[None]).dtype == log_gram(kernel_of(elu_plus_one), x, y[None]).dtype
    assert log_gram(ExponentialKernel(), x, y[None]).dtype == np.float32


def test_a_head_of_no_width_is_named():
    with pytest.raises(ValueError, match="at least one coordinate, got d = 0; give a scale"):
        ExponentialKernel()(jnp.ones(0), jnp.ones(0))
