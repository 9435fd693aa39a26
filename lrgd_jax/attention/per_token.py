"""Numbers of a form that may differ from token to token, and the tokens that no query was given for."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.precision import wide_format

__all__ = ["FormField", "PerFeature", "PerToken", "every_token", "tokens_before"]

PerToken: TypeAlias = float | Float[Array, ""] | Float[Array, " _"] | Float[np.ndarray, " _"]
"""One number for all tokens, or one a token; `every_token` checks how many, and says so in words."""

PerFeature: TypeAlias = float | Float[Array, "*n_r"] | Float[np.ndarray, "*n_r"]
"""One number for all, one a feature [r], or one a token and feature [n, r]."""

FormField: TypeAlias = float | Float[Array, "..."] | Float[np.ndarray, "..."] | None
"""What a call of a form may replace one of its fields with."""


def every_token(value: PerToken, like: Float[Array, "n _"]) -> Float[Array, " n"]:
    """One number a token, in the dtype of the rows `like`, float32 at least: in bfloat16 a decay of 0.999 is one.

    Raises:
        ValueError: there are neither one nor n numbers.
    """
    numbers = jnp.asarray(value, wide_format(like))
    if numbers.shape not in ((), like.shape[:1]):
        raise ValueError(f"expected one number, or one for each of {like.shape[0]} tokens; got shape {numbers.shape}")
    return jnp.broadcast_to(numbers, like.shape[:1])


def tokens_before(form: str, queries: int, keys: int) -> int:
    """How many tokens come before the first query of an ordered form.

    Raises:
        ValueError: more queries than keys.
    """
    if queries > keys:
        raise ValueError(f"{form}: a causal form needs a key for every query; got {queries} queries, {keys} keys")
    return keys - queries
