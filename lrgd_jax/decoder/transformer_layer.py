"""One pre-norm layer around any attention: a norm, heads, a feed-forward block, residual sums; by default Llama's.

The residual stream is marked "residual" by `jax.ad_checkpoint.checkpoint_name`, as a cut point for
`lrgd_jax.certify.adjoint_bound`; so are norms ("normed"), heads ("heads", "attended") and the feed-forward block
("hidden"). The marks compute nothing.
"""

from collections.abc import Callable
from typing import TypeVar

import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.attention import Heads, attend_causally, project_heads, read_out
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.feed_forward import feed_forward
from lrgd_jax.decoder.layer_weights import LayerWeights
from lrgd_jax.decoder.norms import normalise

__all__ = ["layer", "layer_around"]

Kept = TypeVar("Kept")


def layer_around(
    attention: Callable[[Heads], tuple[Float[Array, "h t dv"], Kept]],
    weights: LayerWeights,
    config: DecoderConfig,
    x: Float[Array, "t m"],
    positions: Int[Array, " t"],
) -> tuple[Float[Array, "t m"], Kept]:
    r"""$x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x))$, then $x \leftarrow x + \mathrm{FFN}(\mathrm{Norm}(x))$.

    In a parallel layer both read x: $x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}_1(x)) +
    \mathrm{FFN}(\mathrm{Norm}_2(x))$. Without pre-norms they read x itself; with post-norms, what is added is normed
    first; and it is multiplied by the config's residual multiplier.

    Args:
        attention: from queries, keys and values at their positions to the outputs of the heads, and what is to be kept.
        weights: of the layer.
        config: of the layer.
        x: the residual stream before it.
        positions: of the tokens.

    Returns:
        The residual stream after the layer, and what attention kept.

    Source: Touvron et al. 2023, arXiv 2302.13971, section 2.2; parallel: Black et al. 2022, arXiv 2204.06745,
    section 2.1; post-norms: Gemma Team 2024, arXiv 2408.00118, section 2, and, alone, OLMo Team 2025, arXiv 2501.00656,
    section 3.2.
    """
    normed = normalise(config, weights.attention_norm, weights.attention_norm_bias, x)
    outputs, kept = attention(project_heads(weights.heads, config, normed, positions))
    attended = _addend(config, weights.attention_post_norm, read_out(weights.heads, outputs))
    after = checkpoint_name(x + attended, "residual")
    read = x if config.parallel_residual else after
    normed = normalise(config, weights.feed_forward_norm, weights.feed_forward_norm_bias, read)
    added = _addend(config, weights.feed_forward_post_norm, feed_forward(config, weights.feed_forward, normed))
    return checkpoint_name(after + added, "residual"), kept


def _addend(config: DecoderConfig, gain: Float[Array, " m"] | None, x: Float[Array, "t m"]) -> Float[Array, "t m"]:
    """What a block adds to the residual stream: what it returns, normed and multiplied as the config says."""
    normed = normalise(config, gain, None, x)
    return normed if config.residual_multiplier == 1 else normed * jnp.asarray(config.residual_multiplier, x.dtype)


def layer(
    weights: LayerWeights, config: DecoderConfig, x: Float[Array, "n m"], gates: DemonstrationGates | None = None
) -> Float[Array, "n m"]:
    """`layer_around` causal attention among tokens at positions 0, 1, …

    Args:
        weights: of the layer.
        config: of the layer.
        x: the residual stream before it.
        gates: of the demonstrations in this layer; the plain layer unless given.

    Raises:
        ValueError: the config's layers differ, so that it describes none of them.

    Examples:
        >>> from lrgd_jax.decoder import embed, layer, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> layer(params.layers[0], config, embed(params, tokens)).shape
        (5, 8)
    """
    config.check_one_layer()

    def attention(heads: Heads) -> tuple[Float[Array, "h n dv"], None]:
        return attend_causally(config, heads, gates), None

    return layer_around(attention, weights, config, x, jnp.arange(x.shape[0]))[0]
