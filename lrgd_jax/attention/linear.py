"""Linear attention of one head: the quadratic and the recurrent form of the same sums."""

# the stubs of jax and flax leave parts of array functions, grad, field and lambdas under vmap without types
# pyright: reportUnknownMemberType=false

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.denominators import check_seen
from lrgd_jax.features import identity
from lrgd_jax.precision import narrow, wide_format, widen
from lrgd_jax.types import FeatureMap

__all__ = ["LinearState", "linear_attention", "recurrent_linear_attention"]


_KeyAndValue: TypeAlias = tuple[Float[Array, " r"], Float[Array, " dv"]]
_Step: TypeAlias = tuple[Float[Array, " r"], _KeyAndValue, _KeyAndValue]
"""A query, the key and value that enter, and those that leave the window."""


class LinearState(NamedTuple):
    """What the recurrent form keeps of the tokens it has read.

    Attributes:
        values: S = sum_i v_i phi(k_i)', shape [dv, r].
        normaliser: z = sum_i phi(k_i), shape [r].

    Examples:
        >>> LinearState.empty(value_width=2, features=3).values.shape
        (2, 3)
    """

    values: Float[Array, "dv r"]
    normaliser: Float[Array, " r"]

    @classmethod
    def empty(cls, value_width: int, features: int, dtype: jax.typing.DTypeLike = float) -> "LinearState":
        """The state before the first token, in float32 at least: it is added to as often as there are tokens."""
        dtype = wide_format(dtype)
        return cls(jnp.zeros((value_width, features), dtype), jnp.zeros((features,), dtype))


def linear_attention(
    queries: Float[Array, "t d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    feature_map: FeatureMap = identity,
    mask: Bool[Array, "t n"] | None = None,
    normalised: bool = False,
) -> Float[Array, "t dv"]:
    r"""Linear attention, all pairs at once.

    $$o_t = \sum_{i\,\text{visible}} v_i\,\phi(k_i)^\top\phi(q_t)\quad
    \Big[\text{divided by } \textstyle\sum_i \phi(k_i)^\top\phi(q_t) \text{ if normalised}\Big]$$

    Args:
        queries: q_t.
        keys: k_i.
        values: v_i.
        feature_map: phi.
        mask: which keys each query sees; all of them unless given.
        normalised: divide by the sum of the weights; where that is zero, the output is not a number.

    Raises:
        ValueError: a mask hides every key from a query whose output is a mean.

    Source: Katharopoulos et al. 2020, arXiv 2006.16236, eq. 4.

    Examples:
        >>> import jax.numpy as jnp
        >>> keys, values = jnp.array([[1.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0], [5.0]])
        >>> query = jnp.array([[1.0, 2.0]])  # its products with the keys are 1 and 3
        >>> linear_attention(query, keys, values).tolist()
        [[18.0]]
        >>> linear_attention(query, keys, values, normalised=True).tolist()
        [[4.5]]
    """
    if normalised:
        check_seen("linear_attention", mask)
    phi, (q, k, v) = jax.vmap(feature_map), widen(queries, keys, values)
    weights = phi(q) @ phi(k).T
    if mask is not None:
        weights = jnp.where(mask, weights, jnp.zeros_like(weights))
    outputs = weights @ v
    outputs = outputs / jnp.sum(weights, axis=1, keepdims=True) if normalised else outputs
    return narrow(outputs, queries, keys, values)


def recurrent_linear_attention(
    queries: Float[Array, "n d"],
    keys: Float[Array, "n d"],
    values: Float[Array, "n dv"],
    *,
    feature_map: FeatureMap = identity,
    normalised: bool = False,
    window: int | None = None,
    state: LinearState | None = None,
) -> tuple[Float[Array, "n dv"], LinearState]:
    r"""Causal linear attention, token by token in constant memory.

    $$S_t = S_{t-1} + v_t\phi(k_t)^\top,\quad z_t = z_{t-1} + \phi(k_t),\quad
    o_t = S_t\phi(q_t)\;\big[/\,z_t^\top\phi(q_t)\big]$$

    With a window w the token that leaves it, t - w, is subtracted again.

    Args:
        queries: one a token.
        keys: k_i.
        values: v_i.
        feature_map: phi.
        normalised: divide by the sum of the weights.
        window: how many tokens are kept; all unless given.
        state: from an earlier call, to go on from; not with a window, whose leaving tokens it does not hold.

    Returns:
        The outputs, and the state after the last token in float32 at least.

    Raises:
        ValueError: a state together with a window.

    Source: Katharopoulos et al. 2020, arXiv 2006.16236, eq. 16 to 20.

    Examples:
        >>> import jax.numpy as jnp
        >>> ones, values = jnp.ones((3, 1)), jnp.array([[1.0], [2.0], [4.0]])
        >>> outputs, state = recurrent_linear_attention(ones, ones, values)
        >>> outputs.ravel().tolist()
        [1.0, 3.0, 7.0]
        >>> recurrent_linear_attention(ones, ones, values, state=state)[0].ravel().tolist()  # goes on from there
        [8.0, 10.0, 14.0]
    """
    if state is not None and window is not None:
        raise ValueError(
            "recurrent_linear_attention: a state does not hold the tokens that will leave the window; "
            "give the whole sequence and no state, or no window"
        )
    phi = jax.vmap(feature_map)
    q, k, v, *known = widen(queries, keys, values, *(() if state is None else state))
    query_features, key_features = phi(q), phi(k)
    state = LinearState(*known) if known else LinearState.empty(v.shape[1], key_features.shape[1], v.dtype)
    entering = (key_features, v)
    leaving = _delay(key_features, window), _delay(v, window)

    def token(carry: LinearState, step: _Step) -> tuple[LinearState, Float[Array, " dv"]]:
        query, (key, value), (old_key, old_value) = step
        carry = LinearState(
            carry.values + jnp.outer(value, key) - jnp.outer(old_value, old_key),
            carry.normaliser + key - old_key,
        )
        output = carry.values @ query
        return carry, output / jnp.vdot(carry.normaliser, query) if normalised else output

    state, outputs = jax.lax.scan(token, state, (query_features, entering, leaving))
    return narrow(outputs, queries, keys, values), state


def _delay(x: Float[Array, "n r"], window: int | None) -> Float[Array, "n r"]:
    """Row t is x[t - window], zero where there is none."""
    if window is None or window >= x.shape[0]:
        return jnp.zeros_like(x)
    return jnp.concatenate([jnp.zeros_like(x[:window]), x[: x.shape[0] - window]])
