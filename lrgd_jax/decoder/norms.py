"""RMSNorm and LayerNorm of every token."""

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.precision import at_least_float32

__all__ = ["head_norm", "layer_norm", "normalise", "rms_norm"]


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


def normalise(
    config: DecoderConfig, gain: Float[Array, " m"] | None, bias: Float[Array, " m"] | None, x: Float[Array, "n m"]
) -> Float[Array, "n m"]:
    """The config's norm of every row; the rows themselves without a gain."""
    if gain is None:
        return x
    if config.norm == "rms":
        return rms_norm(gain, x, config.norm_epsilon)
    return layer_norm(gain, bias, x, config.norm_epsilon)


def head_norm(config: DecoderConfig, gain: Float[Array, "*h d"], x: Float[Array, "h n d"]) -> Float[Array, "h n d"]:
    """The config's norm of queries or keys: of each head, or of all heads of a token together.

    Args:
        config: the decoder.
        gain: of all heads, shape [d], or of each, shape [h, d].
        x: queries or keys, before they are rotated.

    Source: each head: Yang et al. 2025, arXiv 2505.09388, section 2; together: OLMo Team 2025, arXiv 2501.00656,
    section 3.2.
    """
    if config.query_key_norm_over == "head":
        axes = None if gain.ndim == 1 else 0, 0
        return jax.vmap(lambda gain, rows: normalise(config, gain, None, rows), in_axes=axes)(gain, x)
    h, n, d = x.shape
    normed = normalise(config, gain.reshape(h * d), None, x.swapaxes(0, 1).reshape(n, h * d))
    return normed.reshape(n, h, d).swapaxes(0, 1)
