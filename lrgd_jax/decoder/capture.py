"""What a decoder's heads see of a prompt: queries, keys, values and outputs of every layer, and their gradients."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.attention import Heads, attend_causally
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import gate_demonstrations
from lrgd_jax.decoder.forward import check_length, embed, norm_states, read_logits, run_layers
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["Capture", "capture", "output_gradients"]


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
    config = config.for_length(n)
    gates = gate_demonstrations(config, n, segments, rates)
    check_length(config, n)

    def attention(
        i: int, own: DecoderConfig, heads: Heads
    ) -> tuple[Float[Array, "h n dv"], tuple[Heads, Float[Array, "h n dv"]]]:
        outputs = attend_causally(own, heads, None if gates is None else gates.of_layer(i))
        outputs = outputs if nudges is None else outputs + nudges[i]
        return outputs, (heads, outputs)

    stream = run_layers(attention, params, config, embed(params, tokens), jnp.arange(n))
    queries, keys, values, outputs = (
        jnp.stack(x) for x in zip(*((*heads, o) for heads, o in stream.kept), strict=True)
    )
    logits = read_logits(params, config, norm_states(params, config, stream.last))
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

    def loss_with(nudges: Float[Array, "L h n dv"]) -> tuple[Float[Array, ""], Capture]:
        captured = capture(params, config, tokens, rates=rates, segments=segments, nudges=nudges)
        return loss(captured.logits), captured

    gradient, captured = jax.grad(loss_with, has_aux=True)(jnp.zeros(shape, params.embedding.dtype))
    return captured, gradient
