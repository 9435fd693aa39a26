import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.decoder.feed_forward import swiglu
from lrgd_jax.decoder.norms import rms_norm
from lrgd_jax.decoder.readout import (
    GATES,
    apply_feed_forward,
    apply_rms_norm,
    augment,
    feed_forward_matrix,
    gated_feed_forward_matrix,
    layer_norm_matrix,
    rms_norm_matrix,
)

from .helpers import TINY, agree, decoder

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "quick_gelu": lambda z: z * jax.nn.sigmoid(1.702 * z),
    "silu": jax.nn.silu,
}
X = jax.random.normal(jax.random.key(0), (3, TINY.width))
GAIN = jax.random.normal(jax.random.key(1), (TINY.width,))


def test_every_gate_has_its_activation_here():
    assert set(GATES) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", GATES)
@given(z=st.floats(-30, 30))
def test_a_gate_times_its_argument_is_the_activation(name, z):
    agree(lambda z: GATES[name](z) * z, ACTIVATIONS[name], jnp.array([z]))


@pytest.mark.parametrize(
    ("name", "limit"), [("relu", 0), ("gelu", 0.5), ("gelu_tanh", 0.5), ("quick_gelu", 0.5), ("silu", 0.5)]
)
def test_gates_at_zero_are_their_limits(name, limit):
    assert GATES[name](jnp.zeros(1)).tolist() == [limit]


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("biased", [False, True])
def test_a_two_layer_block_is_its_matrix(name, biased):
    keys = jax.random.split(jax.random.key(2), 4)
    first, second = jax.random.normal(keys[0], (6, 8)), jax.random.normal(keys[1], (5, 6))
    biases = (jax.random.normal(keys[2], (6,)), jax.random.normal(keys[3], (5,))) if biased else (None, None)

    def block(x):
        inner = first @ x + (biases[0] if biased else jnp.zeros(6))
        return second @ ACTIVATIONS[name](inner) + (biases[1] if biased else jnp.zeros(5))

    def by_matrix(x):
        matrix = feed_forward_matrix(first, second, x, name, *biases)
        return matrix @ (augment(x) if biased else x)

    agree(block, by_matrix, X[0])


@pytest.mark.parametrize("biased", [False, True])
def test_swiglu_is_its_matrix(biased):
    weights = decoder(TINY).layers[0].feed_forward
    if not biased:
        weights = weights.replace(gate_bias=None, up_bias=None, down_bias=None)

    def by_matrix(x):
        return jnp.stack([gated_feed_forward_matrix(weights, r) @ (augment(r) if biased else r) for r in x])

    agree(lambda x: swiglu(weights, x), by_matrix, X)
    agree(lambda x: swiglu(weights, x), lambda x: apply_feed_forward(weights, x), X)


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1e3])
def test_rms_norm_is_its_matrix(scale):
    x = X * scale

    def by_matrix(x):
        return jnp.stack([rms_norm_matrix(GAIN, row, 1e-5) @ row for row in x])

    agree(lambda x: rms_norm(GAIN, x, 1e-5), by_matrix, x)
    agree(lambda x: rms_norm(GAIN, x, 1e-5), lambda x: apply_rms_norm(GAIN, x, 1e-5), x)


@pytest.mark.parametrize("biased", [False, True])
def test_layer_norm_is_its_matrix(biased):
    bias = GAIN[::-1] if biased else None

    def layer_norm(x):
        centred = x - jnp.mean(x)
        normed = GAIN * centred / jnp.sqrt(jnp.mean(centred**2) + 1e-5)
        return normed + bias if biased else normed

    def by_matrix(x):
        return layer_norm_matrix(GAIN, x, 1e-5, bias) @ (augment(x) if biased else x)

    agree(layer_norm, by_matrix, X[0])


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="unknown activation 'tanh'; known: relu, gelu"):
        feed_forward_matrix(jnp.ones((2, 2)), jnp.ones((2, 2)), jnp.ones(2), "tanh")
