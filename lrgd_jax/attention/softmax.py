"""Softmax attention of one head: all keys at once, and streaming over blocks of keys."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.denominators import check_seen
from lrgd_jax.kernels import default_scale
from lrgd_jax.precision import narrow, widen

__all__ = ["softmax_attention", "streaming_softmax_attention"]

_Running: TypeAlias = tuple[Float[Array, "t 1"], Float[Array, "t dv"], Float[Array, "t 1"]]
"""The largest logit so far, the numerator and the denominator of each query."""


def softmax_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    scale: float | None = None,
    bias: Float[Array, "t n"] | None = None,
    mask: Bool[Array, "t n"] | None = None,
) -> Float[Array, "t dv"]:
    r"""Softmax attention.

    $$o_t = \sum_i \frac{e^{\ell_{ti}}}{\sum_j e^{\ell_{tj}}}\, v_i,\qquad \ell_{ti} = s\,q_t^\top k_i + b_{ti}$$

    Args:
        queries: q_t.
        keys: k_i, at least one.
        values: v_i.
        scale: s, 1/sqrt(d) unless given.
        bias: b, added to the logits.
        mask: which keys each query sees; every query must see one.

    Raises:
        ValueError: there is no key, or the mask hides every key from a query: a softmax over nothing has no value.
            Under a trace, where the mask is not known, the output of such a query is not a number.

    Source: Vaswani et al. 2017, arXiv 1706.03762, eq. 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> keys, values = jnp.zeros((2, 3)), jnp.array([[1.0], [5.0]])
        >>> softmax_attention(jnp.ones((1, 3)), keys, values).tolist()  # equal logits: the mean
        [[3.0]]
    """
    check_seen("softmax_attention", mask)
    q, k, v, added = widen(queries, keys, values, bias)
    logits = _logits(q, k, scale, added, mask)
    # any shift leaves the ratio unchanged; the largest logit keeps the exponentials at or below one
    shift = jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True))
    weights = jnp.exp(logits - shift)
    if mask is not None:
        # where nothing is seen, all logits are the lowest, and their exponentials one
        weights = jnp.where(mask, weights, jnp.zeros_like(weights))
    return narrow((weights @ v) / jnp.sum(weights, axis=1, keepdims=True), queries, keys, values)


def streaming_softmax_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    scale: float | None = None,
    bias: Float[Array, "t n"] | None = None,
    mask: Bool[Array, "t n"] | None = None,
    block: int = 64,
) -> Float[Array, "t dv"]:
    r"""Softmax attention that reads the keys block by block ("online softmax").

    With the running maximum $m$, numerator $a$ and denominator $b$ of each query, a block with logits $\ell$ gives
    $m' = \max(m, \max\ell)$, $a' = e^{m-m'}a + \sum e^{\ell-m'}v$, $b' = e^{m-m'}b + \sum e^{\ell-m'}$;
    the output is $a/b$.

    Args:
        queries: q_t.
        keys: k_i, at least one.
        values: v_i.
        scale: s, 1/sqrt(d) unless given.
        bias: added to the logits.
        mask: which keys each query sees; every query must see one.
        block: keys in a block; the last one may be shorter.

    Raises:
        ValueError: there is no key, the mask hides every key from a query, or the block is empty.

    Source: Milakov & Gimelshein 2018, arXiv 1805.02867, algorithm 3.

    Examples:
        >>> import jax.numpy as jnp
        >>> keys, values = jnp.zeros((4, 3)), jnp.array([[1.0], [2.0], [3.0], [6.0]])
        >>> streaming_softmax_attention(jnp.ones((1, 3)), keys, values, block=3).tolist()
        [[3.0]]
    """
    if block < 1:
        raise ValueError(f"streaming_softmax_attention: a block holds at least one key, got block={block}")
    check_seen("streaming_softmax_attention", mask)
    q, k, v, added = widen(queries, keys, values, bias)
    logits = _logits(q, k, scale, added, mask)
    t, n = logits.shape
    block = min(block, n)
    blocks = -(-n // block)
    lowest = _hidden_logit(logits.dtype)
    padding = blocks * block - n
    logits = jnp.pad(logits, ((0, 0), (0, padding)), constant_values=lowest)
    logit_blocks = logits.reshape(t, blocks, block).swapaxes(0, 1)
    value_blocks = jnp.pad(v, ((0, padding), (0, 0))).reshape(blocks, block, v.shape[1])

    def one_block(carry: _Running, step: tuple[Float[Array, "t b"], Float[Array, "b dv"]]) -> tuple[_Running, None]:
        largest, numerator, denominator = carry
        block_logits, block_values = step
        new_largest = jnp.maximum(largest, jax.lax.stop_gradient(jnp.max(block_logits, axis=1, keepdims=True)))
        rescale = jnp.exp(largest - new_largest)
        weights = jnp.exp(block_logits - new_largest)
        # a masked key has the lowest logit; until the first visible one, exp(lowest - lowest) would count it
        weights = jnp.where(block_logits == lowest, jnp.zeros_like(weights), weights)
        return (
            new_largest,
            rescale * numerator + weights @ block_values,
            rescale * denominator + jnp.sum(weights, axis=1, keepdims=True),
        ), None

    start = (
        jnp.full((t, 1), lowest, logits.dtype),
        jnp.zeros((t, v.shape[1]), v.dtype),
        jnp.zeros((t, 1), v.dtype),
    )
    (_, numerator, denominator), _ = jax.lax.scan(one_block, start, (logit_blocks, value_blocks))
    return narrow(numerator / denominator, queries, keys, values)


def _logits(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    scale: float | None,
    bias: Float[Array, "t n"] | None,
    mask: Bool[Array, "t n"] | None,
) -> Float[Array, "t n"]:
    if keys.shape[0] == 0:
        raise ValueError("softmax attention needs at least one key: a softmax over nothing has no value")
    s = default_scale(keys.shape[1]) if scale is None else scale
    logits = (queries @ keys.T) * jnp.asarray(s, queries.dtype)
    if bias is not None:
        logits = logits + bias
    if mask is not None:
        logits = jnp.where(mask, logits, jnp.asarray(_hidden_logit(logits.dtype), logits.dtype))
    return logits


def _hidden_logit(dtype: jnp.dtype) -> float:
    """The logit of a key that is not seen: half the lowest number, so that shifting it cannot overflow."""
    return float(jnp.finfo(dtype).min) / 2
