"""The Shapley values for a squared loss, in closed form: N inner products in place of 2^N losses."""

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["shapley_squared_loss"]


def shapley_squared_loss(
    contributions: Float[Array, "n o"], target: Float[Array, " o"], zero_shot: Float[Array, " o"]
) -> Float[Array, " n"]:
    r"""The Shapley values of the payoff $u(S) = -\tfrac12\|y - o_0 - \sum_{i\in S}C_i\|^2$.

    $$\phi_i = \langle C_i,\; y - o_0 - \tfrac12\textstyle\sum_j C_j\rangle$$

    Outputs must be sums of contributions: linear attention, or normalised attention with a common normaliser. The
    Aumann-Shapley values are the same ones.

    Args:
        contributions: C_i, from `lrgd_jax.effect.contributions`.
        target: y.
        zero_shot: o_0.

    Source: the claim `shapley-squared-loss`, proved there.
    """
    residual = target - zero_shot - jnp.sum(contributions, axis=0) / 2
    return contributions @ residual
