"""What a decoder keeps of the tokens it has read: keys and values, or for linear attention a recurrent state.

Rates and gates need the keys and values, also of linear attention: a state has added up what they would weigh.
"""

from dataclasses import replace
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.linear import LinearState, recurrent_linear_attention
from lrgd_jax.decoder.attention import Heads, attend, visible_ages
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.demonstration_gates import DemonstrationGates
from lrgd_jax.decoder.forward import embed, norm_states, read_logits, run_layers
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.features import elu_plus_one

__all__ = ["Cache", "KeyValues", "Memory", "empty_cache", "read_states", "read_tokens"]


class KeyValues(NamedTuple):
    """Keys and values of one layer; rows of tokens that have not come yet are zero.

    Attributes:
        keys: rotated, shape [g, size, d], one coordinate wider beside sinks.
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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import empty_cache, tiny_decoder
        >>> cache = empty_cache(tiny_decoder().config, 8, jnp.float32)
        >>> len(cache.memories), int(cache.length), cache.memories[0].keys.shape
        (2, 0, (2, 8, 4))
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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import empty_cache, tiny_decoder
        >>> linear = tiny_decoder(attention="linear").config
        >>> [x.shape for x in empty_cache(linear, 8, jnp.float32).memories[0]]  # whatever the size
        [(2, 4, 4), (2, 4)]
    """
    g, d = config.kv_heads, config.head_width
    if config.attention == "softmax" or keys:
        wide = d + 1 if config.attention_sinks else d
        memory: Memory = KeyValues(jnp.zeros((g, size, wide), dtype), jnp.zeros((g, size, d), dtype))
    else:
        empty = LinearState.empty(d, d, dtype)
        memory = LinearState(*(jnp.broadcast_to(x, (g, *x.shape)) for x in empty))
    return Cache((memory,) * config.layers, jnp.zeros((), jnp.int32))


def read_tokens(
    params: DecoderParams,
    config: DecoderConfig,
    cache: Cache,
    tokens: Int[Array, " n"],
    gates: DemonstrationGates | None = None,
) -> tuple[Float[Array, " vocab"], Cache]:
    """Reads tokens that follow those in the cache.

    Args:
        params: of the decoder.
        config: the decoder.
        cache: from `empty_cache` or an earlier call.
        tokens: ids.
        gates: of the demonstrations, with one segment for every token that the cache has room for.

    Returns:
        The logits of the token that follows the last one, and the cache with the tokens in it.

    Raises:
        ValueError: the gates do not fit the cache.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.decoder import empty_cache, read_tokens, tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> tokens = tokenizer.encode("a cat")
        >>> logits, cache = read_tokens(params, config, empty_cache(config, 8, jnp.float32), tokens)
        >>> logits.shape, int(cache.length)
        ((256,), 5)
    """
    states, cache = read_states(params, config, cache, tokens, gates)
    return read_logits(params, config, states[-1:])[0], cache


def read_states(
    params: DecoderParams,
    config: DecoderConfig,
    cache: Cache,
    tokens: Int[Array, " n"],
    gates: DemonstrationGates | None = None,
) -> tuple[Float[Array, "n m"], Cache]:
    """The same, but returns the residual stream of every token after the final norm, and the cache."""
    positions = cache.length + jnp.arange(tokens.shape[0], dtype=cache.length.dtype)
    if gates is not None:
        _check_room(cache, gates)
        gates = replace(gates, reading=gates.segments[positions])

    def attention(i: int, own: DecoderConfig, heads: Heads) -> tuple[Float[Array, "h n dv"], Memory]:
        memory = cache.memories[i]
        if isinstance(memory, LinearState):
            # order is in the state, which takes no gates
            return _attend_to_state(heads, memory)
        longer = _append(memory, heads, positions[0])
        ages = positions[:, None] - jnp.arange(longer.keys.shape[1], dtype=positions.dtype)[None, :]
        of_layer = None if gates is None else gates.of_layer(i)
        return attend(own, heads.queries, *longer, visible_ages(own, ages), of_layer), longer

    stream = run_layers(attention, params, config, embed(params, tokens, cache.length), positions)
    return norm_states(params, config, stream.last), Cache(stream.kept, cache.length + tokens.shape[0])


def _check_room(cache: Cache, gates: DemonstrationGates) -> None:
    """Raises ValueError unless every token that the cache has room for has a segment."""
    memory = cache.memories[0]
    if not isinstance(memory, KeyValues):
        raise ValueError(
            "rates and gates need the keys and values of what was read, which the state of linear attention has added "
            "up: start with empty_cache(..., keys=True)"
        )
    room, numbers = memory.keys.shape[1], gates.segments.shape[0]
    if numbers != room:
        raise ValueError(
            f"the cache has room for {room} tokens, but segments were given for {numbers}: give one for each, the "
            "query's for tokens that have not come yet"
        )


def _append(memory: KeyValues, heads: Heads, first: Int[Array, ""]) -> KeyValues:
    """The memory with the keys and values of tokens in their places, from the first one on."""

    def write(old: Float[Array, "g size d"], new: Float[Array, "g n d"]) -> Float[Array, "g size d"]:
        return jax.lax.dynamic_update_slice_in_dim(old, new, first, axis=1)

    return KeyValues(write(memory.keys, heads.keys), write(memory.values, heads.values))


def _attend_to_state(heads: Heads, memory: LinearState) -> tuple[Float[Array, "h n dv"], LinearState]:
    """Every head's output from the recurrent state of its group, and the states after the tokens."""

    def one_head(query, key, value, state):
        return recurrent_linear_attention(query, key, value, feature_map=elu_plus_one, normalised=True, state=state)

    queries, keys, values = heads
    grouped = queries.reshape(keys.shape[0], -1, *queries.shape[1:])
    # every head of a group reads the same state, so one of them hands it on
    one_group = jax.vmap(one_head, in_axes=(0, None, None, None), out_axes=(0, None))
    outputs, memory = jax.vmap(one_group)(grouped, keys, values, memory)
    return outputs.reshape(queries.shape[0], *outputs.shape[2:]), memory
