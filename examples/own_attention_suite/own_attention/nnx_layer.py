"""A flax nnx module: causal linear attention of several heads, which keeps a running sum for each."""

import jax
import jax.numpy as jnp
from flax import nnx


class FastWeights(nnx.Module):
    """Heads that write the product of a value and a key at every token, and read it with the query."""

    def __init__(self, width: int, heads: int, head_width: int, *, rngs: nnx.Rngs):
        shape = (heads, head_width)
        self.query = nnx.LinearGeneral(width, shape, use_bias=False, rngs=rngs)
        self.key = nnx.LinearGeneral(width, shape, use_bias=False, rngs=rngs)
        self.value = nnx.LinearGeneral(width, shape, use_bias=False, rngs=rngs)
        self.out = nnx.LinearGeneral(shape, width, axis=(-2, -1), use_bias=False, rngs=rngs)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """The outputs, one a token [n, width]."""
        query, key, value = self.query(tokens), self.key(tokens), self.value(tokens)
        memory = jnp.cumsum(jnp.einsum("nhv,nhd->nhvd", value, key), axis=0)
        return self.out(jnp.einsum("nhvd,nhd->nhv", memory, query))
