"""Feed-forward blocks and norms act on each state as a linear map, which reads the dual out."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant, alter, alter_results
from lrgd_jax.decoder import FeedForwardWeights, readout
from lrgd_jax.decoder.feed_forward import swiglu
from lrgd_jax.decoder.norms import rms_norm
from lrgd_jax.dual import DualModel

EPSILON = 2.0**-10
ACTIVATIONS = {
    "relu": jax.nn.relu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "silu": jax.nn.silu,
}
SLOPES = {name: jax.vmap(jax.grad(activation)) for name, activation in ACTIVATIONS.items()}


def one_unit_switched_off(first, x):
    """The first hidden unit reads exactly zero: the limit of gate(z) = act(z) / z is needed."""
    return {"first": first.at[0].set(0)}


def blocks(x, first, second, gate, gain, bias, query, keys, values):
    outputs = {name: second @ activation(first @ x) for name, activation in ACTIVATIONS.items()}
    variance = jnp.mean((x - jnp.mean(x)) ** 2)
    state = linear_attention(query[None], keys, values)[0]
    return outputs | {
        "swiglu": swiglu(FeedForwardWeights(gate, first, second), x[None])[0],
        "rms norm": rms_norm(gain, x[None], EPSILON)[0],
        "layer norm": gain * (x - jnp.mean(x)) / jnp.sqrt(variance + EPSILON) + bias,
        "targets A v": swiglu(FeedForwardWeights(gate, first, second), state[None])[0],
    }


def readouts(
    x,
    first,
    second,
    gate,
    gain,
    bias,
    query,
    keys,
    values,
    *,
    gates=readout.GATES,
    state_of_gate=lambda state, x: state,
):
    def matrix(name, z):
        return (second * gates[name](first @ z)[None, :]) @ first

    library = {name: readout.feed_forward_matrix(first, second, x, name) for name in ACTIVATIONS}
    matrices = library if gates is readout.GATES else {name: matrix(name, x) for name in ACTIVATIONS}
    weights = FeedForwardWeights(gate, first, second)
    # the state is the prediction of a dual trained on v; the readout of that state turns its targets into A v
    dual = DualModel.untrained(keys, values)
    state = dual.predict(dual.train(), query[None])[0]
    at_state = readout.gated_feed_forward_matrix(weights, state_of_gate(state, x))
    read = DualModel.untrained(keys, values @ at_state.T)
    return {name: a @ x for name, a in matrices.items()} | {
        "swiglu": readout.gated_feed_forward_matrix(weights, x) @ x,
        "rms norm": readout.rms_norm_matrix(gain, x, EPSILON) @ x,
        "layer norm": readout.layer_norm_matrix(gain, x, EPSILON, bias) @ readout.augment(x),
        "targets A v": read.predict(read.train(), query[None])[0],
    }


def norm_without_epsilon(x, gain):
    return readout.rms_norm_matrix(gain, x, 0.0) @ x


claim = Claim(
    slug="feed-forward-readout",
    title="Feed-forward blocks and norms read the dual out linearly, at each state",
    group="A",
    statement=r"""
For $F(x) = W_2\,\mathrm{act}(W_1x)$ with $\mathrm{gate}(z) = \mathrm{act}(z)/z$ (ReLU, GELU, SiLU), and for SwiGLU,
$$F(x) = A(x)\,x,\qquad A(x) = W_2\,\mathrm{diag}(\mathrm{gate}(W_1x))\,W_1,\qquad
A(x) = W_{\rm down}\,\mathrm{diag}(\mathrm{silu}(W_{\rm gate}x))\,W_{\rm up};$$
RMSNorm and LayerNorm likewise. So if $x = W_1\phi(q)$ is a dual's prediction from targets $v_i$, then $F(x)$ is the
prediction of the dual with targets $A(x)\,v_i$.
""",
    assumptions=(
        "$\\mathrm{act}(0) = 0$; gate(0) is the limit (any value serves: it multiplies 0)",
        "biases are read from $[x; 1]$",
    ),
    proof=r"""
$\mathrm{act}(z) = \mathrm{gate}(z)\,z$ for every $z$, hence $W_2\,\mathrm{act}(W_1x) = W_2\,\mathrm{diag}(\mathrm{gate}(W_1x))W_1x$.
SwiGLU is $W_{\rm down}(\mathrm{silu}(W_{\rm gate}x)\odot W_{\rm up}x)$: the same with other gates. RMSNorm divides $x$ by a
number that depends on $x$, LayerNorm after centring, which is the matrix $I - \frac1m11^\top$. For the last sentence:
$A\sum_i v_i\phi(k_i)^\top\phi(q) = \sum_i (Av_i)\phi(k_i)^\top\phi(q)$ for the fixed matrix $A = A(x)$. $\square$

$A$ depends on the state, the demonstrations included: the readout is linear at a state, not in the demonstrations.
""",
    source="the factorisation is elementary; norms as matrices: Brody et al. 2023, arXiv 2305.02582",
    arguments={
        "x": "m",
        "first": "f m",
        "second": "m f",
        "gate": "f m",
        "gain": "m",
        "bias": "m",
        "query": "d",
        "keys": "n d",
        "values": "n m",
    },
    dimensions={"n": (1, 4), "d": (1, 3), "m": (2, 4), "f": (1, 5)},
    shapes=({"n": 4, "d": 3, "m": 3, "f": 5}, {"n": 1, "d": 2, "m": 4, "f": 2}),
    given=one_unit_switched_off,
    left=blocks,
    right=readouts,
    mutants=(
        Mutant("the derivative of the activation in place of its gate", alter(readouts, gates=SLOPES)),
        Mutant("gates of another state", alter(readouts, state_of_gate=lambda state, x: x)),
        Mutant("the norm lacks its epsilon", alter_results(readouts, {"rms norm": norm_without_epsilon})),
    ),
)
