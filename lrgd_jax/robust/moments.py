r"""Mean and mean square of what a random perturbation does to an output that is linear in what is perturbed.

An output of linear attention is $o = b + \sum_i g_i v_i$ with influences $g_i$; under a regulariser the influences
change (`lrgd_jax.robust.regularisers`), the formulas stay.
"""

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lrgd_jax.robust.prediction import check_rate, check_strength

__all__ = ["Moments", "dropout_moments", "linear_noise_moments", "swap_moments", "target_noise_moments"]


@struct.dataclass
class Moments:
    r"""Of the change of an output.

    Attributes:
        mean: $\mathbb E\,\Delta o$, shape [dv].
        mean_square: $\mathbb E\,\|\Delta o\|^2$.

    Examples:
        >>> import jax.numpy as jnp
        >>> moments = target_noise_moments(jnp.array([1.0, 3.0]), width=1, strength=0.5)
        >>> moments.mean.tolist(), float(moments.mean_square)
        ([0.0], 2.5)
    """

    mean: Float[Array, " dv"]
    mean_square: Float[Array, ""]


def target_noise_moments(influences: Float[Array, " n"], width: int, strength: float) -> Moments:
    r"""Noise of deviation $\sigma$ on every target: mean zero, mean square $\sigma^2 d_v\sum_i g_i^2$.

    Args:
        influences: g_i, the derivative of the output by the i-th target.
        width: dv.
        strength: sigma.

    Raises:
        ValueError: the strength is negative.

    Examples:
        >>> import jax.numpy as jnp
        >>> float(target_noise_moments(jnp.array([1.0, 3.0]), width=1, strength=0.5).mean_square)  # 0.25 (1 + 9)
        2.5
    """
    check_strength("target_noise_moments", strength)
    square = jnp.asarray(strength**2 * width, influences.dtype) * jnp.sum(influences**2)
    return Moments(jnp.zeros((width,), influences.dtype), square)


def linear_noise_moments(jacobians: Float[Array, "*k dv d"], strength: float) -> Moments:
    r"""Noise of deviation $\sigma$ on vectors in which the output is linear: mean zero, $\sigma^2\sum_k\|J_k\|_F^2$.

    For keys of linear attention $J_i = g'_i v_i q^\top$, for its query $J = W_1$.

    Args:
        jacobians: J, of the output by each perturbed vector.
        strength: sigma.

    Raises:
        ValueError: the strength is negative.

    Examples:
        >>> import jax.numpy as jnp
        >>> float(linear_noise_moments(jnp.array([[3.0, 4.0]]), strength=2.0).mean_square)  # 4 * 25
        100.0
    """
    check_strength("linear_noise_moments", strength)
    square = jnp.asarray(strength**2, jacobians.dtype) * jnp.sum(jacobians**2)
    return Moments(jnp.zeros((jacobians.shape[-2],), jacobians.dtype), square)


def dropout_moments(contributions: Float[Array, "n dv"], rate: float) -> Moments:
    r"""Demonstrations dropped with probability p: mean $-p\sum C_i$, covariance $p(1-p)\sum C_iC_i^\top$.

    Args:
        contributions: C_i = g_i v_i.
        rate: p.

    Raises:
        ValueError: the rate lies outside [0, 1].

    Source: claim `demonstration-dropout`.

    Examples:
        >>> import jax.numpy as jnp
        >>> moments = dropout_moments(jnp.array([[1.0], [3.0]]), rate=0.5)
        >>> moments.mean.tolist(), float(moments.mean_square)  # 4 + 0.25 (1 + 9)
        ([-2.0], 6.5)
    """
    check_rate("dropout_moments", rate)
    p = jnp.asarray(rate, contributions.dtype)
    mean = -p * jnp.sum(contributions, axis=0)
    return Moments(mean, jnp.sum(mean**2) + p * (1 - p) * jnp.sum(contributions**2))


def swap_moments(influences: Float[Array, " n"], values: Float[Array, "n dv"], rate: float) -> Moments:
    r"""With probability p a random pair swaps its targets, which moves the output by $(g_i-g_j)(v_j-v_i)$.

    Args:
        influences: g_i.
        values: v_i, of at least two demonstrations.
        rate: p.

    Raises:
        ValueError: the rate lies outside [0, 1], or there is no pair.

    Examples:
        >>> import jax.numpy as jnp
        >>> moments = swap_moments(jnp.array([1.0, 3.0]), jnp.array([[3.0], [5.0]]), rate=1.0)
        >>> moments.mean.tolist(), float(moments.mean_square)  # (1 - 3)(5 - 3) = -4
        ([-4.0], 16.0)
    """
    check_rate("swap_moments", rate)
    n = values.shape[0]
    if n < 2:
        raise ValueError(f"swap_moments: two demonstrations are needed to swap, got {n}")
    apart = influences[:, None] - influences[None, :]
    moves = apart[:, :, None] * (values[None, :, :] - values[:, None, :])
    chance = jnp.asarray(rate / (n * (n - 1)), values.dtype)
    return Moments(chance * jnp.sum(moves, axis=(0, 1)), chance * jnp.sum(moves**2))
