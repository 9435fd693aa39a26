"""The recommender in dense JAX: a few lines each, which the sparse code is tested against and the claims are about."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.ridge import solve_definite

__all__ = ["add_popularity", "discounted_keys", "item_knn", "rate_values", "user_knn", "zero_diagonal_ridge"]


def discounted_keys(histories: Float[Array, "n a f"], decay: Float[Array, ""]) -> Float[Array, "n f"]:
    r"""Keys of histories, $x = \sum_a\gamma^a h_a$, by Horner's rule from the oldest item on.

    Args:
        histories: features of the items, the latest first.
        decay: gamma.
    """

    def older_to_newer(key: Float[Array, "n f"], item: Float[Array, "n f"]):
        return decay * key + item, None

    oldest_first = jnp.flip(jnp.swapaxes(histories, 0, 1), axis=0)
    return jax.lax.scan(older_to_newer, jnp.zeros_like(histories[:, 0]), oldest_first)[0]


def item_knn(
    query: Float[Array, " f"],
    keys: Float[Array, "n f"],
    targets: Float[Array, "n m"],
    rates: Float[Array, " n"],
    feature_scales: Float[Array, " f"],
    target_scales: Float[Array, " m"],
) -> Float[Array, " m"]:
    r"""Item neighbours: $s = A\,q$ with the similarities $A_{jf} = t_j\,(\sum_i\eta_i\,y_{ij}x_{if})\,s_f$.

    Args:
        query: q, the present history.
        keys: x_i.
        targets: y_i.
        rates: eta_i.
        feature_scales: s; for the cosine, one over the root of how often each item occurs.
        target_scales: t.

    Source: Sarwar et al. 2001, "Item-based collaborative filtering", section 3.
    """
    together = (targets * rates[:, None]).T @ keys
    return (target_scales[:, None] * together * feature_scales[None, :]) @ query


def add_popularity(
    scores: Float[Array, " m"], counts: Float[Array, " m"], weight: Float[Array, ""], target_scales: Float[Array, " m"]
) -> Float[Array, " m"]:
    r"""Adds $t\,w\,c$ to scores: how often each item was taken."""
    return scores + target_scales * (weight * counts)


def user_knn(
    query: Float[Array, " f"],
    keys: Float[Array, "n f"],
    targets: Float[Array, "n m"],
    rates: Float[Array, " n"],
    scale: float,
) -> Float[Array, " m"]:
    r"""Neighbours with exponential similarity, those without a common item in one sum.

    $$s = \frac{\sum_i\eta_iy_i+\sum_i\eta_iy_i(e^{z_i}-1)}{\sum_i\eta_i+\sum_i\eta_i(e^{z_i}-1)},\qquad
    z_i = \text{scale}\cdot\langle x_i,q\rangle$$

    Source: Nadaraya 1964, Watson 1964 (the estimate).
    """
    excess = rates * (jnp.exp(scale * (keys @ query)) - 1)
    return (rates @ targets + excess @ targets) / (jnp.sum(rates) + jnp.sum(excess))


def zero_diagonal_ridge(
    keys: Float[Array, "n m"], targets: Float[Array, "n m"], ridge: Float[Array, ""]
) -> Float[Array, "m m"]:
    r"""Ridge regression of items on items, none of which may speak for itself; features by items.

    $$B = PX^\top Y - P\,\mathrm{diag}(\gamma),\quad P = (X^\top X+\lambda I)^{-1},\quad
    \gamma_j = (PX^\top Y)_{jj}/P_{jj}$$

    Source: Steck 2019, arXiv 1905.03375, eq. 8.
    """
    m = keys.shape[1]
    unit = jnp.eye(m, dtype=keys.dtype)
    inverse = solve_definite(keys.T @ keys + ridge * unit, unit)
    free = inverse @ (keys.T @ targets)
    multipliers = jnp.sum(free * unit, axis=0) / jnp.sum(inverse * unit, axis=0)
    return free - inverse * multipliers[None, :]


def rate_values(
    queries: Float[Array, "q f"],
    keys: Float[Array, "n f"],
    targets: Float[Array, "n m"],
    residuals: Float[Array, "q m"],
) -> Float[Array, " n"]:
    r"""$\frac1{|U|}\langle x_i,\,Q^\top R\,y_i\rangle$ of all demonstrations, in one contraction.

    Args:
        queries: Q.
        keys: x_i.
        targets: y_i.
        residuals: R = T - P, minus the gradient of each query's loss by its scores.
    """
    moved = queries.T @ residuals
    return jnp.sum((keys @ moved) * targets, axis=1) / queries.shape[0]
