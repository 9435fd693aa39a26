"""The torch module once more in JAX, with its weights taken over."""

import jax
import jax.numpy as jnp
import numpy as np

from own_attention.torch_layer import Retention


def weights_of(module: Retention) -> dict[str, np.ndarray]:
    """The weights as NumPy arrays, as torch has them: [out, in]."""
    return {name: getattr(module, name).weight.detach().numpy() for name in ("query", "key", "value")}


def retention(tokens: jax.Array, weights: dict[str, np.ndarray], decay: float) -> jax.Array:
    """What `Retention.forward` computes, line by line."""
    query, key, value = (tokens @ weights[name].T for name in ("query", "key", "value"))

    def step(memory, token):
        query, key, value = token
        memory = decay * memory + jnp.outer(value, key)
        return memory, memory @ query

    empty = jnp.zeros((tokens.shape[1], tokens.shape[1]), value.dtype)
    return jax.lax.scan(step, empty, (query, key, value))[1]
