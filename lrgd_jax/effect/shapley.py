r"""Shapley values of demonstrations: by enumeration, by random permutations with intervals, in closed form."""

import math

import jax.numpy as jnp
import numpy as np
import scipy.stats  # pyright: ignore[reportMissingTypeStubs]
from jaxtyping import Array, Float

from lrgd_jax.effect.evaluation import losses_at
from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.scores import ScoreIntervals, Scores
from lrgd_jax.effect.subsets import subset_losses

__all__ = ["LARGEST", "exact_shapley", "permutation_shapley", "shapley_of", "shapley_squared_loss"]

LARGEST = 8
"""Most demonstrations for which all 2^N subsets are tried."""


def shapley_of(payoffs: Float[np.ndarray, " subsets"]) -> Float[np.ndarray, " N"]:
    r"""The Shapley values of a game.

    $$\phi_i = \sum_{S\not\ni i}\frac{|S|!\,(N-1-|S|)!}{N!}\,\big(u(S\cup i) - u(S)\big)$$

    Args:
        payoffs: u of each subset; demonstration i is in subset number s where bit i of s is set.

    Raises:
        ValueError: the number of payoffs is no power of two.

    Source: Shapley 1953; for data Ghorbani & Zou 2019, arXiv 1904.02868, eq. 1.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.effect import shapley_of
        >>> shapley_of(np.array([0.0, 1.0, 2.0, 5.0])).tolist()  # nobody, first, second, both
        [2.0, 3.0]
    """
    n = len(payoffs).bit_length() - 1
    if len(payoffs) != 1 << n:
        raise ValueError(f"a game of N players has 2^N payoffs, got {len(payoffs)}")
    subsets = np.arange(1 << n)
    sizes = np.array([s.bit_count() for s in subsets.tolist()])
    shares = np.array([1 / (n * math.comb(n - 1, size)) if size < n else 0.0 for size in sizes.tolist()])
    without = [subsets[(subsets >> i) & 1 == 0] for i in range(n)]
    return np.array([shares[s] @ (payoffs[s | (1 << i)] - payoffs[s]) for i, s in enumerate(without)])


def exact_shapley(loss: GatedLoss, *, batch: int = 1) -> Scores:
    """The Shapley values of the fall of the loss, by all 2^N subsets.

    Of a prompt's rates the subsets are read together (`lrgd_jax.effect.subset_losses`) where that costs less.

    Args:
        loss: of rates or gates, at zero or one each.
        batch: how many losses are computed together.

    Raises:
        ValueError: there are more than `LARGEST` demonstrations.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, exact_shapley
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> exact_shapley(loss).values.tolist()
        [1.0, 2.0]
    """
    n = loss.demonstrations
    if n > LARGEST:
        raise ValueError(
            f"exact_shapley tries all 2^N subsets and takes at most {LARGEST} demonstrations, got {n}; "
            "use permutation_shapley"
        )
    losses, cost = subset_losses(loss, batch=batch)
    return Scores(shapley_of(-losses), "exact Shapley", cost, float(losses[0] - losses[-1]))


def permutation_shapley(loss: GatedLoss, *, pairs: int, seed: int = 0, level: float = 0.95, batch: int = 1) -> Scores:
    r"""Shapley values by random orders of the demonstrations, each with its reverse; the interval is Student's t.

    The mean over one order and its reverse is unbiased, and exact for a loss that is quadratic in the gates: there the
    marginal contribution is linear in who came before, and everybody else comes before i in one of the two.

    Args:
        loss: of rates or gates, at zero or one each.
        pairs: of orders, at least two.
        seed: of the orders.
        level: of the confidence interval, for each demonstration by itself.
        batch: how many losses are computed together.

    Raises:
        ValueError: fewer than two pairs, or a level outside (0, 1).

    Source: Castro et al. 2009, "Polynomial calculation of the Shapley value based on sampling"; reversed orders:
    Mitchell et al. 2022, arXiv 2104.12199, section 4.1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, permutation_shapley
        >>> loss = FunctionLoss(lambda gates: 4 - gates @ jnp.array([1.0, 2.0]), demonstrations=2)
        >>> scores = permutation_shapley(loss, pairs=2)
        >>> scores.values.tolist(), scores.interval.level
        ([1.0, 2.0], 0.95)
    """
    if pairs < 2:
        raise ValueError(f"permutation_shapley: an interval needs at least two pairs of orders, got {pairs}")
    if not 0 < level < 1:
        raise ValueError(f"permutation_shapley: the level must lie between 0 and 1, got {level}")
    n = loss.demonstrations
    draws = np.random.default_rng(seed)
    forward = [draws.permutation(n) for _ in range(pairs)]
    orders = np.stack([order for one in forward for order in (one, one[::-1])])
    place = np.argsort(orders, axis=1)
    # row k of an order holds those that came in its first k places
    members = place[:, None, :] < np.arange(n + 1)[None, :, None]
    distinct, which = np.unique(members.reshape(-1, n), axis=0, return_inverse=True)
    losses = losses_at(loss, distinct.astype(float), batch=batch)
    falls = -np.diff(losses[which.reshape(2 * pairs, n + 1)], axis=1)
    samples = np.take_along_axis(falls, place, axis=1).reshape(pairs, 2, n).mean(axis=1)
    values = samples.mean(axis=0)
    quantile = float(scipy.stats.t.ppf((1 + level) / 2, pairs - 1))  # pyright: ignore[reportUnknownMemberType]
    half = quantile * samples.std(axis=0, ddof=1) / math.sqrt(pairs)
    # the least and the largest subset come first and last, sorted as they are
    whole = float(losses[0] - losses[-1])
    interval = ScoreIntervals(values - half, values + half, level)
    return Scores(values, f"permutation Shapley, {pairs} pairs", float(len(distinct)), whole, interval)


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

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import shapley_squared_loss
        >>> contributions = jnp.array([[1.0], [2.0]])
        >>> shapley_squared_loss(contributions, target=jnp.array([3.0]), zero_shot=jnp.array([0.0])).tolist()
        [1.5, 3.0]
    """
    residual = target - zero_shot - jnp.sum(contributions, axis=0) / 2
    return contributions @ residual
