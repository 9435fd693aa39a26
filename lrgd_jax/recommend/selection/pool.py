"""What a selector for a shared context may see: the whole pool, and the users who are served."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.effect.list_loss import ListLoss
from lrgd_jax.recommend.forms.one_step import OneStep

__all__ = ["Order", "Pool", "Selector", "budget_rates", "pool_effects", "rank_by_value"]

Order: TypeAlias = Int[np.ndarray, " K"]
"""Numbers of demonstrations, the first one chosen first, so that a budget K takes the first K."""


@dataclass(frozen=True)
class Pool:
    """Demonstrations to choose from, and the validation users for whom they should be good.

    Attributes:
        model: the recommender with the whole pool as its context.
        queries: queries of validation users. Selectors that are not in `LABELLED` read the histories alone.
        largest: budget; an order need not go further.
        loss: what effects are effects on.

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.registry import build_from_histories
        >>> split = generate_split(0, users=40, items=60).without_times()
        >>> model = build_from_histories(split.train, 60, Meta(similarity=0.0))
        >>> pool = Pool(model, split.valid, largest=20, loss=ListLoss())
        >>> len(pool) == len(model.demonstrations)
        True
    """

    model: OneStep
    queries: Queries
    largest: int
    loss: ListLoss

    def __post_init__(self) -> None:
        if not 1 <= self.largest <= len(self.model.demonstrations):
            raise ValueError(
                f"a budget must lie between 1 and the {len(self.model.demonstrations)} demonstrations of the pool, "
                f"got {self.largest}"
            )
        if not len(self.queries):
            raise ValueError("a pool needs queries of validation users to choose for; there are none")

    def __len__(self) -> int:
        return len(self.model.demonstrations)


Selector: TypeAlias = Callable[[Pool, np.random.Generator], Order]


def budget_rates(order: Order, budget: int, demonstrations: int) -> Float[np.ndarray, " N"]:
    """Rate 1 for the first `budget` of an order, 0 for the others.

    Args:
        order: numbers of demonstrations, the first chosen first, shape [K].
        budget: how many of them are kept.
        demonstrations: N, how many there are.

    Returns:
        Shape [N].

    Raises:
        ValueError: the order is shorter than the budget.

    Examples:
        >>> budget_rates(np.array([3, 0, 2]), 2, demonstrations=4).tolist()
        [1.0, 0.0, 0.0, 1.0]
    """
    if not 0 <= budget <= len(order):
        raise ValueError(f"a budget of {budget} needs an order at least as long, got one of {len(order)}")
    rates = np.zeros(demonstrations)
    rates[order[:budget]] = 1.0
    return rates


def rank_by_value(values: Float[np.ndarray, " N"], rng: np.random.Generator) -> Order:
    """All numbers by decreasing value, equal ones in random order.

    Args:
        values: one a demonstration.
        rng: breaks ties.

    Returns:
        Shape [N].

    Examples:
        >>> rank_by_value(np.array([0.5, 2.0, -1.0]), np.random.default_rng(0)).tolist()
        [1, 0, 2]
    """
    return np.lexsort((rng.random(len(values)), -values))


def pool_effects(
    pool: Pool, rates: Float[np.ndarray, " N"] | None = None, queries: Queries | None = None
) -> np.ndarray:
    """First-order effects on the validation users' loss, at rates one or at other ones; shape [N].

    Args:
        pool: the demonstrations, and the users whose loss it is.
        rates: at which the effects are; all one unless given.
        queries: other users than the pool's.

    Returns:
        Positive where a larger rate lowers the loss, shape [N].

    Source:
        Claim `effect-is-data-value`.

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.registry import build_from_histories
        >>> split = generate_split(0, users=40, items=60).without_times()
        >>> model = build_from_histories(split.train, 60, Meta(similarity=0.0))
        >>> pool = Pool(model, split.valid, largest=20, loss=ListLoss())
        >>> effects = pool_effects(pool)
        >>> effects.shape == (len(pool),), bool((effects > 0).any() and (effects < 0).any())
        (True, True)
    """
    model = pool.model if rates is None else pool.model.with_rates(rates)
    asked = pool.queries if queries is None else queries
    return first_order_effects(model, asked, pool.loss(model, asked).residuals)
