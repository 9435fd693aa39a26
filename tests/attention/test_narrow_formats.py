"""Forms and their duals in bfloat16 and float16: what float32 computes, rounded once; also over hundreds of tokens."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import evaluate_trace
from support.forms import FORMS

from lrgd_jax import dual_of
from lrgd_jax.attention import (
    DeltaRule,
    GatedLinearAttention,
    HeadWeights,
    LinearAttention,
    LinearState,
    MomentumAttention,
    MultiHeadAttention,
    Retention,
    Rotary,
    SoftmaxAttention,
    momentum_weights,
    recurrent_linear_attention,
)
from lrgd_jax.dual import DualModel, OnlineDescent, OrderedHeadDual, squared_error
from lrgd_jax.features import elu_plus_one

LONG = {
    "rotary": SoftmaxAttention(causal=True, rotary=Rotary()),
    "rotary linear": LinearAttention(elu_plus_one, causal=True, rotary=Rotary(layout="interleaved")),
    "alibi": SoftmaxAttention(alibi_slope=2.0**-6),
    "a sum over all tokens": LinearAttention(causal=True, algorithm="recurrent"),
    "a mean over all tokens": LinearAttention(elu_plus_one, causal=True, normalised=True, algorithm="recurrent"),
    "chunks": LinearAttention(elu_plus_one, causal=True, normalised=True, algorithm="chunked"),
    "a slow decay": Retention(decay=0.999, algorithm="recurrent"),
    "a slow gate": GatedLinearAttention(decay=0.999, algorithm="chunked"),
    "a slow delta rule": DeltaRule(strength=0.01, decay=0.999),
    "momentum that does not fade": MomentumAttention(momentum=1.0),
}
"""Where bfloat16 itself fails within 300 tokens: positions, sums, and decays that round to one."""
DUALS = ("rotary", "alibi", "a mean over all tokens", "a slow delta rule")


def drawn(n, dtype, t=None):
    rng = np.random.default_rng(0)
    q, k, v = (jnp.asarray(rng.standard_normal((n, width)), dtype) for width in (4, 4, 3))
    return q[-(n if t is None else t) :], k, v


def rounded_once(function, arguments, dtype):
    """Whether a compiled function gives what float32 computes of the same numbers, rounded to the format of these."""
    outputs = jax.jit(lambda *x: function(*x))(*arguments)
    wide = evaluate_trace(function, *(x.astype("float32") for x in arguments))
    form = jnp.finfo(dtype)
    tolerance = float(form.eps) / 2 * (np.abs(wide.value) + wide.error) + wide.error + float(form.smallest_normal)
    assert outputs.dtype == jnp.dtype(dtype)
    return np.all(np.abs(np.asarray(outputs, np.float64) - wide.value) <= tolerance)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_rounded_once(name):
    dtype = ("bfloat16", "float16")[len(name) % 2]
    form = FORMS[name]
    assert rounded_once(lambda q, k, v: form(q, k, v), drawn(24, dtype, t=8), dtype)


@pytest.mark.parametrize("name", LONG)
def test_three_hundred_tokens_in_bfloat16(name):
    form = LONG[name]
    assert rounded_once(lambda q, k, v: form(q, k, v), drawn(300, "bfloat16", t=4), "bfloat16")


@pytest.mark.parametrize("name", DUALS)
def test_three_hundred_tokens_train_a_dual_in_bfloat16(name):
    dual = dual_of(LONG[name])
    tokens = drawn(300, "bfloat16", t=2)
    assert rounded_once(lambda q, k, v: dual(q, k, v, demonstrations=280), tokens, "bfloat16")


@pytest.mark.parametrize("name", ["linear window recurrent", "softmax alibi", "gated delta", "ridge streaming"])
def test_duals_trained_online_are_rounded_once(name):
    dual = dual_of(FORMS[name])
    assert isinstance(dual, OrderedHeadDual)
    assert rounded_once(dual.online, drawn(24, "float16"), "float16")


@pytest.mark.parametrize("form", [SoftmaxAttention(causal=True, rotary=Rotary()), DeltaRule(strength=0.125)])
def test_heads_are_rounded_once(form):
    rng = np.random.default_rng(0)
    q, k, v, o = (jnp.asarray(rng.standard_normal(s), "bfloat16") for s in [(2, 6, 4), (1, 6, 4), (1, 6, 3), (2, 3, 6)])
    x = jnp.asarray(rng.standard_normal((9, 6)), "bfloat16")

    def layer(q, k, v, o, x):
        return MultiHeadAttention(HeadWeights(q, k, v, o), form)(x)

    def dual(q, k, v, o, x):
        return dual_of(MultiHeadAttention(HeadWeights(q, k, v, o), form))(x, demonstrations=5)

    assert rounded_once(layer, (q, k, v, o, x), "bfloat16")
    assert rounded_once(dual, (q, k, v, o, x), "bfloat16")


def test_states_and_weights_are_kept_in_float32():
    q, k, v = drawn(6, "bfloat16")
    outputs, state = recurrent_linear_attention(q[:3], k[:3], v[:3])
    assert outputs.dtype == jnp.bfloat16
    assert {x.dtype.name for x in (*state, *LinearState.empty(3, 4, jnp.bfloat16))} == {"float32"}
    # a state that was kept in a narrow format is read all the same
    stored = LinearState(*(x.astype("bfloat16") for x in state))
    assert recurrent_linear_attention(q[3:], k[3:], v[3:], state=stored)[1].values.dtype == np.float32
    model = DualModel(jnp.ones((3, 4), "bfloat16"), k, v, objective=squared_error)
    assert model.train().dtype == model.train_online().dtype == OnlineDescent(model).train().dtype == jnp.bfloat16
    assert model.predict(model.train(), q).dtype == jnp.bfloat16
    dual = dual_of(SoftmaxAttention(causal=True, rotary=Rotary()))
    assert dual.model(k, v, demonstrations=4).train().coefficients.dtype == np.float32


def test_formats_may_differ():
    q, k, v = drawn(5, "float32")
    for form in (LinearAttention(), SoftmaxAttention(), DeltaRule(0.0625), FORMS["ridge"], FORMS["descent"]):
        for formats in (("bfloat16", "float32", "float32"), ("float16", "bfloat16", "float32")):
            tokens = [x.astype(dtype) for x, dtype in zip((q, k, v), formats, strict=True)]
            assert form(*tokens).dtype == dual_of(form)(*tokens, demonstrations=3).dtype == np.float32
    assert SoftmaxAttention()(q, k, v.astype("float64")).dtype == np.float64


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_momentum_counts_beyond_256(dtype):
    assert np.array_equal(
        momentum_weights(300, 1.0, dtype=jnp.dtype(dtype))[-1, :4], jnp.asarray([300, 299, 298, 297], dtype)
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_mean_by_small_features_has_a_value(dtype):
    """1 + expm1 would vanish here, and 0/0 is not a number."""
    keys = jnp.full((3, 2), -8.0, dtype)
    values = jnp.asarray([[1.0], [2.0], [6.0]], dtype)
    form = LinearAttention(elu_plus_one, normalised=True)
    assert abs(float(form(keys[:1], keys, values)[0, 0]) - 3) <= 8 * float(jnp.finfo(dtype).eps)
    gradient = jax.grad(lambda keys: jnp.sum(form(keys, keys, values).astype("float32")))(keys)
    assert np.isfinite(gradient).all()
