"""Greedy generation: softmax attention with a cache of keys and values, linear attention with a recurrent state."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrgd_jax.decoder.cache import empty_cache, read_tokens
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates, gate_demonstrations
from lrgd_jax.decoder.forward import check_length
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["generate"]


def generate(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    steps: int,
    *,
    stop: int | None = None,
    rates: Float[Array, "*of_rates N"] | None = None,
    contributions: Float[Array, "*of_gates N"] | None = None,
    segments: Int[Array, " n"] | None = None,
) -> Int[Array, " steps"]:
    """The greedy continuation: at each step the token with the largest logit, the first one where several tie.

    Args:
        params: of the decoder.
        config: the decoder.
        tokens: the prompt.
        steps: number of tokens to generate.
        stop: a token, such as one of `config.eos`; after it only `stop` follows, and no more work is done.
        rates: of the prompt's demonstrations, as `lrgd_jax.decoder.apply` takes them; what is generated belongs to
            the query.
        contributions: gates of the same shapes.
        segments: of the prompt's tokens, where there are rates or contributions.

    Returns:
        The generated tokens, without the prompt.

    Raises:
        ValueError: the prompt is empty, `steps` is less than one, or prompt and steps do not fit the context; or
            rates, contributions and segments do not fit each other or the decoder.

    Examples:
        >>> from lrgd_jax.decoder import generate, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> generate(params, config, tokens, steps=3).shape
        (3,)
    """
    n = tokens.shape[0]
    config = config.for_length(n)
    check_length(config, n)
    outside = tokens[(tokens < 0) | (tokens >= config.vocab_size)]
    if outside.size:
        raise ValueError(f"generate: token {outside[0]} is outside the vocabulary of {config.vocab_size} tokens")
    if steps < 1:
        raise ValueError(f"generate: steps must be at least 1, got {steps}")
    context = (config if config.beyond is None else config.beyond).context_length
    if n + steps > context:
        raise ValueError(
            f"a prompt of {n} tokens and {steps} steps make {n + steps} tokens: the model's context holds "
            f"{context}; shorten the prompt or generate at most {context - n} tokens"
        )
    gates = gate_demonstrations(config, n, segments, rates, contributions)
    # where what is written outgrows the first context, all of it is read anew as a longer text
    first = steps if config.beyond is None else min(steps, config.context_length - n + 1)
    written = _generate(params, config, tokens, first, stop, None if gates is None else gates.followed_by(first))
    if first == steps:
        return written
    if stop is not None and int(written[-1]) == stop:
        return jnp.concatenate([written, jnp.full(steps - first, stop, written.dtype)])
    longer = None if gates is None else gates.followed_by(first).segments
    rest = generate(
        params,
        config,
        jnp.concatenate([tokens, written]),
        steps - first,
        stop=stop,
        rates=rates,
        contributions=contributions,
        segments=longer,
    )
    return jnp.concatenate([written, rest])


@partial(jax.jit, static_argnames=("config", "steps", "stop"))
def _generate(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    steps: int,
    stop: int | None,
    gates: DemonstrationGates | None,
) -> Int[Array, " steps"]:
    empty = empty_cache(config, tokens.shape[0] + steps, params.embedding.dtype, keys=gates is not None)
    logits, cache = read_tokens(params, config, empty, tokens, gates)
    first = jnp.argmax(logits).astype(tokens.dtype)
    filling = jnp.asarray(0 if stop is None else stop, tokens.dtype)
    written = jnp.full((steps,), filling).at[0].set(first)

    def going(carry) -> Array:
        step, token, _, _ = carry
        return (step < steps) if stop is None else (step < steps) & (token != filling)

    def one_step(carry):
        step, token, written, cache = carry
        logits, cache = read_tokens(params, config, cache, token[None], gates)
        token = jnp.argmax(logits).astype(written.dtype)
        return step + 1, token, written.at[step].set(token), cache

    _, _, written, _ = jax.lax.while_loop(going, one_step, (jnp.asarray(1), first, written, cache))
    return written
