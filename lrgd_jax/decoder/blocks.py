"""What a layer does to each token by itself: norms, feed-forward blocks, soft caps."""

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.weights import FeedForwardWeights, TwoMatrices

__all__ = [
    "affine",
    "at_least_float32",
    "feed_forward",
    "layer_norm",
    "normalised",
    "post_norm",
    "rms_norm",
    "soft_cap",
    "swiglu",
]

ACTIVATIONS = {
    "silu": jax.nn.silu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "relu": jax.nn.relu,
}


def at_least_float32(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Widens bfloat16 and float16, in which a norm or an angle would lose its meaning."""
    return x.astype(jnp.float32) if jnp.finfo(x.dtype).bits < 32 else x


def rms_norm(gain: Float[Array, " m"], x: Float[Array, "n m"], epsilon: float) -> Float[Array, "n m"]:
    r"""$\mathrm{RMSNorm}(x) = g \odot x / \sqrt{\tfrac1m\sum_j x_j^2 + \epsilon}$, at least in float32.

    Source: Zhang & Sennrich 2019, arXiv 1910.07467, eq. 4; epsilon as in Touvron et al. 2023, arXiv 2302.13971.
    """
    wide = at_least_float32(x)
    mean_square = jnp.mean(wide * wide, axis=-1, keepdims=True)
    scaled = wide * jax.lax.rsqrt(mean_square + jnp.asarray(epsilon, wide.dtype))
    return checkpoint_name(gain[None, :] * scaled.astype(x.dtype), "normed")


def layer_norm(
    gain: Float[Array, " m"], bias: Float[Array, " m"] | None, x: Float[Array, "n m"], epsilon: float
) -> Float[Array, "n m"]:
    r"""$\mathrm{LayerNorm}(x) = g \odot (x - \bar x) / \sqrt{\tfrac1m\sum_j (x_j - \bar x)^2 + \epsilon} + b$.

    Source: Ba et al. 2016, arXiv 1607.06450, eq. 3; at least in float32.
    """
    wide = at_least_float32(x)
    centred = wide - jnp.mean(wide, axis=-1, keepdims=True)
    variance = jnp.mean(centred * centred, axis=-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt(variance + jnp.asarray(epsilon, wide.dtype))
    normed = gain[None, :] * scaled.astype(x.dtype)
    return checkpoint_name(normed if bias is None else normed + bias[None, :], "normed")


def normalised(
    config: DecoderConfig, gain: Float[Array, " m"], bias: Float[Array, " m"] | None, x: Float[Array, "n m"]
) -> Float[Array, "n m"]:
    """The config's norm of every row."""
    if config.norm == "rms":
        return rms_norm(gain, x, config.norm_epsilon)
    return layer_norm(gain, bias, x, config.norm_epsilon)


def soft_cap(cap: float | None, logits: Float[Array, "n k"]) -> Float[Array, "n k"]:
    r"""$c\tanh(\ell/c)$, which stays within $\pm c$; the logits themselves without a cap.

    Source: Gemma Team 2024, arXiv 2408.00118, section 2.
    """
    if cap is None:
        return logits
    c = jnp.asarray(cap, logits.dtype)
    return c * jnp.tanh(logits / c)


def feed_forward(
    config: DecoderConfig, weights: FeedForwardWeights | TwoMatrices, x: Float[Array, "n m"]
) -> Float[Array, "n m"]:
    r"""The config's feed-forward block: gated, or $W_2\,\mathrm{act}(W_1 x + b_1) + b_2$."""
    activation = ACTIVATIONS[config.activation]
    if isinstance(weights, TwoMatrices):
        inner = checkpoint_name(affine(weights.first, weights.first_bias, x), "hidden")
        return affine(weights.second, weights.second_bias, activation(inner))
    if config.activation == "silu":
        return swiglu(weights, x)
    gate = checkpoint_name(affine(weights.gate, weights.gate_bias, x), "hidden")
    up = checkpoint_name(affine(weights.up, weights.up_bias, x), "hidden")
    return affine(weights.down, weights.down_bias, activation(gate) * up)


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


def post_norm(config: DecoderConfig, gain: Float[Array, " m"] | None, x: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """The RMSNorm of what a block adds to the residual stream; the thing itself without a gain."""
    return x if gain is None else rms_norm(gain, x, config.norm_epsilon)
