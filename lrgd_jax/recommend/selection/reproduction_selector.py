"""A selector that tries to say what the whole context says, without a label."""

import numpy as np
import scipy.sparse as sp

from lrgd_jax.recommend.effect.first_order import first_order_effects
from lrgd_jax.recommend.measure.sparse_scores import sparse_blocks
from lrgd_jax.recommend.selection.pool import Order, Pool, rank_by_value
from lrgd_jax.recommend.sparse_matrices import entries_at, product, row_numbers

__all__ = ["reproduce"]

ROUNDS = 6
"""How often the chosen part of the context doubles before it reaches the largest budget."""
LISTS = 20
"""How many of each user's best items are to be scored as in the whole context."""


def reproduce(pool: Pool, rng: np.random.Generator) -> Order:
    r"""Greedily the subset whose scores come nearest to those of the whole context.

    With s the whole context's scores of each served user's best items and $s_S$ those of the chosen, the next have the
    largest $\langle\partial s/\partial\eta_i, s - s_S\rangle$: matching pursuit, in rounds that double. Contributions
    are never negative, so a subset never overshoots and the residual keeps its sign.

    Source:
        Mallat and Zhang 1993, IEEE Transactions on Signal Processing 41(12).
    """
    wanted = _best_scores(pool)
    chosen = np.zeros(0, np.int64)
    for k in range(ROUNDS, -1, -1):
        missing = sp.csr_array(wanted - _scores_of_choice(pool, chosen, wanted))
        gains = first_order_effects(pool.model, pool.queries, missing)
        gains[chosen] = -np.inf
        fresh = max(pool.largest >> k, 1) - len(chosen)
        chosen = np.concatenate([chosen, rank_by_value(gains, rng)[:fresh]])
    return chosen


def _best_scores(pool: Pool) -> sp.csr_array:
    """The whole context's scores of each user's best items, without the initial weights' part."""
    parts = []
    for _, scores in sparse_blocks(pool.model, pool.queries):
        rows, columns, values = scores.best(LISTS)
        parts.append(sp.csr_array((values - scores.base[columns], (rows, columns)), shape=scores.touched.shape))
    return sp.csr_array(sp.vstack(parts, "csr"))


def _scores_of_choice(pool: Pool, chosen: Order, wanted: sp.csr_array) -> sp.csr_array:
    """What the chosen demonstrations say at the wanted places."""
    if not len(chosen):
        return sp.csr_array(wanted.shape)
    rates = np.zeros(len(pool))
    rates[chosen] = 1.0
    model = pool.model.with_rates(rates)
    carried = product(model.queries(pool.queries.histories), model.dual_weights)
    rows = row_numbers(wanted)
    said = entries_at(carried, rows, wanted.indices)[0] * model.target_scales()[wanted.indices]
    return sp.csr_array((said, wanted.indices.copy(), wanted.indptr.copy()), shape=wanted.shape)
