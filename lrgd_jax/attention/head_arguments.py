"""What several heads of causal linear attention are given, checked and brought to one shape and format."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lrgd_jax.attention.checks import check_decay
from lrgd_jax.attention.linear import LinearState
from lrgd_jax.features import feature_count
from lrgd_jax.precision import widen
from lrgd_jax.types import FeatureMap

__all__ = ["Decays", "Heads", "align_heads"]

Decays: TypeAlias = float | Float[Array, "..."] | Float[np.ndarray, "..."]
"""One number, one a head [h], one a head and token [h, n], or one a head, token and feature [h, n, r]."""

Heads: TypeAlias = tuple[Float[Array, "h n d"], Float[Array, "h n d"], Float[Array, "h n dv"]]
"""Queries, keys and values of every head."""

_Groups: TypeAlias = tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]
"""Queries, keys and values as they were given: of fewer heads of keys and values, and of any shape until checked."""


def align_heads(
    attention: str,
    heads: _Groups,
    decays: Decays | None,
    segments: Int[Array, " n"] | None,
    state: LinearState | None,
    feature_map: FeatureMap,
) -> tuple[Heads, Float[Array, "h n *r"] | None, LinearState]:
    """Queries, keys and values of as many heads, decays of every token or None, and the state to begin with.

    Args:
        attention: the function whose arguments they are, for messages.
        heads: queries, keys and values.
        decays: by shape.
        segments: of which the first goes on from the state; in front of any other nothing is kept.
        state: of every head; empty unless given.
        feature_map: phi.

    Raises:
        ValueError: their shapes do not fit, a head has no width, or a decay lies outside [0, 1].
    """
    check_decay(attention, decays)
    _check_tokens(attention, heads)
    h, n, _ = heads[0].shape
    # a bare number has no format of its own
    numbers = None if decays is None else jnp.asarray(decays, None if hasattr(decays, "dtype") else heads[0].dtype)
    q, k, v, a, *known = widen(*heads, numbers, *(() if state is None else state))
    k, v = (x if x.shape[0] == h else jnp.repeat(x, h // x.shape[0], axis=0) for x in (k, v))
    features = feature_count(feature_map, k[0])
    empty = LinearState(jnp.zeros((h, v.shape[2], features), v.dtype), jnp.zeros((h, features), v.dtype))
    before = LinearState(*known) if known else empty
    if jax.tree.map(jnp.shape, before) != jax.tree.map(jnp.shape, empty):
        raise ValueError(
            f"{attention}: expected a state of values {empty.values.shape} and normaliser {empty.normaliser.shape}; "
            f"got {before.values.shape} and {before.normaliser.shape}"
        )
    every = None if a is None else _every_token(attention, a, (h, n, features))
    return (q, k, v), every if segments is None else _divide(attention, every, segments, v[:, :, 0]), before


def _every_token(attention: str, decays: Float[Array, "..."], sizes: tuple[int, int, int]) -> Float[Array, "h n *r"]:
    h, n, r = sizes
    shapes = (), (h,), (h, n), (h, n, r)
    if decays.shape not in shapes:
        raise ValueError(
            f"{attention}: {h} heads of {n} tokens with {r} features take decays of shape "
            f"{', '.join(map(str, shapes))}; got {decays.shape}"
        )
    columns = decays.reshape(decays.shape + (1,) * (2 - decays.ndim))
    return jnp.broadcast_to(columns, (h, n, *decays.shape[2:]))


def _divide(
    attention: str, decays: Float[Array, "h n *r"] | None, segments: Int[Array, " n"], like: Float[Array, "h n"]
) -> Float[Array, "h n *r"]:
    """The decays, zero at the first token of every segment but the first."""
    n = like.shape[1]
    if segments.shape != (n,):
        raise ValueError(f"{attention}: {n} tokens need a segment each, got segments of shape {segments.shape}")
    same = jnp.concatenate([jnp.ones_like(segments[:1], bool), segments[1:] == segments[:-1]])
    decays = jnp.ones_like(like) if decays is None else decays
    return jnp.where(same.reshape(1, -1, *(1,) * (decays.ndim - 2)), decays, jnp.zeros_like(decays))


def _check_tokens(attention: str, heads: _Groups) -> None:
    shapes = [x.shape for x in heads]
    told = f"{attention}: got queries, keys and values of shapes {', '.join(map(str, shapes))}; "
    if any(len(shape) != 3 for shape in shapes):
        raise ValueError(f"{told}each has heads, tokens and coordinates; one head is x[None]")
    (h, t, d), (g, n, e), (also_g, also_n, dv) = shapes
    if (t, n) != (n, also_n) or d != e:
        raise ValueError(f"{told}a token has a query, a key of the same width, and a value")
    if g != also_g or g == 0 or h % g:
        raise ValueError(f"{told}keys and values have the same number of heads, and queries a multiple of it")
    if d == 0 or dv == 0:
        raise ValueError(f"{told}a head without width has no weights; give it one coordinate at least")
