"""Random perturbations: noise, dropped and swapped demonstrations, each from an explicit key."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lrgd_jax.robust.prediction import check_rate, check_strength

__all__ = ["dropout_mask", "gaussian_noise", "random_pair"]


def gaussian_noise(key: PRNGKeyArray, like: Float[Array, "*shape"], strength: float) -> Float[Array, "*shape"]:
    r"""Independent normal numbers $\sigma\xi$ of the shape and dtype of an array.

    Args:
        key: the source of randomness.
        like: what will be perturbed.
        strength: sigma.

    Raises:
        ValueError: the strength is negative.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> gaussian_noise(jax.random.key(0), jnp.zeros((2, 3)), strength=0.1).shape
        (2, 3)
    """
    check_strength("gaussian_noise", strength)
    return jnp.asarray(strength, like.dtype) * jax.random.normal(key, like.shape, like.dtype)


def dropout_mask(key: PRNGKeyArray, demonstrations: int, rate: float) -> Bool[Array, " n"]:
    """Which demonstrations are kept where each is dropped with probability `rate`.

    Args:
        key: the source of randomness.
        demonstrations: n.
        rate: of dropping.

    Raises:
        ValueError: the rate lies outside [0, 1].

    Examples:
        >>> import jax
        >>> dropout_mask(jax.random.key(0), 3, rate=0.0).tolist()
        [True, True, True]
    """
    check_rate("dropout_mask", rate)
    return jax.random.bernoulli(key, 1 - rate, (demonstrations,))


def random_pair(key: PRNGKeyArray, demonstrations: int) -> Int[Array, " 2"]:
    """Two different demonstrations, every pair equally likely.

    Args:
        key: the source of randomness.
        demonstrations: n, at least two.

    Raises:
        ValueError: there is no pair.

    Examples:
        >>> import jax
        >>> sorted(random_pair(jax.random.key(0), 2).tolist())
        [0, 1]
    """
    if demonstrations < 2:
        raise ValueError(f"random_pair: two demonstrations are needed to swap, got {demonstrations}")
    return jax.random.permutation(key, demonstrations)[:2]
