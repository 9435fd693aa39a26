"""Many steps of full-batch descent on the squared error, as linear attention of a refined query."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["descent_attention"]

_Iterate: TypeAlias = tuple[Float[Array, "t r"], Float[Array, "t r"]]
"""The refined queries and their velocities."""


def descent_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    steps: int,
    learning_rate: Float[Array, ""] | float,
    ridge: Float[Array, ""] | float = 0.0,
    momentum: Float[Array, ""] | float | None = None,
    nesterov: bool = False,
    preconditioner: Float[Array, "r r"] | None = None,
    feature_map: FeatureMap = identity,
    mask: Bool[Array, "t n"] | None = None,
) -> Float[Array, "t dv"]:
    r"""T steps of descent from zero, done to the query in place of the weights.

    $$o = \sum_i v_i\,\phi(k_i)^\top y_T,\qquad y_{j+1} = y_j + \eta P\,\big(\phi(q) - H y_j\big),\quad y_0 = 0,\quad
    H = K^\top K + \lambda I$$

    hence $o = V^\top K \sum_{j<T}\eta\,(I - \eta P H)^j P\,\phi(q)$: the weight of every eigenvalue s of H (P = I) is
    $(1-(1-\eta s)^T)/s$, which tends to ridge attention where $\eta s < 2$. With momentum the increments are those of
    the heavy ball, or Nesterov's. The attention weights are $\phi(k_i)^\top y_T$.

    Args:
        queries: q.
        keys: k_i.
        values: v_i.
        steps: T.
        learning_rate: eta.
        ridge: lambda.
        momentum: mu; none unless given.
        nesterov: look ahead, as optax.trace does.
        preconditioner: P, symmetric; the identity unless given.
        feature_map: phi.
        mask: which keys each query sees; all of them unless given.

    Source: von Oswald et al. 2023, arXiv 2212.07677 (steps as layers); Ahn et al. 2023, arXiv 2306.00297 (P); the
    filter: Yao et al. 2007, "On early stopping in gradient descent learning", section 2.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, value = jnp.ones((1, 1)), jnp.array([[8.0]])
        >>> [float(descent_attention(key, key, value, steps=t, learning_rate=0.5)[0, 0]) for t in (1, 2, 3)]
        [4.0, 6.0, 7.0]
    """
    q, k, v, rate, penalty, kept, metric = widen(queries, keys, values, learning_rate, ridge, momentum, preconditioner)
    phi = jax.vmap(feature_map)
    key_features, query_features = phi(k), phi(q)

    def residual(y: Float[Array, "t r"]) -> Float[Array, "t r"]:
        left = query_features - _hide_unseen(y @ key_features.T, mask) @ key_features - penalty * y
        return left if metric is None else left @ metric.T

    def one_step(state: _Iterate, _: None) -> tuple[_Iterate, None]:
        y, velocity = state
        now = residual(y)
        if kept is None:
            return (y + rate * now, velocity), None
        velocity = now + kept * velocity
        increment = now + kept * velocity if nesterov else velocity
        return (y + rate * increment, velocity), None

    zero = jnp.zeros_like(query_features)
    (refined, _), _ = jax.lax.scan(one_step, (zero, zero), None, length=steps)
    return narrow(_hide_unseen(refined @ key_features.T, mask) @ v, queries, keys, values)


def _hide_unseen(weights: Float[Array, "t n"], mask: Bool[Array, "t n"] | None) -> Float[Array, "t n"]:
    return weights if mask is None else jnp.where(mask, weights, jnp.zeros_like(weights))
