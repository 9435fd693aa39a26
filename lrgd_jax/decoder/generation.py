"""Greedy generation: softmax attention with a cache of keys and values, linear attention with a recurrent state."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.linear import LinearState, recurrent_linear_attention
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layers import (
    LayerWeights,
    attend,
    feed_forward_sum,
    normalised,
    post_norm,
    project_heads,
    read_out,
    soft_cap,
)
from lrgd_jax.decoder.model import DecoderParams, check_length, embed, head
from lrgd_jax.features import elu_plus_one

__all__ = ["Cache", "KeyValues", "Memory", "empty_cache", "generate", "read"]


class KeyValues(NamedTuple):
    """Keys and values of one layer; rows of tokens that have not come yet are zero.

    Attributes:
        keys: rotated, shape [g, size, d].
        values: shape [g, size, d].
    """

    keys: Float[Array, "g size d"]
    values: Float[Array, "g size d"]


Memory: TypeAlias = KeyValues | LinearState
"""What one layer keeps of the past; a `LinearState` has a leading axis for the key-value heads."""


class Cache(NamedTuple):
    """What generation keeps of the tokens it has read.

    Attributes:
        memories: one a layer.
        length: number of tokens read.
    """

    memories: tuple[Memory, ...]
    length: Int[Array, ""]


def empty_cache(config: DecoderConfig, size: int, dtype: jax.typing.DTypeLike) -> Cache:
    """The cache before the first token: room for `size` tokens, or states of a fixed size."""
    g, d = config.kv_heads, config.head_width
    if config.attention == "softmax":
        memory: Memory = KeyValues(jnp.zeros((g, size, d), dtype), jnp.zeros((g, size, d), dtype))
    else:
        empty = LinearState.empty(d, d, dtype)
        memory = LinearState(*(jnp.broadcast_to(x, (g, *x.shape)) for x in empty))
    return Cache((memory,) * config.layers, jnp.zeros((), jnp.int32))


def read(
    params: DecoderParams, config: DecoderConfig, cache: Cache, tokens: Int[Array, " n"]
) -> tuple[Float[Array, " vocab"], Cache]:
    """Reads tokens that follow those in the cache.

    Returns:
        The logits of the token that follows the last one, and the cache with the tokens in it.
    """
    positions = cache.length + jnp.arange(tokens.shape[0], dtype=cache.length.dtype)
    remember = _remember_keys if config.attention == "softmax" else _remember_state
    x, memories = embed(params, tokens, cache.length), []
    for i, (weights, memory) in enumerate(zip(params.layers, cache.memories, strict=True)):
        x, memory = _layer(weights, config.of_layer(i), x, positions, memory, remember)
        memories.append(memory)
    last = normalised(config, params.final_norm, params.final_norm_bias, x[-1:])
    return soft_cap(config.logit_soft_cap, head(params, last))[0], Cache(
        tuple(memories), cache.length + tokens.shape[0]
    )


def _layer(
    weights: LayerWeights,
    config: DecoderConfig,
    x: Float[Array, "n m"],
    positions: Int[Array, " n"],
    memory: Memory,
    remember: Callable,
) -> tuple[Float[Array, "n m"], Memory]:
    normed = normalised(config, weights.attention_norm, weights.attention_norm_bias, x)
    queries, keys, values = project_heads(weights.heads, config, normed, positions)
    outputs, memory = remember(config, memory, positions, queries, keys, values)
    attended = post_norm(config, weights.attention_post_norm, read_out(weights.heads, outputs))
    return feed_forward_sum(weights, config, x, attended), memory


def _remember_keys(config: DecoderConfig, memory: KeyValues, positions, queries, keys, values):
    def write(old: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(old, new, positions[0], axis=1)

    memory = KeyValues(write(memory.keys, keys), write(memory.values, values))
    age = positions[:, None] - jnp.arange(memory.keys.shape[1], dtype=positions.dtype)[None, :]
    mask = (age >= 0) if config.window is None else (age >= 0) & (age < config.window)
    return attend(config, queries, *memory, mask), memory


def _remember_state(config: DecoderConfig, memory: LinearState, positions, queries, keys, values):
    del positions  # order is in the state

    def one_head(query, key, value, state):
        return recurrent_linear_attention(query, key, value, feature_map=elu_plus_one, normalised=True, state=state)

    grouped = queries.reshape(keys.shape[0], -1, *queries.shape[1:])
    # every head of a group reads the same state, so one of them hands it on
    one_group = jax.vmap(one_head, in_axes=(0, None, None, None), out_axes=(0, None))
    outputs, memory = jax.vmap(one_group)(grouped, keys, values, memory)
    return outputs.reshape(queries.shape[0], *outputs.shape[2:]), memory


def generate(
    params: DecoderParams,
    config: DecoderConfig,
    tokens: Int[Array, " n"],
    steps: int,
    *,
    stop: int | None = None,
) -> Int[Array, " steps"]:
    """The greedy continuation: at each step the token with the largest logit, the first one where several tie.

    Args:
        params: of the decoder.
        config: the decoder.
        tokens: the prompt.
        steps: number of tokens to generate.
        stop: a token, such as one of `config.eos`; after it only `stop` follows, and no more work is done.

    Returns:
        The generated tokens, without the prompt.

    Raises:
        ValueError: the prompt is empty, `steps` is less than one, or prompt and steps do not fit the context.
    """
    n = tokens.shape[0]
    check_length(config, n)
    outside = tokens[(tokens < 0) | (tokens >= config.vocab_size)]
    if outside.size:
        raise ValueError(f"generate: token {outside[0]} is outside the vocabulary of {config.vocab_size} tokens")
    if steps < 1:
        raise ValueError(f"generate: steps must be at least 1, got {steps}")
    if n + steps > config.context_length:
        raise ValueError(
            f"a prompt of {n} tokens and {steps} steps make {n + steps} tokens: the model's context holds "
            f"{config.context_length}; shorten the prompt or generate at most {config.context_length - n} tokens"
        )
    return _generate(params, config, tokens, steps, stop)


@partial(jax.jit, static_argnames=("config", "steps", "stop"))
def _generate(
    params: DecoderParams, config: DecoderConfig, tokens: Int[Array, " n"], steps: int, stop: int | None
) -> Int[Array, " steps"]:
    empty = empty_cache(config, tokens.shape[0] + steps, params.embedding.dtype)
    logits, cache = read(params, config, empty, tokens)
    first = jnp.argmax(logits).astype(tokens.dtype)
    filling = jnp.asarray(0 if stop is None else stop, tokens.dtype)
    written = jnp.full((steps,), filling).at[0].set(first)

    def going(carry) -> Array:
        step, token, _, _ = carry
        return (step < steps) if stop is None else (step < steps) & (token != filling)

    def one_step(carry):
        step, token, written, cache = carry
        logits, cache = read(params, config, cache, token[None])
        token = jnp.argmax(logits).astype(written.dtype)
        return step + 1, token, written.at[step].set(token), cache

    _, _, written, _ = jax.lax.while_loop(going, one_step, (jnp.asarray(1), first, written, cache))
    return written
