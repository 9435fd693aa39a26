r"""How far two demonstrations do together what neither does alone: the Shapley interaction index of pairs."""

# jax leaves arguments of array functions without types
# pyright: reportUnknownMemberType=false

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lrgd_jax.effect.losses import GatedLoss
from lrgd_jax.effect.shapley import LARGEST
from lrgd_jax.effect.subsets import subset_losses

__all__ = ["Interactions", "exact_interactions", "interactions_squared_loss", "shapley_interactions_of"]


@dataclass(frozen=True)
class Interactions:
    """One number a pair of demonstrations, in units of the loss.

    Positive: together they lower the loss by more than apart. Negative: each makes the other superfluous, as copies do.

    Attributes:
        values: symmetric, shape [N, N]; zero on the diagonal.
        cost: in forward passes of one prompt, by multiplications.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.effect import Interactions
        >>> Interactions(np.array([[0.0, -2.0], [-2.0, 0.0]]), cost=4.0).pairs()
        [(0, 1)]
    """

    values: Float[np.ndarray, "N N"]
    cost: float

    def pairs(self) -> list[tuple[int, int]]:
        """All pairs i < j, the strongest interaction first."""
        first, second = np.triu_indices(len(self.values), 1)
        order = np.argsort(-np.abs(self.values[first, second]), kind="stable")
        return [(int(first[k]), int(second[k])) for k in order]


def shapley_interactions_of(payoffs: Float[np.ndarray, " subsets"]) -> Float[np.ndarray, "N N"]:
    r"""The Shapley interaction index of every pair of players of a game.

    $$I_{ij} = \sum_{S\not\ni i,j}\frac{|S|!\,(N-2-|S|)!}{(N-1)!}\,
    \big(u(S\cup\{i,j\}) - u(S\cup i) - u(S\cup j) + u(S)\big)$$

    Args:
        payoffs: u of each subset; demonstration i is in subset number s where bit i of s is set.

    Returns:
        A symmetric matrix, zero on its diagonal.

    Raises:
        ValueError: the number of payoffs is no power of two, or there are fewer than two players.

    Source: Grabisch & Roubens 1999, "An axiomatic approach to the concept of interaction among players in cooperative
    games", definition 1 for two players.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.effect import shapley_interactions_of
        >>> shapley_interactions_of(np.array([0.0, 1.0, 2.0, 5.0])).tolist()  # nobody, first, second, both
        [[0.0, 2.0], [2.0, 0.0]]
    """
    n = len(payoffs).bit_length() - 1
    if len(payoffs) != 1 << n or n < 2:
        raise ValueError(f"a game of N players has 2^N payoffs, and a pair needs N = 2 or more; got {len(payoffs)}")
    subsets = np.arange(1 << n)
    sizes = np.array([s.bit_count() for s in subsets.tolist()])
    values = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            one, other = 1 << i, 1 << j
            without = subsets[(subsets & (one | other)) == 0]
            shares = np.array([1 / ((n - 1) * math.comb(n - 2, size)) for size in sizes[without].tolist()])
            apart = payoffs[without | one] + payoffs[without | other]
            values[i, j] = values[j, i] = shares @ (payoffs[without | one | other] - apart + payoffs[without])
    return values


def check_interactions(demonstrations: int) -> None:
    """Raises ValueError where there is no pair, or all subsets are too many to be tried."""
    if not 2 <= demonstrations <= LARGEST:
        raise ValueError(
            f"interactions are of pairs and take all 2^N subsets, so they need 2 to {LARGEST} demonstrations; "
            f"got {demonstrations}"
        )


def exact_interactions(loss: GatedLoss, *, batch: int = 1) -> Interactions:
    """The Shapley interaction index of all pairs for the fall of the loss, by all 2^N subsets.

    Of a prompt's rates the subsets are read together (`lrgd_jax.effect.subset_losses`) where that costs less.

    Args:
        loss: of rates or gates, at zero or one each.
        batch: how many losses are computed together.

    Raises:
        ValueError: there are fewer than two demonstrations, or more than `LARGEST`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import FunctionLoss, exact_interactions
        >>> loss = FunctionLoss(lambda gates: 4 - 3 * gates[0] * gates[1], demonstrations=2)
        >>> exact_interactions(loss).values.tolist()
        [[0.0, 3.0], [3.0, 0.0]]
    """
    check_interactions(loss.demonstrations)
    losses, cost = subset_losses(loss, batch=batch)
    return Interactions(shapley_interactions_of(-losses), cost)


def interactions_squared_loss(contributions: Float[Array, "n o"]) -> Float[Array, "n n"]:
    r"""The Shapley interaction index for the payoff $u(S) = -\tfrac12\|y - o_0 - \sum_{i\in S}C_i\|^2$.

    $$I_{ij} = -\langle C_i,\,C_j\rangle,\qquad i\ne j$$

    It knows neither the target nor the zero-shot output: demonstrations that push the output the same way take from
    each other, whether they push it well or not.

    Args:
        contributions: C_i, from `lrgd_jax.effect.contributions`; outputs must be sums of them.

    Returns:
        A symmetric matrix, zero on its diagonal.

    Source: the claim `shapley-interactions`, proved there.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lrgd_jax.effect import interactions_squared_loss
        >>> interactions_squared_loss(jnp.array([[1.0, 0.0], [2.0, 1.0]])).tolist()
        [[0.0, -2.0], [-2.0, 0.0]]
    """
    apart = jnp.eye(contributions.shape[0], dtype=contributions.dtype) - 1
    return (contributions @ contributions.T) * apart
