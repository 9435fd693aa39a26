"""Cutting a sequence into chunks of equal length and putting the outputs together again."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["cut", "join"]


def cut(x: Float[Array, " n *r"], chunk: int, fill: float = 0.0) -> Float[Array, "chunks chunk *r"]:
    """The rows in chunks, of all rows where there are fewer; the last one is filled up with `fill`.

    Raises:
        ValueError: the chunk is empty.
    """
    if chunk < 1:
        raise ValueError(f"a chunk holds at least one token, got chunk={chunk}")
    chunk = max(1, min(chunk, x.shape[0]))
    chunks = -(-x.shape[0] // chunk)
    rows = ((0, chunks * chunk - x.shape[0]), *((0, 0),) * (x.ndim - 1))
    return jnp.pad(x, rows, constant_values=fill).reshape(chunks, chunk, *x.shape[1:])


def join(x: Float[Array, "chunks chunk *r"], tokens: int) -> Float[Array, " n *r"]:
    """The first rows of the chunks, one after another."""
    return x.reshape(-1, *x.shape[2:])[:tokens]
