from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.attention import LinearAttention, MultiHeadAttention, Rotary, SoftmaxAttention
from lrgd_jax.decoder.attention import attention_block
from lrgd_jax.decoder.feed_forward import swiglu
from lrgd_jax.decoder.norms import rms_norm
from lrgd_jax.decoder.transformer_layer import layer
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import Llama3Scaling

from .helpers import TINY, agree, decoder

LINEAR = replace(TINY, attention="linear")
STRETCH = Llama3Scaling(factor=8.0, original_max_position_embeddings=32)


def stream(seed=3, n=5, dtype=jnp.float64):
    return jax.random.normal(jax.random.key(seed), (n, TINY.width), dtype)


@given(scale=st.floats(1e-3, 1e3))
def test_the_norm_ends_with_root_mean_square_one(scale):
    x = stream() * scale
    epsilon = 1e-5

    def mean_square(x):
        return jnp.mean(jnp.square(rms_norm(jnp.ones(TINY.width), x, epsilon)), axis=1)

    def expected(x):
        square = jnp.mean(x * x, axis=1)
        return square / (square + epsilon)

    agree(mean_square, expected, x)


def test_the_norm_of_zero_is_zero():
    assert not rms_norm(jnp.ones(4), jnp.zeros((1, 4)), 1e-5).any()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_the_norm_of_narrow_numbers_is_computed_in_float32(dtype):
    x = jnp.full((1, 64), 300.0, dtype)  # whose square overflows float16
    assert (rms_norm(jnp.ones(64, dtype), x, 1e-5) == 1).all()


@pytest.mark.parametrize(
    ("config", "form"),
    [
        (TINY, SoftmaxAttention(causal=True, rotary=Rotary())),
        (
            replace(TINY, rope_layout="interleaved", rope_theta=500.0, rope_scaling=STRETCH),
            SoftmaxAttention(causal=True, rotary=Rotary(500.0, "interleaved", scaling=STRETCH)),
        ),
        (LINEAR, LinearAttention(elu_plus_one, causal=True, normalised=True)),
        (LINEAR, LinearAttention(elu_plus_one, causal=True, normalised=True, algorithm="chunked", chunk=2)),
    ],
)
def test_attention_is_multi_head_attention_of_its_form(config, form):
    heads = decoder(config).layers[0].heads
    agree(lambda x: attention_block(heads, config, x), lambda x: MultiHeadAttention(heads, form)(x), stream())


def test_swiglu_by_hand():
    weights = decoder(TINY).layers[0].feed_forward

    def by_hand(x):
        gate = x @ weights.gate.T + jnp.stack([weights.gate_bias] * len(x))
        up = x @ weights.up.T + jnp.stack([weights.up_bias] * len(x))
        return (gate / (1 + jnp.exp(-gate)) * up) @ weights.down.T + jnp.stack([weights.down_bias] * len(x))

    agree(lambda x: swiglu(weights, x), by_hand, stream())


@pytest.mark.parametrize("config", [TINY, LINEAR])
def test_a_layer_looks_at_no_later_token(config):
    weights, x = decoder(config).layers[0], stream()
    agree(lambda x: layer(weights, config, x)[:3], lambda x: layer(weights, config, x[:3]), x)


@pytest.mark.parametrize("config", [TINY, LINEAR])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64, jnp.bfloat16])
def test_a_layer_keeps_the_type(config, dtype):
    out = jax.jit(layer, static_argnums=1)(decoder(config, dtype=dtype).layers[0], config, stream(dtype=dtype))
    assert out.dtype == dtype
    assert jnp.isfinite(out).all()
