"""Selectors by similarity to the users who are served: cosine of keys, attention weight, and with diversity."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.selection.greedy_diversity import greedy_dpp, greedy_mmr
from lrgd_jax.recommend.selection.pool import Order, Pool, rank_by_value
from lrgd_jax.recommend.sparse_matrices import unit_rows

__all__ = ["attention", "dpp", "mmr", "similar"]

DIVERSITY = 0.5
"""Share of redundancy in maximal marginal relevance; the middle of its range."""
SHORTLIST, DPP_BUDGET = 8000, 1000
"""A determinantal process is chosen among so many candidates at most, up to so many."""


def similar(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks by the cosine of the key and the mean of the served users' queries, each of length one."""
    return rank_by_value(_cosines(pool), rng)


def attention(pool: Pool, rng: np.random.Generator) -> Order:
    r"""Ranks by the attention that the served users pay in all, $\sum_u\langle x_i,q_u\rangle\,c_{y_i}^{-\beta}$."""
    return rank_by_value(attention_mass(pool), rng)


def mmr(pool: Pool, rng: np.random.Generator) -> Order:
    """Ranks by maximal marginal relevance: cosine to the served users, less the largest to a chosen demonstration."""
    return greedy_mmr(_cosines(pool) + 1e-12 * rng.random(len(pool)), unit_rows(_pairs(pool)), pool.largest, DIVERSITY)


def dpp(pool: Pool, rng: np.random.Generator) -> Order:
    """Takes the greedy mode of a determinantal process: quality attention mass, similarity cosine of keys and targets.

    Among the candidates with the largest mass, up to `DPP_BUDGET`.
    """
    mass = attention_mass(pool)
    shortlist = rank_by_value(mass, rng)[:SHORTLIST]
    quality = np.sqrt(np.maximum(mass[shortlist], np.finfo(float).tiny))
    return shortlist[greedy_dpp(unit_rows(_pairs(pool)[shortlist]), quality, min(DPP_BUDGET, pool.largest))]


def attention_mass(pool: Pool) -> Float[np.ndarray, " N"]:
    """Attention of the mean query, with the scale of the target."""
    model = pool.model
    mean = np.asarray(model.queries(pool.queries.histories).mean(axis=0)).ravel()
    demonstrations = model.demonstrations
    return (demonstrations.keys @ mean) * model.target_scales()[demonstrations.targets]


def _cosines(pool: Pool) -> Float[np.ndarray, " N"]:
    mean = np.asarray(unit_rows(pool.model.queries(pool.queries.histories)).mean(axis=0)).ravel()
    return unit_rows(pool.model.demonstrations.keys) @ mean


def _pairs(pool: Pool) -> sp.csr_array:
    """Key and target side by side, each of length one: two demonstrations are alike where both are."""
    demonstrations = pool.model.demonstrations
    return sp.csr_array(sp.hstack([unit_rows(demonstrations.keys), demonstrations.target_matrix()], "csr"))
