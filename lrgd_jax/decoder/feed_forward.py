"""Feed-forward blocks: gated by an activation, a mixture of such, or two matrices with one between them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import Activation, DecoderConfig
from lrgd_jax.decoder.layer_weights import FeedForward, FeedForwardWeights, MixtureOfExperts, TwoMatrices
from lrgd_jax.precision import at_least_float32

__all__ = ["ACTIVATIONS", "affine", "expert_shares", "feed_forward", "swiglu"]

ACTIVATIONS: Mapping[Activation, Callable[[Float[Array, "*n"]], Float[Array, "*n"]]] = MappingProxyType(
    {
        "silu": jax.nn.silu,
        "gelu": lambda z: jax.nn.gelu(z, approximate=False),
        "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
        "quick_gelu": lambda z: z * jax.nn.sigmoid(jnp.asarray(1.702, z.dtype) * z),
        "relu": jax.nn.relu,
    }
)
"""The functions of a feed-forward block, by the names of `DecoderConfig.activation`."""


def feed_forward(config: DecoderConfig, weights: FeedForward, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    r"""The config's feed-forward block: gated, a mixture of such, or $W_2\,\mathrm{act}(W_1 x + b_1) + b_2$."""
    activation = ACTIVATIONS[config.activation]
    if isinstance(weights, MixtureOfExperts):
        shares = expert_shares(config.experts_per_token, weights.router, x, weights.router_bias)
        parts = [shares[:, i, None] * feed_forward(config, expert, x) for i, expert in enumerate(weights.experts)]
        return sum(parts[1:], parts[0])
    if isinstance(weights, TwoMatrices):
        inner = checkpoint_name(affine(weights.first, weights.first_bias, x), "hidden")
        return affine(weights.second, weights.second_bias, activation(inner))
    if config.activation == "silu":
        return swiglu(weights, x)
    gate = checkpoint_name(affine(weights.gate, weights.gate_bias, x), "hidden")
    up = checkpoint_name(affine(weights.up, weights.up_bias, x), "hidden")
    if config.swiglu_limit is not None:
        limit = jnp.asarray(config.swiglu_limit, x.dtype)
        gate, up = jnp.minimum(gate, limit), jnp.clip(up, -limit, limit) + 1
    return affine(weights.down, weights.down_bias, activation(gate) * up)


def expert_shares(
    k: int, router: Float[Array, "E m"], x: Float[Array, "n m"], bias: Float[Array, " E"] | None = None
) -> Float[Array, "n E"]:
    r"""How much of each expert a token passes: a softmax of the k largest entries of $W_{\rm router}\,x$, else nothing.

    Source: Jiang et al. 2024, arXiv 2401.04088, section 2.1.
    """
    logits = at_least_float32(affine(router, bias, x))
    largest, places = jax.lax.top_k(jax.lax.stop_gradient(logits), k)
    experts = jnp.arange(router.shape[0], dtype=places.dtype)
    chosen = jnp.any(places[:, :, None] == experts[None, None, :], axis=1)
    entries = jnp.where(chosen, jnp.exp(logits - largest[:, :1]), jnp.zeros((), logits.dtype))
    return (entries / jnp.sum(entries, axis=1, keepdims=True)).astype(x.dtype)


def swiglu(weights: FeedForwardWeights, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    r"""$W_{\rm down}\,(\mathrm{silu}(W_{\rm gate}\,x) \odot W_{\rm up}\,x)$, each matrix with its bias if it has one.

    Source: Shazeer 2020, arXiv 2002.05202, eq. 6.
    """
    gate = checkpoint_name(affine(weights.gate, weights.gate_bias, x), "hidden")
    up = checkpoint_name(affine(weights.up, weights.up_bias, x), "hidden")
    return affine(weights.down, weights.down_bias, jax.nn.silu(gate) * up)


def affine(matrix: Float[Array, "o i"], bias: Float[Array, " o"] | None, x: Float[Array, "n i"]) -> Float[Array, "n o"]:
    """Every row by a matrix, plus its bias if there is one."""
    product = jnp.einsum("ni,oi->no", x, matrix)
    return product if bias is None else product + bias[None, :]
