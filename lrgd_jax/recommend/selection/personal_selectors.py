"""Selectors of a small context for one user, out of what this user attends to."""

import numpy as np

from lrgd_jax.recommend.selection.greedy_diversity import greedy_dpp, greedy_mmr
from lrgd_jax.recommend.selection.personal_candidates import Candidates, PersonalSelector
from lrgd_jax.recommend.selection.pool import Order

__all__ = ["attention_of_helpful", "dpp", "mmr", "random", "rank_by", "recent", "reproduce"]

DIVERSITY = 0.5


def rank_by(name: str) -> PersonalSelector:
    """Ranks by one of the columns, the largest first, ties in random order."""

    def selector(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
        return np.lexsort((rng.random(len(candidates)), -getattr(candidates, name)))[:count]

    return selector


def random(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Ranks at random."""
    return rng.permutation(len(candidates))[:count]


def recent(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Ranks the latest in their own user's history first."""
    return np.lexsort((rng.random(len(candidates)), candidates.ages))[:count]


def mmr(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Ranks by maximal marginal relevance of the cosines."""
    return greedy_mmr(candidates.cosines, candidates.rows, count, DIVERSITY)


def dpp(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Takes the greedy mode of a determinantal process with the attention weights as qualities."""
    return greedy_dpp(candidates.rows, np.maximum(candidates.weights, np.finfo(float).tiny), count)


def reproduce(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    r"""Matching pursuit of the whole context's scores: the next has the largest $w_i\,(s - s_S)_{y_i}$."""
    _, item = np.unique(candidates.targets, return_inverse=True)
    missing = np.bincount(item, candidates.weights)
    left = candidates.weights.copy()
    chosen = np.empty(min(count, len(left)), np.int64)
    for step in range(len(chosen)):
        chosen[step] = best = int(np.argmax(np.where(left > 0, left * missing[item], -np.inf)))
        missing[item[best]] -= left[best]
        left[best] = 0.0
    return chosen


def attention_of_helpful(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Ranks by attention weight, those that harmed the validation users last."""
    return np.lexsort((-candidates.weights, candidates.values <= 0))[:count]
