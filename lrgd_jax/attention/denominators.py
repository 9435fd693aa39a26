"""Weighted means whose weights sum to zero: what has no value is named, and is never the mean of something else.

A sum over nothing is zero, and a mean over nothing has no value. So a mask that hides every key from a query is refused
by the forms that divide (softmax, normalised linear attention), where it is known; and under a trace, as where all
features of a row vanish, the output of that query is not a number.
"""

import warnings

import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

__all__ = ["DeadDenominatorWarning", "check_seen", "warn_of_dead_denominators"]


class DeadDenominatorWarning(UserWarning):
    """The weights of a query sum to zero, or to no finite number, so that their mean is not a number.

    Examples:
        >>> import warnings
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.attention import LinearAttention
        >>> from lrgd_jax.features import relu
        >>> ones = jnp.ones((1, 1))
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     _ = LinearAttention(relu, normalised=True)(ones, -ones, ones)
        >>> caught[0].category.__name__
        'DeadDenominatorWarning'
    """


def check_seen(attention: str, mask: Bool[Array, "t n"] | None) -> None:
    """Raises ValueError where a mask hides every key from a query whose output is a mean; silent under a trace."""
    if mask is None or isinstance(mask, Tracer) or mask.shape[1] == 0:
        return
    blind = np.flatnonzero(~np.asarray(mask).any(axis=1))
    if blind.size:
        raise ValueError(
            f"{attention}: the mask hides every key from query {blind[0]} ({blind.size} such queries), and a mean over "
            "nothing has no value; let it see a key, its own for instance, or leave the query out"
        )


def warn_of_dead_denominators(attention: str, outputs: Float[Array, "t dv"]) -> None:
    """Warns at the first query whose mean is not a finite number; silent under a trace."""
    if isinstance(outputs, Tracer):
        return
    dead = np.flatnonzero(~np.isfinite(np.asarray(outputs, np.float64)).all(axis=1))
    if dead.size:
        warnings.warn(
            f"{attention}: the output of query {dead[0]} is not a number ({dead.size} such queries): its weights sum "
            "to zero, because its features or those of the keys vanish, or they are not finite; scale the keys, take "
            "features that are positive, or normalised=False",
            DeadDenominatorWarning,
            stacklevel=3,
        )
