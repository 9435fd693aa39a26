"""Ridge attention: the least-squares answer of the demonstrations, by kernel, by streaming, by conjugate gradients."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["conjugate_gradient_attention", "recursive_least_squares", "ridge_attention", "solve_definite"]

_Inverse: TypeAlias = tuple[Float[Array, "r r"], Float[Array, "dv r"]]
"""The inverse moment and the weights between two tokens."""

_Token: TypeAlias = tuple[Float[Array, " r"], Float[Array, " r"], Float[Array, " dv"]]
"""Query, key and value of one token."""

_Conjugate: TypeAlias = tuple[Float[Array, " r"], Float[Array, " r"], Float[Array, " r"]]
"""The refined query, its residual and the direction of the next step."""


def solve_definite(matrix: Float[Array, "n n"], right: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Solves A X = B for a positive definite A by Gauss-Jordan elimination, which needs no pivoting there.

    Written out, so that every checker of this package can follow it; n rank-one updates of an n by n matrix.
    """
    n = matrix.shape[0]

    def eliminate(
        rows: Float[Array, "n nc"], step: tuple[Float[Array, " n"], Bool[Array, " n"]]
    ) -> tuple[Float[Array, "n nc"], None]:
        unit, own = step
        column = rows[:, :n] @ unit
        pivot = unit @ rows / jnp.vdot(unit, column)
        # the pivot's row is put in its place: to subtract all of it but one part would cancel where the pivot is large
        return jnp.where(own[:, None], pivot[None, :], rows - jnp.outer(column, pivot)), None

    units = jnp.eye(n, dtype=matrix.dtype), jnp.eye(n, dtype=bool)
    return jax.lax.scan(eliminate, jnp.concatenate([matrix, right], axis=1), units)[0][:, n:]


def ridge_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    ridge: Float[Array, ""] | float,
    *,
    feature_map: FeatureMap = identity,
    mask: Bool[Array, "t n"] | None = None,
) -> Float[Array, "t dv"]:
    r"""Ridge attention in kernel form: weights that take into account what the keys share.

    $$o = V^\top (KK^\top + \lambda I)^{-1} K\phi(q),\qquad K = [\phi(k_1),\dots,\phi(k_n)]^\top$$

    Args:
        queries: q.
        keys: k_i.
        values: v_i.
        ridge: lambda > 0.
        feature_map: phi.
        mask: which keys each query sees; all of them unless given.

    Source: kernel ridge regression, Saunders et al. 1998; as an attention layer von Oswald et al. 2023,
    arXiv 2309.05858, section 4 (mesa layer).

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((1, 1))
        >>> ridge_attention(key, key, jnp.array([[8.0]]), 1.0).tolist()  # v / (1 + lambda)
        [[4.0]]
    """
    phi, (q, k, v, ridge) = jax.vmap(feature_map), widen(queries, keys, values, ridge)
    key_features = phi(k)
    gram = key_features @ key_features.T
    similarity = phi(q) @ key_features.T
    penalty = ridge * jnp.eye(k.shape[0], dtype=k.dtype)
    if mask is None:
        return narrow(solve_definite(gram + penalty, similarity.T).T @ v, queries, keys, values)

    def one(seen: Bool[Array, " n"], to_keys: Float[Array, " n"]) -> Float[Array, " n"]:
        among = jnp.where(seen[:, None] & seen[None, :], gram, jnp.zeros_like(gram))
        return solve_definite(among + penalty, jnp.where(seen, to_keys, jnp.zeros_like(to_keys))[:, None])[:, 0]

    return narrow(jax.vmap(one)(mask, similarity) @ v, queries, keys, values)


def recursive_least_squares(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    ridge: Float[Array, ""] | float,
    *,
    feature_map: FeatureMap = identity,
) -> Float[Array, "n dv"]:
    r"""Causal ridge attention as a stream: recursive least squares, the mesa layer.

    $$g_t = \frac{P_{t-1}\phi(k_t)}{1+\phi(k_t)^\top P_{t-1}\phi(k_t)},\quad
    P_t = P_{t-1} - g_t\,\phi(k_t)^\top P_{t-1},\quad
    W_t = W_{t-1} + \big(v_t - W_{t-1}\phi(k_t)\big) g_t^\top,\quad o_t = W_t\phi(q_t)$$

    from $P_0 = I/\lambda$ and $W_0 = 0$.

    Args:
        queries: one a token.
        keys: k_t.
        values: v_t.
        ridge: lambda > 0.
        feature_map: phi.

    Source: von Oswald et al. 2023, arXiv 2309.05858, section 4 and its appendix on Sherman-Morrison; Plackett 1950.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((2, 1))
        >>> recursive_least_squares(ones, ones, 6 * ones, 1.0).round(4).ravel().tolist()  # 6 n / (n + lambda)
        [3.0, 4.0]
    """
    phi, (q, k, v, ridge) = jax.vmap(feature_map), widen(queries, keys, values, ridge)
    key_features = phi(k)
    r = key_features.shape[1]

    def token(state: _Inverse, step: _Token) -> tuple[_Inverse, Float[Array, " dv"]]:
        inverse, weights = state
        query, key, value = step
        moved = inverse @ key
        gain = moved / (1 + jnp.vdot(key, moved))
        weights = weights + jnp.outer(value - weights @ key, gain)
        return (inverse - jnp.outer(gain, moved), weights), weights @ query

    start = jnp.eye(r, dtype=v.dtype) / ridge, jnp.zeros((v.shape[1], r), v.dtype)
    return narrow(jax.lax.scan(token, start, (phi(q), key_features, v))[1], queries, keys, values)


def conjugate_gradient_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    ridge: Float[Array, ""] | float,
    *,
    iterations: int,
    feature_map: FeatureMap = identity,
    mask: Bool[Array, "t n"] | None = None,
) -> Float[Array, "t dv"]:
    r"""Ridge attention for many features: each query is refined by conjugate gradients, then attends linearly.

    $$o = \sum_i v_i\,\phi(k_i)^\top y,\qquad (K^\top K + \lambda I)\, y = \phi(q)$$

    No matrix is formed, each iteration costs n r. In exact arithmetic min(n, r) + 1 iterations reach the solution.

    Args:
        queries: q.
        keys: k_i.
        values: v_i.
        ridge: lambda > 0.
        iterations: of conjugate gradients; a query that is solved earlier stays as it is.
        feature_map: phi.
        mask: which keys each query sees; all of them unless given.

    Source: Hestenes and Stiefel 1952; for the mesa layer von Oswald et al. 2025, arXiv 2506.05233.

    Examples:
        >>> import jax.numpy as jnp
        >>> key = jnp.ones((1, 1))
        >>> conjugate_gradient_attention(key, key, jnp.array([[8.0]]), 1.0, iterations=2).tolist()
        [[4.0]]
    """
    phi, (q, k, v, ridge) = jax.vmap(feature_map), widen(queries, keys, values, ridge)
    key_features, query_features = phi(k), phi(q)
    seen = jnp.ones((q.shape[0], k.shape[0]), v.dtype) if mask is None else mask.astype(v.dtype)

    def one(query: Float[Array, " r"], counted: Float[Array, " n"]) -> Float[Array, " n"]:
        def curved(x: Float[Array, " r"]) -> Float[Array, " r"]:
            return key_features.T @ (counted * (key_features @ x)) + ridge * x

        def iterate(state: _Conjugate, _: None) -> tuple[_Conjugate, None]:
            y, residual, direction = state
            image, size = curved(direction), jnp.vdot(residual, residual)
            y_step = _ratio(size, jnp.vdot(direction, image))
            left = residual - y_step * image
            following = left + _ratio(jnp.vdot(left, left), size) * direction
            return (y + y_step * direction, left, following), None

        refined = jax.lax.scan(iterate, (jnp.zeros_like(query), query, query), None, length=iterations)[0][0]
        return counted * (key_features @ refined)

    return narrow(jax.vmap(one)(query_features, seen) @ v, queries, keys, values)


def _ratio(above: Float[Array, ""], below: Float[Array, ""]) -> Float[Array, ""]:
    """A quotient of two sums of squares that is zero where both have vanished."""
    there = below > 0
    return jnp.where(there, above / jnp.where(there, below, jnp.ones_like(below)), jnp.zeros_like(above))
