"""The running error: never exceeded by what XLA computes, whatever the dtype, and not vacuous.

float64 programs are compared with mpmath or with 80-bit floats, narrower ones with float64 and its own bound.
"""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

from lrgd_jax.certify import UndecidableError, running_error, trace
from lrgd_jax.certify.rounding.formats import format_of

NARROW = [jnp.float32, jnp.bfloat16, jnp.float16]
# Coarse enough to be the same numbers in every format.
EPSILON = 2.0**-7


def _inside(program, reference, slack, *args):
    """The jitted result of `program` lies within its bound of the reference, which is itself off by `slack`."""
    bounded = running_error(program, *args)
    computed = jax.tree.map(lambda y: np.asarray(y, np.float64), jax.jit(program)(*args))
    for y, error, true, off in zip(*map(jax.tree.leaves, (computed, bounded.error, reference, slack)), strict=True):
        assert np.isfinite(error).all()
        assert (np.abs(y - true) <= error + off).all()
    return bounded


def _against_float64(program, *args):
    """Compares a narrow program with the same one on the same numbers in float64."""
    wide = running_error(program, *(jax.tree.map(lambda x: x.astype(jnp.float64), a) for a in args))
    return _inside(program, wide.value, wide.error, *args)


def _draw(rng, low, high, shape=(7, 5), dtype=jnp.float64):
    return jnp.asarray(rng.uniform(low, high, shape)).astype(dtype)


UNARY = {
    "neg": (jnp.negative, lambda x: -x, -9, 9),
    "abs": (jnp.abs, abs, -9, 9),
    "square": (lax.square, lambda x: x * x, -9, 9),
    "exp": (jnp.exp, mpmath.exp, -9, 9),
    "exp2": (jnp.exp2, lambda x: mpmath.mpf(2) ** x, -9, 9),
    "expm1": (jnp.expm1, mpmath.expm1, -3, 3),
    "log": (jnp.log, mpmath.log, 0.1, 9),
    "log1p": (jnp.log1p, mpmath.log1p, -0.9, 9),
    "tanh": (jnp.tanh, mpmath.tanh, -9, 9),
    "logistic": (jax.nn.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), -9, 9),
    "erf": (jax.scipy.special.erf, mpmath.erf, -4, 4),
    "erfc": (lax.erfc, mpmath.erfc, -3, 3),
    "sin": (jnp.sin, mpmath.sin, -9, 9),
    "cos": (jnp.cos, mpmath.cos, -9, 9),
    "sqrt": (jnp.sqrt, mpmath.sqrt, 0.1, 9),
    "rsqrt": (lax.rsqrt, lambda x: 1 / mpmath.sqrt(x), 0.1, 9),
    "cbrt": (jnp.cbrt, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), -9, 9),
    "cube": (lambda x: lax.integer_pow(x, 3), lambda x: x**3, -3, 3),
    "inverse square": (lambda x: lax.integer_pow(x, -2), lambda x: x**-2, 0.2, 3),
    "power": (lambda x: x ** jnp.asarray(2.5, x.dtype), lambda x: x ** mpmath.mpf(2.5), 0.1, 5),
    "integer power": (lambda x: lax.pow(x, 3), lambda x: x**3, -3, 3),
    "clamp": (lambda x: jnp.clip(x, -1, 2), lambda x: min(max(x, -1), 2), -4, 4),
    "floor": (jnp.floor, mpmath.floor, -4, 4),
    "ceil": (jnp.ceil, mpmath.ceil, -4, 4),
    "round": (jnp.round, mpmath.nint, -4, 4),
    "round away": (lax.round, lambda x: mpmath.sign(x) * mpmath.floor(abs(x) + 0.5), -4, 4),
    "sign": (jnp.sign, mpmath.sign, -4, 4),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, 0.1, 5),
    "relu": (jax.nn.relu, lambda x: max(x, 0), -2, 2),
}


@pytest.mark.parametrize("name", UNARY)
@given(seed=st.integers(0, 2**31))
def test_functions_in_float64(name, seed):
    function, exact, low, high = UNARY[name]
    x = _draw(np.random.default_rng(seed), low, high)
    with mpmath.workprec(120):
        reference = [exact(mpmath.mpf(v)) for v in np.asarray(x).ravel().tolist()]
        computed = np.asarray(jax.jit(function)(x)).ravel().tolist()
        errors = running_error(function, x).error.ravel().tolist()
        for true, y, e in zip(reference, computed, errors, strict=True):
            assert abs(true - mpmath.mpf(y)) <= e


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", UNARY)
@given(seed=st.integers(0, 2**31))
def test_functions_in_narrow_formats(name, dtype, seed):
    function, _, low, high = UNARY[name]
    _against_float64(function, _draw(np.random.default_rng(seed), low, high, dtype=dtype))


@pytest.mark.parametrize("name", UNARY)
@given(seed=st.integers(0, 2**31))
def test_functions_of_inexact_numbers(name, seed):
    """Moving the argument within its error moves the result within the bound."""
    function, _, low, high = UNARY[name]
    rng = np.random.default_rng(seed)
    x = _draw(rng, low, high)
    errors = rng.uniform(0, 0.03, x.shape)
    moved = x + errors * rng.uniform(-1, 1, x.shape)
    bounded = running_error(function, x, errors=(errors,))
    assert (np.abs(np.asarray(function(moved)) - bounded.value) <= bounded.error).all()


BINARY = {
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": lambda x, y: x / (lax.abs(y) + 1),
    "max": jnp.maximum,
    "min": jnp.minimum,
    "power": lambda x, y: (lax.abs(x) + 1) ** y,
    "choice": lambda x, y: jnp.where(x > y, x, y),
    "inner": lambda x, y: jnp.einsum("ij,ij->i", x, y),
    "outer": lambda x, y: jnp.einsum("ij,kl->ilkj", x, y),
    "product": lambda x, y: x @ y.T,
    "batched": lambda x, y: jnp.einsum("bi,bj->bij", x, y),
    "batched inner": lambda x, y: lax.dot_general(x[:, :, None], y[:, None], (((1,), (2,)), ((0,), (0,)))),
    "trace": lambda x, y: jnp.tensordot(x, y, 2),
    "sum": lambda x, y: (x * y).sum(0),
    "mean": lambda x, y: (x - y).mean(),
    "largest": lambda x, y: (x + y).max(1),
    "smallest": lambda x, y: (x + y).min(0),
    "prod": lambda x, y: (x * y).prod(1),
    "cumsum": lambda x, y: lax.cumsum(x * y, 0, reverse=True),
    "cumprod": lambda x, y: jnp.cumprod(x + y, 1),
    "cummax": lambda x, y: lax.cummax(x + y, 1),
    "cummin": lambda x, y: lax.cummin(x + y, 0, reverse=True),
    "cumlogsumexp": lambda x, y: lax.cumlogsumexp(x + y, 1),
    "logsumexp": lambda x, y: jax.nn.logsumexp(x * y, axis=1),
    "scatter": lambda x, y: x.at[jnp.array([2, 0, 2])].add(y[:3]),
}


@pytest.mark.parametrize("name", BINARY)
@given(seed=st.integers(0, 2**31))
def test_operations_of_several_numbers(name, seed):
    rng = np.random.default_rng(seed)
    x, y = (_draw(rng, -3, 3, dtype=jnp.float32) for _ in range(2))
    _against_float64(BINARY[name], x, y)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@given(seed=st.integers(0, 2**31))
def test_contractions_of_halves(dtype, seed):
    rng = np.random.default_rng(seed)
    x, y = (_draw(rng, -1, 1, (6, 40), dtype) for _ in range(2))
    _against_float64(lambda x, y: x @ y.T, x, y)
    wide = running_error(lambda x, y: x @ y.T, x.astype(jnp.float64), y.astype(jnp.float64))
    _inside(lambda x, y: jnp.matmul(x, y.T, preferred_element_type=jnp.float32), wide.value, wide.error, x, y)


def softmax_attention(q, k, v):
    return jax.nn.softmax(q @ k.T, axis=-1) @ v


def masked_attention(q, k, v, low=-np.inf):
    scores = jnp.where(jnp.tril(jnp.ones((len(q), len(k)), bool)), q @ k.T, low)
    return jax.nn.softmax(scores, axis=-1) @ v


def linear_attention(q, k, v):
    def step(state, row):
        q, k, v = row
        state = state + jnp.outer(v, k)
        return state, state @ q

    return lax.scan(step, jnp.zeros((v.shape[1], k.shape[1]), q.dtype), (q, k, v))[1]


def layer_norm(q, k, v):
    x = q + k * v
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * k + v


def mlp(q, k, v):
    return jax.nn.gelu(q @ k.T) @ jax.nn.silu(v) / (1 + jax.nn.relu(q.sum()))


def gradient(q, k, v):
    return jax.grad(lambda k: (softmax_attention(q, k, v) ** 2).sum())(k)


PROGRAMS = [softmax_attention, masked_attention, linear_attention, layer_norm, mlp, gradient]


def _qkv(seed, dtype, n=6, d=4):
    rng = np.random.default_rng(seed)
    return tuple(jnp.asarray(rng.normal(size=(n, d))).astype(dtype) for _ in range(3))


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_in_float32_stay_within_a_bound_that_says_something(program):
    traced = [trace(program, *_qkv(0, dtype)) for dtype in (jnp.float32, jnp.float64)]
    fused, worst = jax.jit(program), 0.0
    for seed in range(100):
        args = _qkv(seed, jnp.float32)
        narrow = running_error(traced[0], *args)
        wide = running_error(traced[1], *(x.astype(jnp.float64) for x in args))
        actual = np.abs(np.asarray(fused(*args), np.float64) - wide.value)
        assert (actual <= narrow.error + wide.error).all()
        worst = max(worst, float(actual.max() / narrow.error.max()))
    # The largest error seen is at least a thousandth of the bound.
    assert worst * 1000 > 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run_operation_by_operation_too(program):
    args = _qkv(1, jnp.float32)
    with jax.disable_jit():
        computed = np.asarray(program(*args), np.float64)
    narrow, wide = running_error(program, *args), running_error(program, *(x.astype(jnp.float64) for x in args))
    assert (np.abs(computed - wide.value) <= narrow.error + wide.error).all()


@pytest.mark.parametrize("program", [softmax_attention, layer_norm, linear_attention])
def test_programs_in_bfloat16(program):
    for seed in range(10):
        args = tuple(x / 4 for x in _qkv(seed, jnp.bfloat16, n=3, d=2))
        narrow, wide = running_error(program, *args), running_error(program, *(x.astype(jnp.float64) for x in args))
        computed = np.asarray(jax.jit(program)(*args), np.float64)
        assert (np.abs(computed - wide.value) <= narrow.error + wide.error).all()


def _long_softmax(q, k, v):
    scores = np.exp(q @ k.T)
    return scores @ v / scores.sum(-1, keepdims=True)


def _long_linear(q, k, v):
    return np.tril(q @ k.T) @ v


def _long_norm(q, k, v):
    x = q + k * v
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * k + v


@pytest.mark.parametrize(
    ("program", "long"),
    [(softmax_attention, _long_softmax), (linear_attention, _long_linear), (layer_norm, _long_norm)],
)
def test_programs_in_float64_against_extended_precision(program, long):
    if np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
        pytest.skip("this platform has no float wider than float64")
    traced, fused = trace(program, *_qkv(0, jnp.float64)), jax.jit(program)
    for seed in range(100):
        args = _qkv(seed, jnp.float64)
        reference = long(*(np.asarray(x, np.longdouble) for x in args))
        bounded = running_error(traced, *args)
        for computed in (np.asarray(fused(*args)), bounded.value):
            assert (np.abs(computed - reference) <= bounded.error).all()


@pytest.mark.parametrize("low", [-np.inf, float(jnp.finfo(jnp.float32).min)])
def test_masks_do_not_spoil_the_bound(low):
    args = _qkv(3, jnp.float32)
    masked, free = (
        running_error(lambda *a: masked_attention(*a, low=low), *args),
        running_error(softmax_attention, *args),
    )
    assert masked.error.max() <= 2 * free.error.max()


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (jnp.sin, np.nan),
        (lambda x: x + 1, np.inf),
        (jnp.log, 0.0),
        (jnp.sqrt, -1.0),
        (lambda x: 1 / x, 0.0),
        (lambda x: 1 / (x * x - x * x), 3.3),
        (lambda x: jnp.log((x - 1) * 3), 1.0 + 2**-20),
        (lambda x: jnp.sqrt(jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1), 0.3),
        (jnp.exp, 100.0),
        (lambda x: x * x, 3e30),
        (lambda x: x**0.5, -2.0),
    ],
)
def test_trouble_has_an_infinite_error(function, x):
    x = jnp.float32(x)
    if function(x) != function(x) or not np.isfinite(function(x)):
        assert np.isinf(running_error(function, x).error)
    else:
        assert running_error(function, x).error > 0


def test_trouble_hides_only_behind_decided_choices():
    x = jnp.asarray([-1.0, 2.0])
    safe = running_error(lambda x: jnp.where(x > 0, jnp.log(x), 0.0), x)
    assert np.isfinite(safe.error).all()
    risky = running_error(lambda x: jnp.where((x + 0.1) * 3 > (0.1 + x) * 3, jnp.log(x), 0.0), x)
    assert np.isinf(risky.error[0])


def test_an_open_comparison_covers_both_branches():
    def function(x):
        return jnp.where(x * 3 - x * 3 > 0, 5.0, 7.0), x * 3 > x * 3, ~(x * 3 > 0) & (x * 3 > x * 3)

    value, error = (lambda b: (b.value, b.error))(running_error(function, jnp.asarray(1 / 3)))
    assert abs(5.0 - value[0]) <= error[0]
    assert abs(7.0 - value[0]) <= error[0]
    assert error[1] == 1
    assert error[2] == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.while_loop(lambda y: y * 3 > 1, lambda y: y / 2, x),
        lambda x: lax.cond(x * 3 > 1, jnp.sin, jnp.cos, x),
        lambda x: jnp.argmax(jnp.stack([x * 3, x + 2 * x])),
        lambda x: (x * 3).astype(jnp.int32),
        lambda x: jnp.arange(3)[(x * 3 > 1).astype(jnp.int32)],
    ],
)
def test_what_cannot_be_decided_raises(function):
    with pytest.raises(UndecidableError, match="wider dtype"):
        running_error(function, jnp.asarray(1 / 3))


def test_decided_choices_are_exact():
    x = jnp.asarray([0.3, 2.7, -1.2])
    bounded = running_error(lambda x: (jnp.argmax(x * 3), jnp.argmin(x), (x * 3).astype(jnp.int32), x > 0), x)
    assert not any(np.any(e) for e in bounded.error)
    np.testing.assert_array_equal(bounded.value[2], [0, 8, -3])


def test_subnormal_numbers_may_be_flushed():
    x = jnp.asarray([2.0**-130, 2.0**-100], jnp.float32)
    for function in (lambda x: x[0] * 2.0**100, lambda x: (x * 2.0**-30) * 2.0**100, lambda x: x[1] * x[1] * 2.0**100):
        exact = running_error(function, x.astype(jnp.float64))
        narrow = running_error(function, x)
        for computed in (function(x), jax.jit(function)(x), jnp.zeros_like(function(x))):
            assert (np.abs(np.asarray(computed, np.float64) - exact.value) <= narrow.error + exact.error).all()


def test_reduced_precision_and_conversions():
    x = _draw(np.random.default_rng(0), -3, 3, dtype=jnp.float32)
    _against_float64(lambda x: lax.reduce_precision(x, 8, 7), x)
    for dtype in NARROW:
        bounded = running_error(lambda x, d=dtype: x.astype(d), x)
        assert (np.abs(np.asarray(x.astype(dtype), np.float64) - np.asarray(x)) <= bounded.error).all()
        assert (bounded.error <= 4 * format_of(dtype).unit * (1 + np.abs(x))).all()


def test_integers_become_floats_with_their_rounding():
    bounded = running_error(lambda n: n.astype(jnp.float32), jnp.asarray([3, 2**24 + 1, 2**60 + 1]))
    assert bounded.error[0] == 0
    assert bounded.error[1] >= 1
    assert bounded.error[2] >= 1


def test_errors_of_arguments_have_their_structure():
    with pytest.raises(ValueError, match="structure"):
        running_error(jnp.add, jnp.ones(2), jnp.ones(2), errors=(1.0,))
    assert (running_error(jnp.add, jnp.ones(2), jnp.ones(2), errors=(1.0, 2.0)).error >= 3).all()


CHOOSING = {
    "max": jnp.maximum,
    "min": jnp.minimum,
    "relu of the difference": lambda x, y: jnp.maximum(x, 0) + jnp.minimum(y, 0),
    "clamp": lambda x, y: jax.lax.clamp(-jnp.abs(y), x, jnp.abs(y)),
    "clip": lambda x, y: jnp.clip(x, jnp.min(y), jnp.max(y)),
    "reduce_max": lambda x, y: jnp.max(jnp.stack([x, y, -x]), axis=0),
    "reduce_min": lambda x, y: jnp.min(jnp.stack([x, y, -x]), axis=0),
    "cummax": lambda x, y: jax.lax.cummax(jnp.stack([x, y, -x])),
    "cummin": lambda x, y: jax.lax.cummin(jnp.stack([x, y, -x])),
    "cummax from behind": lambda x, y: jax.lax.cummax(jnp.stack([x, y, -x]), reverse=True),
    "sort": lambda x, y: jnp.sort(jnp.stack([x, y, -x]), axis=0),
    "select": lambda x, y: jnp.where(x < y, y, x),
    "abs and neg": lambda x, y: jnp.abs(x) - jnp.abs(-y),
    "sign": lambda x, y: jnp.sign(x) * 3 + jnp.sign(y),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", CHOOSING)
def test_choices_among_subnormal_numbers_stay_within_their_bounds(name, dtype):
    """XLA may flush what it compares and pass on what it was given, in some formats and releases."""
    tiny = float(jnp.finfo(dtype).tiny)
    multiples = [-3.0, -1.0, -0.9, -0.5, -0.1, 0.0, 0.3, 0.5, 0.75, 1.0, 1.5]
    x, y = (jnp.asarray(a.ravel() * tiny, dtype) for a in np.meshgrid(multiples, multiples))
    bounded = running_error(CHOOSING[name], x, y)
    computed = np.asarray(jax.jit(CHOOSING[name])(x, y), np.float64)
    assert np.isfinite(bounded.error).all()
    # the walk evaluates in float64, which holds every multiple, and choosing rounds nothing
    assert (np.abs(computed - bounded.value) <= bounded.error).all()
    assert (bounded.error <= (16 if name == "sign" else 16 * tiny)).all()
