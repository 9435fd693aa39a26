"""The soft cap of logits."""

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["soft_cap"]


def soft_cap(cap: float | None, logits: Float[Array, "*n"]) -> Float[Array, "*n"]:
    r"""$c\tanh(\ell/c)$, which stays within $\pm c$; the logits themselves without a cap.

    Source: Gemma Team 2024, arXiv 2408.00118, section 2.
    """
    if cap is None:
        return logits
    c = jnp.asarray(cap, logits.dtype)
    return c * jnp.tanh(logits / c)
