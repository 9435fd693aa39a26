"""Test-time training of a linear memory by minibatches, as attention."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.chunks import cut, join
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, widen
from lrgd_jax.types import FeatureMap

__all__ = ["ttt_linear"]

_Chunk: TypeAlias = tuple[Float[Array, "c r"], Float[Array, "c r"], Float[Array, "c dv"], Float[Array, " c"]]
"""Queries, keys, values and rates of one inner minibatch."""


def ttt_linear(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    rates: Float[Array, " n"],
    *,
    feature_map: FeatureMap = identity,
    chunk: int = 16,
) -> Float[Array, "n dv"]:
    r"""Test-time training with inner minibatches: linear attention to the residuals at the start of the chunk.

    $$o_t = S\,\phi(q_t) + \sum_{i\le t} \eta_i\,\big(v_i - S\phi(k_i)\big)\,\phi(k_i)^\top\phi(q_t),\qquad
    S \leftarrow S + \sum_i \eta_i\,\big(v_i - S\phi(k_i)\big)\,\phi(k_i)^\top$$

    with sums over the tokens of a chunk; a chunk of one token is the delta rule.

    Args:
        queries: one a token.
        keys: k_i, the training views.
        values: v_i, the label views.
        rates: eta_i, the inner learning rates.
        feature_map: phi.
        chunk: tokens in an inner minibatch; the last one may be shorter.

    Raises:
        ValueError: the chunk is empty.

    Source: Sun et al. 2024, arXiv 2407.04620, sections 2.4 and 2.5 (dual form), without its inner layer norm and
    residual, and with 1/2 the squared error where the paper has the squared error.

    Examples:
        >>> import jax.numpy as jnp
        >>> key, values = jnp.ones((2, 1)), jnp.array([[4.0], [8.0]])
        >>> ttt_linear(key, key, values, jnp.full(2, 0.5), chunk=1).ravel().tolist()  # the delta rule
        [2.0, 5.0]
        >>> ttt_linear(key, key, values, jnp.full(2, 0.5), chunk=2).ravel().tolist()  # both residuals at the start
        [2.0, 6.0]
    """
    phi, (q, k, v, rates) = jax.vmap(feature_map), widen(queries, keys, values, rates)
    key_features = phi(k)
    blocks = cut(phi(q), chunk), cut(key_features, chunk), cut(v, chunk), cut(rates, chunk)

    def one_chunk(state: Float[Array, "dv r"], block: _Chunk) -> tuple[Float[Array, "dv r"], Float[Array, "c dv"]]:
        q, k, v, rate = block
        residuals = rate[:, None] * (v - k @ state.T)
        return state + residuals.T @ k, q @ state.T + jnp.tril(q @ k.T) @ residuals

    empty = jnp.zeros((v.shape[1], key_features.shape[1]), v.dtype)
    return narrow(join(jax.lax.scan(one_chunk, empty, blocks)[1], queries.shape[0]), queries, keys, values)
