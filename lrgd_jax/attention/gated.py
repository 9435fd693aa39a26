"""Linear attention that forgets: retention (one decay a token) and gated linear attention (one a token and feature)."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.checks import check_decay
from lrgd_jax.attention.chunks import cut, join
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = [
    "attend_gated",
    "chunked_gated_linear_attention",
    "decay_products",
    "recurrent_gated_linear_attention",
    "retention",
]

_Token: TypeAlias = tuple[Float[Array, " r"], Float[Array, " r"], Float[Array, " dv"], Float[Array, " r"]]
"""Query, key, value and gates of one token."""

_Chunk: TypeAlias = tuple[Float[Array, "c r"], Float[Array, "c r"], Float[Array, "c dv"], Float[Array, "c r"]]
"""Queries, keys, values and gates of one chunk."""


def decay_products(decays: Float[Array, " n *r"]) -> Float[Array, "n n *r"]:
    r"""What is left of token i at token t, $D_{ti} = \prod_{i < s \le t} a_s$ for $i \le t$, else zero.

    Row by row and without a quotient, so that a decay of zero is as good as any other.

    Args:
        decays: a_s, one a token, or one a token and feature.
    """
    n = decays.shape[0]
    own = jnp.eye(n, dtype=decays.dtype).reshape(n, n, *(1,) * (decays.ndim - 1))

    def token(
        row: Float[Array, " n *r"], step: tuple[Float[Array, " *r"], Float[Array, " n *r"]]
    ) -> tuple[Float[Array, " n *r"], Float[Array, " n *r"]]:
        decay, entering = step
        row = row * decay[None] + entering
        return row, row

    entering = jnp.broadcast_to(own, (n, *decays.shape))
    return jax.lax.scan(token, jnp.zeros_like(decays), (decays, entering))[1]


def retention(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    decays: Float[Array, " n"],
    *,
    feature_map: FeatureMap = identity,
) -> Float[Array, "n dv"]:
    r"""Retention, all pairs at once: linear attention whose weights fade with age.

    $$o_t = \sum_{i\le t} D_{ti}\, v_i\,\phi(k_i)^\top\phi(q_t),\qquad D_{ti} = \prod_{i<s\le t} a_s
    \;\big[= \gamma^{t-i}\text{ if } a_s = \gamma\big]$$

    Args:
        queries: one a token.
        keys: k_i.
        values: v_i.
        decays: a_t in [0, 1]; all equal to gamma in retention proper.
        feature_map: phi.

    Raises:
        ValueError: a decay lies outside [0, 1], as its logarithm does.

    Source: Sun et al. 2023, arXiv 2307.08621, eq. 5 (without its rotation and normalisation).

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> retention(ones, ones, jnp.array([[8.0], [0.0], [0.0]]), jnp.full(3, 0.5)).ravel().tolist()
        [8.0, 4.0, 2.0]
    """
    check_decay("retention", decays)
    phi, (q, k, v, a) = jax.vmap(feature_map), widen(queries, keys, values, decays)
    return narrow((phi(q) @ phi(k).T * decay_products(a)) @ v, queries, keys, values)


def recurrent_gated_linear_attention(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    gates: Float[Array, "n r"],
    *,
    feature_map: FeatureMap = identity,
    state: Float[Array, "dv r"] | None = None,
) -> tuple[Float[Array, "n dv"], Float[Array, "dv r"]]:
    r"""Gated linear attention, token by token in constant memory.

    $$S_t = S_{t-1}\,\mathrm{diag}(g_t) + v_t\phi(k_t)^\top,\qquad o_t = S_t\phi(q_t)$$

    Args:
        queries: one a token.
        keys: k_i.
        values: v_i.
        gates: g_t in [0, 1], what is kept of each feature; equal entries are retention.
        feature_map: phi.
        state: from an earlier call, to go on from.

    Returns:
        The outputs, and the state after the last token in float32 at least.

    Raises:
        ValueError: a gate lies outside [0, 1], as its logarithm does.

    Source: Yang et al. 2023, arXiv 2312.06635, section 4.1 (its state is the transpose); Sun et al. 2023,
    arXiv 2307.08621, eq. 6.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> outputs, state = recurrent_gated_linear_attention(ones, ones, jnp.array([[8.0], [0.0], [0.0]]), ones / 2)
        >>> outputs.ravel().tolist(), state.tolist()
        ([8.0, 4.0, 2.0], [[2.0]])
    """
    check_decay("recurrent_gated_linear_attention", gates)
    phi, (q, k, v, g, state) = jax.vmap(feature_map), widen(queries, keys, values, gates, state)
    state = jnp.zeros((v.shape[1], g.shape[1]), v.dtype) if state is None else state

    def token(carry: Float[Array, "dv r"], step: _Token) -> tuple[Float[Array, "dv r"], Float[Array, " dv"]]:
        query, key, value, gate = step
        carry = carry * gate[None] + jnp.outer(value, key)
        return carry, carry @ query

    state, outputs = jax.lax.scan(token, state, (phi(q), phi(k), v, g))
    return narrow(outputs, queries, keys, values), state


def chunked_gated_linear_attention(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    gates: Float[Array, "n r"],
    *,
    feature_map: FeatureMap = identity,
    chunk: int = 16,
) -> Float[Array, "n dv"]:
    r"""Gated linear attention, chunk by chunk: products of gates within, a state between.

    $$o_t = S\,(c_t\odot\phi(q_t)) + \sum_{i\le t} v_i\sum_j D_{tij}\,\phi_j(k_i)\,\phi_j(q_t),\qquad
    c_t = \prod_{s\le t} g_s,\quad D_{ti} = \prod_{i<s\le t} g_s$$

    with products over the tokens of the chunk. D takes chunk^2 r numbers, in exchange for which nothing is divided by
    a product of gates that may have vanished.

    Args:
        queries: one a token.
        keys: k_i.
        values: v_i.
        gates: g_t in [0, 1].
        feature_map: phi.
        chunk: tokens in a chunk; the last one may be shorter.

    Raises:
        ValueError: the chunk is empty, or a gate lies outside [0, 1], as its logarithm does.

    Source: Yang et al. 2023, arXiv 2312.06635, section 4.2.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> values = jnp.array([[8.0], [0.0], [0.0]])
        >>> chunked_gated_linear_attention(ones, ones, values, ones / 2, chunk=2).ravel().tolist()
        [8.0, 4.0, 2.0]
    """
    check_decay("chunked_gated_linear_attention", gates)
    q, k, v, g = widen(queries, keys, values, gates)
    empty = jnp.zeros((v.shape[1], g.shape[1]), v.dtype)
    outputs, _ = attend_gated(q, k, v, g, empty, feature_map=feature_map, chunk=chunk)
    return narrow(outputs, queries, keys, values)


def attend_gated(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    gates: Float[Array, "n r"],
    state: Float[Array, "dv r"],
    *,
    feature_map: FeatureMap,
    chunk: int,
) -> tuple[Float[Array, "n dv"], Float[Array, "dv r"]]:
    """`chunked_gated_linear_attention` in one format, from a state on; and the state after the last token."""
    phi = jax.vmap(feature_map)
    blocks = cut(phi(queries), chunk), cut(phi(keys), chunk), cut(values, chunk), cut(gates, chunk, fill=1.0)

    def one_chunk(state: Float[Array, "dv r"], block: _Chunk) -> tuple[Float[Array, "dv r"], Float[Array, "c dv"]]:
        q, k, v, g = block
        left = decay_products(g)
        since_start = left[:, 0] * g[:1]
        weights = jnp.einsum("tr,ir,tir->ti", q, k, left)
        outputs = (q * since_start) @ state.T + weights @ v
        return state * since_start[-1:] + v.T @ (k * left[-1]), outputs

    state, outputs = jax.lax.scan(one_chunk, state, blocks)
    return join(outputs, queries.shape[0]), state
