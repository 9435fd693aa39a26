"""Softmax attention of one head, all keys at once."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.denominators import check_seen
from lrgd_jax.kernels import default_scale
from lrgd_jax.precision import narrow, widen

__all__ = ["hidden_logit", "logit_scale", "softmax_attention"]


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


def _logits(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    scale: float | None,
    bias: Float[Array, "t n"] | None,
    mask: Bool[Array, "t n"] | None,
) -> Float[Array, "t n"]:
    logits = (queries @ keys.T) * logit_scale(keys, scale)
    if bias is not None:
        logits = logits + bias
    return logits if mask is None else jnp.where(mask, logits, hidden_logit(logits.dtype))


def logit_scale(keys: Float[Array, "n d"], scale: float | None) -> Float[Array, ""]:
    """What products of queries and keys are multiplied by, 1/sqrt(d) unless given.

    Raises:
        ValueError: there is no key.
    """
    if keys.shape[0] == 0:
        raise ValueError("softmax attention needs at least one key: a softmax over nothing has no value")
    return jnp.asarray(default_scale(keys.shape[1]) if scale is None else scale, keys.dtype)


def hidden_logit(dtype: jnp.dtype) -> Float[Array, ""]:
    """The logit of a key that is not seen: half the lowest number, so that shifting it cannot overflow."""
    return jnp.asarray(float(jnp.finfo(dtype).min) / 2, dtype)
