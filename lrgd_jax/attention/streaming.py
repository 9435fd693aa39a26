"""Softmax attention of one head in bounded memory: queries by tiles, and for each of them keys by blocks."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.attention.checks import check_sizes
from lrgd_jax.attention.chunks import cut, join
from lrgd_jax.attention.denominators import check_seen
from lrgd_jax.attention.per_token import tokens_before
from lrgd_jax.attention.softmax import hidden_logit, logit_scale
from lrgd_jax.precision import narrow, widen

__all__ = ["streaming_softmax_attention"]

_TILE = 512
"""Queries of a tile: enough for products that keep a core busy, few enough for its cache."""

_Running: TypeAlias = tuple[Float[Array, "t 1"], Float[Array, "t dv"], Float[Array, "t 1"]]
"""The largest logit so far, the numerator and the denominator of each query."""


class _Sight(NamedTuple):
    """What a query sees by its position."""

    keys: int
    causal: bool
    window: int | None
    alibi_slope: float | Float[Array, ""] | None


class _Queries(NamedTuple):
    """A tile of queries, scaled, with their positions and their rows of what was given for every pair, by blocks."""

    rows: Float[Array, "*tiles t d"]
    positions: Int[Array, "*tiles t"]
    mask: Bool[Array, "*tiles blocks t b"] | None
    bias: Float[Array, "*tiles blocks t b"] | None


class _Keys(NamedTuple):
    """A block of keys with their values and positions."""

    rows: Float[Array, "*blocks b d"]
    values: Float[Array, "*blocks b dv"]
    positions: Int[Array, "*blocks b"]


def streaming_softmax_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    scale: float | None = None,
    bias: Float[Array, "t n"] | None = None,
    mask: Bool[Array, "t n"] | None = None,
    causal: bool = False,
    window: int | None = None,
    alibi_slope: float | Float[Array, ""] | None = None,
    block: int = 64,
) -> Float[Array, "t dv"]:
    r"""Softmax attention that reads the keys block by block ("online softmax").

    With the running maximum $m$, numerator $a$ and denominator $b$ of each query, a block with logits $\ell$ gives
    $m' = \max(m, \max\ell)$, $a' = e^{m-m'}a + \sum e^{\ell-m'}v$, $b' = e^{m-m'}b + \sum e^{\ell-m'}$;
    the output is $a/b$. Queries are read in tiles, so that beside what is given memory holds the logits of a tile and a
    block; derivatives compute these anew.

    Args:
        queries: q_t; by position the last t of the n tokens.
        keys: k_i, at least one.
        values: v_i.
        scale: s, 1/sqrt(d) unless given.
        bias: added to the logits.
        mask: which keys each query sees; every query must see one.
        causal: a query sees no later token; beside the mask, and in no more memory.
        window: a query sees the last `window` tokens; implies causal.
        alibi_slope: m of the bias -m (p_t - p_i), likewise in no more memory.
        block: keys in a block; the last one may be shorter.

    Raises:
        ValueError: there is no key, the mask hides every key from a query, the block or the window is empty, or there
            are more queries than keys where the order matters.

    Source: Milakov & Gimelshein 2018, arXiv 1805.02867, algorithm 3; by tiles Rabe & Staats 2021, arXiv 2112.05682.

    Examples:
        >>> import jax.numpy as jnp
        >>> keys, values = jnp.zeros((4, 3)), jnp.array([[1.0], [2.0], [3.0], [6.0]])
        >>> streaming_softmax_attention(jnp.ones((1, 3)), keys, values, block=3).tolist()
        [[3.0]]
        >>> streaming_softmax_attention(keys, keys, values, causal=True).ravel().tolist()
        [1.0, 1.5, 2.0, 3.0]
    """
    name = "streaming_softmax_attention"
    if block < 1:
        raise ValueError(f"{name}: a block holds at least one key, got block={block}")
    check_sizes(name, window=window)
    check_seen(name, mask)
    q, k, v, added = widen(queries, keys, values, bias)
    q = q * logit_scale(k, scale)
    (t, _), n = q.shape, k.shape[0]
    causal = causal or window is not None
    first = tokens_before(name, t, n) if causal else n - t
    key_blocks = _Keys(cut(k, block), cut(v, block), _positions(n, block))
    tiles = _Queries(
        cut(q, _TILE),
        first + _positions(t, _TILE),
        None if mask is None else _pairs(mask, _TILE, block, fill=True),
        None if added is None else _pairs(added, _TILE, block, fill=0),
    )
    one_tile = partial(_one_tile, key_blocks, _Sight(n, causal, window, alibi_slope))
    # a tile is computed anew for derivatives, so that the running sums of one are kept at a time
    outputs = jax.lax.map(jax.checkpoint(one_tile, prevent_cse=False), tiles)
    return narrow(join(outputs, t), queries, keys, values)


def _one_tile(keys: _Keys, sight: _Sight, tile: _Queries) -> Float[Array, "t dv"]:
    rows, dtype = tile.rows.shape[0], tile.rows.dtype
    lowest = hidden_logit(dtype)

    def one_block(
        carry: _Running, step: tuple[_Keys, Bool[Array, "t b"] | None, Float[Array, "t b"] | None]
    ) -> tuple[_Running, None]:
        largest, numerator, denominator = carry
        block, mask, bias = step
        logits = tile.rows @ block.rows.T
        age = tile.positions[:, None] - block.positions[None, :]
        if bias is not None:
            logits = logits + bias
        if sight.alibi_slope is not None:
            logits = logits - jnp.asarray(sight.alibi_slope, dtype) * age.astype(dtype)
        seen = _seen(age, block.positions, sight, mask)
        logits = jnp.where(seen, logits, lowest)
        new_largest = jnp.maximum(largest, jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True)))
        rescale = jnp.exp(largest - new_largest)
        # until the first visible key the largest logit is the lowest one, and exp(lowest - lowest) would count
        weights = jnp.where(seen, jnp.exp(logits - new_largest), jnp.zeros_like(logits))
        return (
            new_largest,
            rescale * numerator + weights @ block.values,
            rescale * denominator + jnp.sum(weights, axis=1, keepdims=True),
        ), None

    start = (
        jnp.broadcast_to(lowest, (rows, 1)),
        jnp.zeros((rows, keys.values.shape[2]), dtype),
        jnp.zeros((rows, 1), dtype),
    )
    steps = keys, tile.mask, tile.bias
    (_, numerator, denominator), _ = jax.lax.scan(jax.checkpoint(one_block, prevent_cse=False), start, steps)
    return numerator / denominator


def _seen(
    age: Int[Array, "t b"], positions: Int[Array, " b"], sight: _Sight, mask: Bool[Array, "t b"] | None
) -> Bool[Array, "t b"]:
    seen = jnp.broadcast_to((positions < sight.keys)[None], age.shape)
    if sight.causal:
        seen = seen & (age >= 0)
    if sight.window is not None:
        seen = seen & (age < sight.window)
    return seen if mask is None else seen & mask


def _positions(rows: int, size: int) -> Int[Array, "blocks size"]:
    """Row numbers as `cut` cuts the rows, going on in those that fill up the last block."""
    size = max(1, min(size, rows))
    blocks = -(-rows // size)
    return jnp.arange(blocks * size).reshape(blocks, size)


def _pairs(x: Array, tile: int, block: int, fill: bool | float) -> Array:
    """What is given for every pair, shape [t, n], as [tiles, blocks, tile, block]."""
    (rows, columns) = (_positions(size, by).shape for size, by in zip(x.shape, (tile, block), strict=True))
    padding = ((0, rows[0] * rows[1] - x.shape[0]), (0, columns[0] * columns[1] - x.shape[1]))
    return jnp.pad(x, padding, constant_values=fill).reshape(*rows, *columns).swapaxes(1, 2)
