"""Selectors that need no scores: chance, recency, popularity."""

import numpy as np

from lrgd_jax.recommend.selection.pool import Order, Pool, rank_by_value

__all__ = ["popular", "random", "recent", "steps_before_end"]


def random(pool: Pool, rng: np.random.Generator) -> Order:
    """In random order."""
    return rng.permutation(len(pool))


def recent(pool: Pool, rng: np.random.Generator) -> Order:
    """The latest first; where only the order within a user is known, each user's last before anyone's last but one."""
    times = pool.model.demonstrations.times
    return rank_by_value(
        -steps_before_end(pool.model.demonstrations.users) if times is None else times.astype(float), rng
    )


def popular(pool: Pool, rng: np.random.Generator) -> Order:
    """Those first whose target was taken most often."""
    return rank_by_value(pool.model.initial.counts()[pool.model.demonstrations.targets], rng)


def steps_before_end(users: np.ndarray) -> np.ndarray:
    """How many transitions of the same user come after each; neighbouring entries of one user are in order."""
    last = np.append(np.flatnonzero(np.diff(users)), len(users) - 1)
    return (last[np.searchsorted(last, np.arange(len(users)))] - np.arange(len(users))).astype(float)
