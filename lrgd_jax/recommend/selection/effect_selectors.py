"""Stage one: selectors by the effect on validation users, plain, iterated, without redundancy, under perturbation."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.selection.pool import Order, Pool, pool_effects, rank_by_value
from lrgd_jax.recommend.sparse_matrices import unit_rows

__all__ = ["effect", "iterated", "non_redundant", "robust"]

KEPT = 0.5
"""Share of the pool that survives each round of `iterated`, and each perturbation of `robust`."""
DRAWS, CAUTION = 3, 1.0
"""Perturbations, and how many standard deviations are taken off the mean effect."""
REDUNDANCY = 0.5
"""How much of an effect is lost to a chosen demonstration with the same key and target."""


def effect(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks by the first-order effect in the whole context, all in one pass."""
    return rank_by_value(pool_effects(pool), rng)


def iterated(pool: Pool, rng: np.random.Generator) -> Order:
    """Drops the half with the lowest effect, asks anew in the smaller context, and so on."""
    left, dropped = np.arange(len(pool)), []
    while True:
        rates = np.zeros(len(pool))
        rates[left] = 1.0
        ranked = left[rank_by_value(pool_effects(pool, rates)[left], rng)]
        keep = int(len(ranked) * KEPT)
        if keep < 2:
            return np.concatenate([ranked, *reversed(dropped)])[: pool.largest]
        left = ranked[:keep]
        dropped.append(ranked[keep:])


def non_redundant(pool: Pool, rng: np.random.Generator) -> Order:
    r"""Ranks by the effect, less a share of it for each chosen one with the same target and a similar key.

    $e_i(1 - \rho\max_j\cos(x_i, x_j))$ over the chosen j with the same target, greedily; an effect below zero is
    left as it is.
    """
    values = pool_effects(pool)
    return rank_by_value(_marginal_values(values, pool), rng)


def robust(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks by the mean effect less its standard deviation, over random halves of the context and of the users."""
    drawn = []
    for _ in range(DRAWS):
        rates = (rng.random(len(pool)) < KEPT).astype(float)
        asked = pool.queries.take(np.flatnonzero(rng.random(len(pool.queries)) < KEPT))
        drawn.append(pool_effects(pool, rates, asked))
    return rank_by_value(np.mean(drawn, axis=0) - CAUTION * np.std(drawn, axis=0), rng)


def _marginal_values(values: Float[np.ndarray, " N"], pool: Pool) -> Float[np.ndarray, " N"]:
    """The marginal value of each when it is chosen; targets do not mix, so each target's order is found alone."""
    keys, targets = unit_rows(pool.model.demonstrations.keys), pool.model.demonstrations.targets
    order = np.argsort(targets, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(targets[order])) + 1)
    marginal = values.copy()
    for group in groups:
        good = group[values[group] > 0]
        if len(good) > 1:
            marginal[good] = _marginal_of_equals(values[good], keys[good])
    return marginal


def _marginal_of_equals(values: Float[np.ndarray, " n"], keys: sp.csr_array) -> Float[np.ndarray, " n"]:
    cosines = (keys @ keys.T).toarray()
    alike, marginal = np.zeros(len(values)), np.full(len(values), np.nan)
    for _ in range(len(values)):
        now = np.where(np.isnan(marginal), values * (1 - REDUNDANCY * alike), -np.inf)
        best = int(np.argmax(now))
        marginal[best] = now[best]
        alike = np.maximum(alike, cosines[best])
    return marginal
