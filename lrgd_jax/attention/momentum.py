"""Momentum as attention: weights that grow with a token's age."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.checks import check_decay
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, wide_format, widen
from lrgd_jax.types import FeatureMap

__all__ = ["momentum_attention", "momentum_weights"]


def momentum_weights(
    tokens: int, momentum: Float[Array, ""] | float, *, nesterov: bool = False, dtype: jax.typing.DTypeLike = float
) -> Float[Array, "n n"]:
    r"""How much token i counts at token t, by its age: $w_{t-i}$ for $i\le t$, else zero.

    $$w_a = \sum_{j=0}^{a}\mu^j = \frac{1-\mu^{a+1}}{1-\mu}$$

    With Nesterov's look-ahead each token is one momentum step older, $w_{a+1}$.

    Args:
        tokens: n.
        momentum: mu in [0, 1].
        nesterov: look ahead.
        dtype: of the weights, which are computed in float32 at least.

    Raises:
        ValueError: the momentum lies outside [0, 1].

    Examples:
        >>> momentum_weights(3, 0.5).tolist()
        [[1.0, 0.0, 0.0], [1.5, 1.0, 0.0], [1.75, 1.5, 1.0]]
    """
    check_decay("momentum_weights", momentum, name="momentum")
    wide = wide_format(dtype)
    mu, seen = jnp.asarray(momentum, wide), jnp.tri(tokens, dtype=wide)

    def token(row: Float[Array, " n"], seen: Float[Array, " n"]) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        row = seen + mu * row
        return row, row

    weights = jnp.asarray(jax.lax.scan(token, jnp.zeros((tokens,), wide), seen)[1])
    return (seen + mu * weights if nesterov else weights).astype(dtype)


def momentum_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    momentum: Float[Array, ""] | float,
    *,
    nesterov: bool = False,
    feature_map: FeatureMap = identity,
) -> Float[Array, "t dv"]:
    r"""Causal linear attention whose weights grow with age, as momentum makes them.

    $$o_t = \sum_{i\le t} w_{t-i}\, v_i\,\phi(k_i)^\top\phi(q_t),\qquad w_a = \frac{1-\mu^{a+1}}{1-\mu}$$

    Args:
        queries: of the last t tokens.
        keys: k_i.
        values: v_i.
        momentum: mu.
        nesterov: Nesterov's momentum in place of the heavy ball.
        feature_map: phi.

    Source: the heavy ball is Polyak 1964; the look-ahead as optax.trace has it; momentum in linear attention:
    Nguyen et al. 2022, arXiv 2208.00579, section 3. The closed form of the weights is elementary.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones = jnp.ones((3, 1))
        >>> momentum_attention(ones, ones, jnp.array([[4.0], [0.0], [0.0]]), 0.5).ravel().tolist()
        [4.0, 6.0, 7.0]
    """
    t, n = queries.shape[0], keys.shape[0]
    phi, (q, k, v, mu) = jax.vmap(feature_map), widen(queries, keys, values, momentum)
    by_age = momentum_weights(n, mu, nesterov=nesterov, dtype=v.dtype)[n - t :]
    return narrow((phi(q) @ phi(k).T * by_age) @ v, queries, keys, values)
