"""What the numbers of a form may be: checked where they are concrete, left alone under a trace."""

from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

__all__ = [
    "PerFeature",
    "PerToken",
    "check_decay",
    "check_not_negative",
    "check_positive",
    "every_token",
    "tokens_before",
]

PerToken: TypeAlias = float | Float[Array, ""] | Float[Array, " _"] | Float[np.ndarray, " _"]
"""One number for all tokens, or one a token; `every_token` checks how many, and says so in words."""

PerFeature: TypeAlias = float | Float[Array, "*n_r"] | Float[np.ndarray, "*n_r"]
"""One number for all, one a feature [r], or one a token and feature [n, r]."""


def every_token(value: PerToken, like: Float[Array, "n _"]) -> Float[Array, " n"]:
    """One number a token, in the dtype of the rows `like`.

    Raises:
        ValueError: there are neither one nor n numbers.
    """
    numbers = jnp.asarray(value, like.dtype)
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


def check_decay(form: str, value: Any) -> None:
    """Raises ValueError where a decay lies outside [0, 1]."""
    _check(form, "decay", value, "between 0 and 1", lambda x: (x >= 0) & (x <= 1))


def check_not_negative(form: str, **values: Any) -> None:
    """Raises ValueError at a negative number."""
    for name, value in values.items():
        _check(form, name, value, "not negative", lambda x: x >= 0)


def check_positive(form: str, **values: Any) -> None:
    """Raises ValueError at a number that is not positive."""
    for name, value in values.items():
        _check(form, name, value, "positive", lambda x: x > 0)


def _check(form: str, name: str, value: Any, what: str, fits: Any) -> None:
    if value is None or isinstance(value, Tracer):
        return
    numbers = np.asarray(value)
    wrong = numbers[~fits(numbers)]
    if wrong.size:
        raise ValueError(f"{form}: {name} must be {what}, got {wrong.flat[0]}")
