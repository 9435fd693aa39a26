"""What the heads of a decoder see of a prompt: queries, keys, values and outputs of every layer, and their gradients.

The forward pass is that of `lrgd_jax.decoder.apply`, with the attention of every layer handed in from outside: so it
can be recorded, nudged, or replaced by that of another model.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.blocks import normalised, post_norm, soft_cap
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import attend, feed_forward_sum, project_heads, read_out
from lrgd_jax.decoder.model import DecoderParams, check_length, embed, head
from lrgd_jax.decoder.worth import worth_of
from lrgd_jax.positions import visible

__all__ = ["Attention", "Capture", "apply_with", "capture", "output_gradients"]

Attention: TypeAlias = Callable[
    [int, DecoderConfig, Float[Array, "h n d"], Float[Array, "g n d"], Float[Array, "g n dv"]], Float[Array, "h n dv"]
]
"""(layer, its config, queries, keys, values) -> the outputs of the heads; queries and keys stand at their positions."""


@struct.dataclass
class Capture:
    """What every head of every layer sees and answers.

    Attributes:
        queries: rotated to their positions, shape [L, h, n, d].
        keys: likewise, shape [L, g, n, d]; head j reads group j // (h / g).
        values: shape [L, g, n, dv].
        outputs: of the heads, before the output projection, shape [L, h, n, dv].
        logits: of the token that follows each token, shape [n, vocab].
    """

    queries: Float[Array, "L h n d"]
    keys: Float[Array, "L g n d"]
    values: Float[Array, "L g n dv"]
    outputs: Float[Array, "L h n dv"]
    logits: Float[Array, "n vocab"]


def apply_with(
    attention: Attention, params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"]
) -> Float[Array, "n vocab"]:
    """The logits of a decoder whose heads attend as they are told.

    Args:
        attention: what the heads of a layer compute.
        params: of the decoder.
        config: the decoder.
        tokens: ids.

    Raises:
        ValueError: there are no tokens, or more than `config.context_length`.
    """
    n = tokens.shape[0]
    check_length(config, n)
    x = embed(params, tokens)
    for i, weights in enumerate(params.layers):
        own = config.of_layer(i)
        normed = normalised(own, weights.attention_norm, weights.attention_norm_bias, x)
        outputs = attention(i, own, *project_heads(weights.heads, own, normed, jnp.arange(n)))
        attended = post_norm(own, weights.attention_post_norm, read_out(weights.heads, outputs))
        x = feed_forward_sum(weights, own, x, attended)
    final = normalised(config, params.final_norm, params.final_norm_bias, x)
    return soft_cap(config.logit_soft_cap, head(params, final))


def capture(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    *,
    rates: Float[Array, "*of N"] | None = None,
    segments: Int[Array, " n"] | None = None,
    nudges: Float[Array, "L h n dv"] | None = None,
) -> Capture:
    """Reads a prompt and keeps what the heads see.

    Args:
        params: of the decoder.
        config: the decoder.
        tokens: ids.
        rates: learning rates of the demonstrations, as in `lrgd_jax.decoder.apply`.
        segments: of each token, where there are rates.
        nudges: added to the outputs of the heads.

    Raises:
        ValueError: as for `lrgd_jax.decoder.apply`.
    """
    n = tokens.shape[0]
    worth = worth_of(config, n, segments, rates)
    seen: list[tuple[Array, ...]] = []

    def attention(i: int, own: DecoderConfig, queries: Array, keys: Array, values: Array) -> Array:
        mask = visible(n, n, causal=True, window=own.window)
        outputs = attend(own, queries, keys, values, mask, None if worth is None else worth.of_layer(i))
        outputs = outputs if nudges is None else outputs + nudges[i]
        seen.append((queries, keys, values, outputs))
        return outputs

    logits = apply_with(attention, params, config, tokens)
    queries, keys, values, outputs = (jnp.stack(parts) for parts in zip(*seen, strict=True))
    return Capture(queries, keys, values, outputs, logits)


def output_gradients(
    loss: Callable[[Float[Array, "n vocab"]], Float[Array, ""]],
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    *,
    rates: Float[Array, "*of N"] | None = None,
    segments: Int[Array, " n"] | None = None,
) -> tuple[Capture, Float[Array, "L h n dv"]]:
    r"""What the heads see, and $\partial\ell/\partial o$: the gradient of a loss of the logits in every head's output.

    Args:
        loss: of the logits.
        params: of the decoder.
        config: the decoder.
        tokens: ids.
        rates: one learning rate a demonstration.
        segments: of each token, where there are rates.
    """
    shape = (config.layers, config.heads, tokens.shape[0], config.head_width)

    def nudged(nudges: Float[Array, "L h n dv"]) -> tuple[Float[Array, ""], Capture]:
        found = capture(params, config, tokens, rates=rates, segments=segments, nudges=nudges)
        return loss(found.logits), found

    gradient, found = jax.grad(nudged, has_aux=True)(jnp.zeros(shape, params.embedding.dtype))
    return found, gradient
