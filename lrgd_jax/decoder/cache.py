"""What a decoder keeps of the tokens it has read: keys and values, or for linear attention a recurrent state.

Rates and gates need the keys and values, also of linear attention: a state has added up what they would weigh.
"""

from collections.abc import Callable
from dataclasses import replace
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
from lrgd_jax.decoder.model import DecoderParams, embed, head
from lrgd_jax.decoder.worth import Worth
from lrgd_jax.features import elu_plus_one

__all__ = ["Cache", "KeyValues", "Memory", "cached_layer", "empty_cache", "read", "read_states"]


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


def empty_cache(config: DecoderConfig, size: int, dtype: jax.typing.DTypeLike, *, keys: bool | None = None) -> Cache:
    """The cache before the first token: room for `size` tokens, or states of a fixed size.

    Args:
        config: the decoder.
        size: how many tokens it can hold.
        dtype: of the weights.
        keys: whether keys and values are kept; those of softmax attention always are, those of linear attention
            only if asked for, as rates and gates need them.
    """
    g, d = config.kv_heads, config.head_width
    if config.attention == "softmax" or keys:
        memory: Memory = KeyValues(jnp.zeros((g, size, d), dtype), jnp.zeros((g, size, d), dtype))
    else:
        empty = LinearState.empty(d, d, dtype)
        memory = LinearState(*(jnp.broadcast_to(x, (g, *x.shape)) for x in empty))
    return Cache((memory,) * config.layers, jnp.zeros((), jnp.int32))


def read(
    params: DecoderParams, config: DecoderConfig, cache: Cache, tokens: Int[Array, " n"], worth: Worth | None = None
) -> tuple[Float[Array, " vocab"], Cache]:
    """Reads tokens that follow those in the cache.

    Args:
        params: of the decoder.
        config: the decoder.
        cache: from `empty_cache` or an earlier call.
        tokens: ids.
        worth: of the demonstrations, with one segment for every token that the cache has room for.

    Returns:
        The logits of the token that follows the last one, and the cache with the tokens in it.

    Raises:
        ValueError: the worth does not fit the cache.
    """
    states, cache = read_states(params, config, cache, tokens, worth)
    return soft_cap(config.logit_soft_cap, head(params, states[-1:]))[0], cache


def read_states(
    params: DecoderParams, config: DecoderConfig, cache: Cache, tokens: Int[Array, " n"], worth: Worth | None = None
) -> tuple[Float[Array, "n m"], Cache]:
    """The same, but returns the residual stream of every token after the final norm, and the cache."""
    positions = cache.length + jnp.arange(tokens.shape[0], dtype=cache.length.dtype)
    if worth is not None:
        _check_room(cache, worth)
        worth = replace(worth, reading=worth.segments[positions])
    x, memories = embed(params, tokens, cache.length), []
    for i, (weights, memory) in enumerate(zip(params.layers, cache.memories, strict=True)):
        keep = _remember_keys if isinstance(memory, KeyValues) else _remember_state
        remember = partial(keep, memory=memory, worth=None if worth is None else worth.of_layer(i))
        x, memory = cached_layer(weights, config.of_layer(i), x, positions, remember)
        memories.append(memory)
    states = normalised(config, params.final_norm, params.final_norm_bias, x)
    return states, Cache(tuple(memories), cache.length + tokens.shape[0])


def _check_room(cache: Cache, worth: Worth) -> None:
    """Raises ValueError unless every token that the cache has room for has a segment."""
    memory = cache.memories[0]
    if not isinstance(memory, KeyValues):
        raise ValueError(
            "rates and gates need the keys and values of what was read, which the state of linear attention has added "
            "up: start with empty_cache(..., keys=True)"
        )
    room, given = memory.keys.shape[1], worth.segments.shape[0]
    if given != room:
        raise ValueError(
            f"the cache has room for {room} tokens, but segments were given for {given}: give one for each, the "
            "query's for tokens that have not come yet"
        )


def cached_layer(
    weights: LayerWeights,
    config: DecoderConfig,
    x: Float[Array, "n m"],
    positions: Int[Array, " n"],
    remember: Callable[..., tuple[Float[Array, "h n d"], Memory]],
) -> tuple[Float[Array, "n m"], Memory]:
    """One layer whose attention also reaches what came before.

    Args:
        weights: of the layer.
        config: of the layer.
        x: the residual stream.
        positions: of the tokens.
        remember: takes the config, the positions and every head's queries, keys and values; returns the heads'
            outputs and the new memory.
    """
    normed = normalised(config, weights.attention_norm, weights.attention_norm_bias, x)
    outputs, memory = remember(config, positions, *project_heads(weights.heads, config, normed, positions))
    attended = post_norm(config, weights.attention_post_norm, read_out(weights.heads, outputs))
    return feed_forward_sum(weights, config, x, attended), memory


def _remember_keys(config: DecoderConfig, positions, queries, keys, values, *, memory: KeyValues, worth: Worth | None):
    def write(old: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(old, new, positions[0], axis=1)

    memory = KeyValues(write(memory.keys, keys), write(memory.values, values))
    age = positions[:, None] - jnp.arange(memory.keys.shape[1], dtype=positions.dtype)[None, :]
    mask = (age >= 0) if config.window is None else (age >= 0) & (age < config.window)
    return attend(config, queries, *memory, mask, worth), memory


def _remember_state(
    config: DecoderConfig, positions, queries, keys, values, *, memory: LinearState, worth: Worth | None
):
    del config, positions, worth  # order is in the state, which takes no worth

    def one_head(query, key, value, state):
        return recurrent_linear_attention(query, key, value, feature_map=elu_plus_one, normalised=True, state=state)

    grouped = queries.reshape(keys.shape[0], -1, *queries.shape[1:])
    # every head of a group reads the same state, so one of them hands it on
    one_group = jax.vmap(one_head, in_axes=(0, None, None, None), out_axes=(0, None))
    outputs, memory = jax.vmap(one_group)(grouped, keys, values, memory)
    return outputs.reshape(queries.shape[0], *outputs.shape[2:]), memory
