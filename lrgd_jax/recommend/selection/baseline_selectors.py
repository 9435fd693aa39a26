"""Selectors that need no scores: chance, recency, popularity."""

import numpy as np

from lrgd_jax.recommend.forms.transitions import steps_before_end
from lrgd_jax.recommend.selection.pool import Order, Pool, rank_by_value

__all__ = ["popular", "random", "recent"]


def random(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks at random."""
    return rng.permutation(len(pool))


def recent(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks the latest first; where only each user's order is known, everybody's last before anyone's last but one."""
    times = pool.model.demonstrations.times
    return rank_by_value(-steps_before_end(pool.model.demonstrations) if times is None else times.astype(float), rng)


def popular(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks those first whose target was taken most often."""
    return rank_by_value(pool.model.initial.counts()[pool.model.demonstrations.targets], rng)
