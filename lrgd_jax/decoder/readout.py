r"""State-dependent linear readouts: what norms and feed-forward blocks are to the dual model below them.

A block F that is no linear map still acts on a given x as one, $F(x) = A(x)\,x$ exactly. So the prediction
$x = W_1\phi(q)$ of a dual model is read out linearly, $F(x) = A(x)\,W_1\phi(q)$: one step on the targets $v_i$, read
out by A(x), is one step on the targets $A(x)\,v_i$. Biases become a last column of A that reads $[x; 1]$.

Each readout comes as diagonal gates, which suffice to apply it, and as the matrix.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layer_weights import FeedForward, FeedForwardWeights, MixtureOfExperts, TwoMatrices
from lrgd_jax.precision import at_least_float32

__all__ = [
    "GATES",
    "apply_feed_forward",
    "apply_layer_norm",
    "apply_norm",
    "apply_rms_norm",
    "augment",
    "feed_forward_matrix",
    "gated_feed_forward_matrix",
    "layer_norm_matrix",
    "rms_gates",
    "rms_norm_matrix",
]


def _gelu_gate(z: Float[Array, "*n"]) -> Float[Array, "*n"]:
    return jax.lax.erfc(-z * jnp.asarray(0.5**0.5, z.dtype)) / 2


def _gelu_tanh_gate(z: Float[Array, "*n"]) -> Float[Array, "*n"]:
    inner = jnp.asarray(math.sqrt(2 / math.pi), z.dtype) * (z + jnp.asarray(0.044715, z.dtype) * z * z * z)
    return (1 + jnp.tanh(inner)) / 2


GATES: Mapping[str, Callable[[Float[Array, "*n"]], Float[Array, "*n"]]] = MappingProxyType(
    {
        "relu": lambda z: (z > 0).astype(z.dtype),
        "gelu": _gelu_gate,
        "gelu_tanh": _gelu_tanh_gate,
        "quick_gelu": lambda z: jax.lax.logistic(jnp.asarray(1.702, z.dtype) * z),
        "silu": jax.lax.logistic,
    }
)
r"""gate(z) = act(z) / z of each activation, continued by its limit at 0 (ReLU: by 0).

ReLU: the indicator of z > 0; GELU: the normal distribution function $\Phi(z)$, Hendrycks & Gimpel 2016, arXiv
1606.08415; its tanh approximation likewise; SiLU: the logistic function, QuickGELU: of 1.702 z.
"""


def augment(x: Float[Array, " m"]) -> Float[Array, " m_1"]:
    """[x; 1], which the matrices of blocks with biases read."""
    return jnp.concatenate([x, jnp.ones(1, x.dtype)])


def feed_forward_matrix(
    first: Float[Array, "f m"],
    second: Float[Array, "o f"],
    x: Float[Array, " m"],
    activation: str,
    first_bias: Float[Array, " f"] | None = None,
    second_bias: Float[Array, " o"] | None = None,
) -> Float[Array, "o _"]:
    r"""A(x) of a two-layer block: $W_2\,\mathrm{act}(W_1 x) = A(x)\,x$.

    $$A(x) = W_2\,\mathrm{diag}(\mathrm{gate}(W_1 x))\,W_1$$

    Args:
        first: W_1.
        second: W_2.
        x: the state.
        activation: a key of `GATES`.
        first_bias: added to W_1 x.
        second_bias: added to the output.

    Returns:
        A(x), shape [o, m]; with a bias [o, m + 1], which reads [x; 1].

    Raises:
        ValueError: the activation is unknown.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import feed_forward_matrix
        >>> x = jnp.array([1.0, -2.0])
        >>> (feed_forward_matrix(jnp.eye(2), jnp.eye(2), x, "relu") @ x).tolist()
        [1.0, 0.0]
    """
    if activation not in GATES:
        raise ValueError(f"unknown activation {activation!r}; known: {', '.join(GATES)}")
    inner = first @ x if first_bias is None else first @ x + first_bias
    return _sandwich(second, GATES[activation](inner), first, first_bias, second_bias)


def gated_feed_forward_matrix(
    weights: FeedForwardWeights, x: Float[Array, " m"], activation: str = "silu"
) -> Float[Array, "m _"]:
    r"""A(x) of a gated block, $A(x) = W_{\rm down}\,\mathrm{diag}(\mathrm{act}(W_{\rm gate}\,x))\,W_{\rm up}$.

    Args:
        weights: of the block.
        x: the state.
        activation: a key of `GATES`.

    Returns:
        A(x), shape [m, m]; with a bias of W_up or W_down [m, m + 1], which reads [x; 1].

    Examples:
        >>> import jax
        >>> from lrgd_jax.decoder import gated_feed_forward_matrix, tiny_decoder
        >>> block = tiny_decoder().params.layers[0].feed_forward
        >>> gated_feed_forward_matrix(block, jax.numpy.ones(8)).shape
        (8, 8)
    """
    gates = _activated_gates(weights, x[None], activation)[0]
    return _sandwich(weights.down, gates, weights.up, weights.up_bias, weights.down_bias)


def _sandwich(
    outer: Float[Array, "o f"],
    gates: Float[Array, " f"],
    inner: Float[Array, "f m"],
    inner_bias: Float[Array, " f"] | None,
    outer_bias: Float[Array, " o"] | None,
) -> Float[Array, "o _"]:
    """Outer diag(gates) inner, and the column of the biases if there is one."""
    matrix = (outer * gates[None, :]) @ inner
    if inner_bias is None and outer_bias is None:
        return matrix
    column = jnp.zeros(outer.shape[0], outer.dtype) if outer_bias is None else outer_bias
    if inner_bias is not None:
        column = column + outer @ (gates * inner_bias)
    return jnp.concatenate([matrix, column[:, None]], axis=1)


def apply_feed_forward(
    weights: FeedForward,
    x: Float[Array, "n m"],
    activation: str = "silu",
    experts_per_token: int = 1,
    limit: float | None = None,
) -> Float[Array, "n m"]:
    r"""$A(x)\,x$ of a feed-forward block for every row, without building A.

    Of a mixture of experts, $A(x) = \sum_e g_e(x)\,A_e(x)$: which experts a token passes depends on the state alone.
    With a limit, whether an entry of $W_{\rm up}\,x$ is cut does, too; a cut entry and the one that is added go into
    the column of A that reads the 1 of [x; 1].

    Args:
        weights: of the block, gated or not, or of a mixture.
        x: the states.
        activation: a key of `GATES`.
        experts_per_token: how many experts of a mixture each token passes.
        limit: L, as `DecoderConfig.swiglu_limit`.

    Returns:
        What the block returns, shape [n, m].

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply_feed_forward, gated_feed_forward_matrix, tiny_decoder
        >>> block, x = tiny_decoder().params.layers[0].feed_forward, jnp.arange(8.0)
        >>> apart = apply_feed_forward(block, x[None])[0] - gated_feed_forward_matrix(block, x) @ x
        >>> bool(jnp.max(jnp.abs(apart)) < 1e-4)
        True
    """
    if isinstance(weights, MixtureOfExperts):
        shares = _expert_shares(weights.router, weights.router_bias, x, experts_per_token)
        blocks = jnp.stack([apply_feed_forward(expert, x, activation, limit=limit) for expert in weights.experts])
        return jnp.einsum("ne,enm->nm", shares, blocks)
    if isinstance(weights, TwoMatrices):
        inner = _inner(weights.first, weights.first_bias, x)
        down, bias = jnp.einsum("mf,nf->nm", weights.second, GATES[activation](inner) * inner), weights.second_bias
    else:
        gates = _activated_gates(weights, x, activation, limit)
        up = _cut(_inner(weights.up, weights.up_bias, x), limit)
        down, bias = jnp.einsum("mf,nf->nm", weights.down, gates * up), weights.down_bias
    return down if bias is None else down + bias[None, :]


def _cut(up: Float[Array, "n f"], limit: float | None) -> Float[Array, "n f"]:
    """One more than every entry, which is cut at both ends; without a limit the entries themselves."""
    if limit is None:
        return up
    most = jnp.asarray(limit, up.dtype)
    return 1 + jnp.where(up > most, most, jnp.where(up < -most, -most, up))


def _expert_shares(
    router: Float[Array, "E m"], bias: Float[Array, " E"] | None, x: Float[Array, "n m"], k: int
) -> Float[Array, "n E"]:
    product = jnp.einsum("em,nm->ne", router, x)
    logits = at_least_float32(product if bias is None else product + bias[None, :])
    # the place of each expert in their order; of equal ones, the first comes first
    ranks = jnp.argsort(jnp.argsort(-logits, axis=1, stable=True), axis=1)
    entries = jnp.where(ranks < k, jnp.exp(logits - jnp.max(logits, axis=1, keepdims=True)), 0)
    return (entries / jnp.sum(entries, axis=1, keepdims=True)).astype(x.dtype)


def _activated_gates(
    weights: FeedForwardWeights, x: Float[Array, "n m"], activation: str, limit: float | None = None
) -> Float[Array, "n f"]:
    inner = _inner(weights.gate, weights.gate_bias, x)
    if limit is not None:
        most = jnp.asarray(limit, inner.dtype)
        inner = jnp.where(inner > most, most, inner)
    return inner * GATES[activation](inner)


def _inner(matrix: Float[Array, "f m"], bias: Float[Array, " f"] | None, x: Float[Array, "n m"]) -> Float[Array, "n f"]:
    inner = jnp.einsum("fm,nm->nf", matrix, x)
    return checkpoint_name(inner if bias is None else inner + bias[None, :], "hidden")


def rms_gates(gain: Float[Array, " m"], x: Float[Array, " m"], epsilon: float) -> Float[Array, " m"]:
    r"""The diagonal of R(x), $g / \sqrt{\tfrac1m\|x\|^2 + \epsilon}$."""
    wide = at_least_float32(x)
    root = jnp.sqrt(jnp.vdot(wide, wide) / wide.shape[0] + jnp.asarray(epsilon, wide.dtype))
    return (gain.astype(wide.dtype) / root).astype(x.dtype)


def rms_norm_matrix(gain: Float[Array, " m"], x: Float[Array, " m"], epsilon: float) -> Float[Array, "m m"]:
    r"""R(x) with RMSNorm(x) = R(x) x, $R(x) = \mathrm{diag}(g) / \mathrm{rms}(x)$.

    Args:
        gain: g.
        x: the state.
        epsilon: added to the mean square under the root.

    Source: Zhang & Sennrich 2019, arXiv 1910.07467, eq. 4.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import rms_norm_matrix
        >>> x = jnp.array([2.0, 2.0])
        >>> (rms_norm_matrix(jnp.ones(2), x, epsilon=0.0) @ x).tolist()
        [1.0, 1.0]
    """
    return jnp.diag(rms_gates(gain, x, epsilon))


def apply_rms_norm(gain: Float[Array, " m"], x: Float[Array, "n m"], epsilon: float) -> Float[Array, "n m"]:
    r"""$R(x)\,x$ for every row, without building R: the RMSNorm of `rms_norm_matrix`.

    Args:
        gain: g.
        x: the states.
        epsilon: added to the mean square under the root.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply_rms_norm
        >>> apply_rms_norm(jnp.ones(2), jnp.array([[2.0, 2.0], [3.0, -3.0]]), epsilon=0.0).tolist()
        [[1.0, 1.0], [1.0, -1.0]]
    """
    return checkpoint_name(jax.vmap(lambda row: rms_gates(gain, row, epsilon))(x) * x, "normed")


def apply_layer_norm(
    gain: Float[Array, " m"], bias: Float[Array, " m"] | None, x: Float[Array, "n m"], epsilon: float
) -> Float[Array, "n m"]:
    """L(x) [x; 1] for every row, without building L: centred, then by one gate a coordinate."""

    def one_row(row: Float[Array, " m"]) -> Float[Array, " m"]:
        wide = at_least_float32(row)
        m = wide.shape[0]
        centred = wide - jnp.vdot(jnp.ones(m, wide.dtype), wide) / m
        deviation = jnp.sqrt(jnp.vdot(centred, centred) / m + jnp.asarray(epsilon, wide.dtype))
        normed = (gain.astype(wide.dtype) / deviation * centred).astype(row.dtype)
        return normed if bias is None else normed + bias

    return checkpoint_name(jax.vmap(one_row)(x), "normed")


def apply_norm(
    config: DecoderConfig, gain: Float[Array, " m"] | None, bias: Float[Array, " m"] | None, x: Float[Array, "n m"]
) -> Float[Array, "n m"]:
    r"""The readout of the config's norm for every row, $R(x)\,x$ or $L(x)\,[x; 1]$; without a gain, x.

    Args:
        config: whose `norm` and `norm_epsilon` are taken.
        gain: g, or None where there is no norm.
        bias: b, of a LayerNorm, or None.
        x: the states.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import apply_norm, tiny_decoder
        >>> config = tiny_decoder(norm="layer").config
        >>> apply_norm(config, jnp.ones(8), jnp.zeros(8), jnp.ones((1, 8))).tolist()  # LayerNorm of a constant
        [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    if gain is None:
        return x
    if config.norm == "layer":
        return apply_layer_norm(gain, bias, x, config.norm_epsilon)
    return apply_rms_norm(gain, x, config.norm_epsilon)


def layer_norm_matrix(
    gain: Float[Array, " m"], x: Float[Array, " m"], epsilon: float, bias: Float[Array, " m"] | None = None
) -> Float[Array, "m _"]:
    r"""L(x) with LayerNorm(x) = L(x) x, $L(x) = \mathrm{diag}(g)\,(I - \tfrac1m 11^\top) / \mathrm{sd}(x)$.

    Args:
        gain: g.
        x: the state.
        epsilon: added to the variance under the root.
        bias: b, or None.

    Returns:
        L(x), shape [m, m]; with a bias [m, m + 1], which reads [x; 1].

    Source: Ba et al. 2016, arXiv 1607.06450, eq. 3; the matrix: Brody et al. 2023, arXiv 2305.02582.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import layer_norm_matrix
        >>> x = jnp.array([1.0, 3.0])
        >>> (layer_norm_matrix(jnp.ones(2), x, epsilon=0.0) @ x).tolist()
        [-1.0, 1.0]
    """
    m = x.shape[0]
    centring = jnp.eye(m, dtype=x.dtype) - jnp.ones((m, m), x.dtype) / m
    centred = centring @ x
    deviation = jnp.sqrt(jnp.vdot(centred, centred) / m + jnp.asarray(epsilon, x.dtype))
    matrix = (gain[:, None] * centring) / deviation
    return matrix if bias is None else jnp.concatenate([matrix, bias[:, None]], axis=1)
