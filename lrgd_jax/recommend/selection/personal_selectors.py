"""Selectors for one user: a small context out of the demonstrations that this user attends to at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.selection.greedy_diversity import greedy_dpp, greedy_mmr
from lrgd_jax.recommend.selection.pool import Order

__all__ = ["PERSONAL", "Candidates", "PersonalSelector"]

DIVERSITY = 0.5


@dataclass(frozen=True)
class Candidates:
    """The demonstrations that a user attends to and whose target is new to the user; what is known of them.

    Attributes:
        weights: what each adds to its target's score, attention weight times the target's scale, shape [n].
        targets: their items.
        cosines: of key and query.
        ages: transitions of the same past user that came after.
        values: data value on validation users.
        texts: BM25 score of the target's text for the words of the history; zeros without texts.
        pseudo: effect on the user's own latest item, asked from the history before it.
        expected: effect that a predictor learnt on validation users expects.
        rows: keys and targets side by side, rows of length one, shape [n, d].
    """

    weights: Float[np.ndarray, " n"]
    targets: Int[np.ndarray, " n"]
    cosines: Float[np.ndarray, " n"]
    ages: Float[np.ndarray, " n"]
    values: Float[np.ndarray, " n"]
    texts: Float[np.ndarray, " n"]
    pseudo: Float[np.ndarray, " n"]
    expected: Float[np.ndarray, " n"]
    rows: sp.csr_array

    def __len__(self) -> int:
        return len(self.targets)


PersonalSelector: TypeAlias = Callable[[Candidates, int, np.random.Generator], Order]
"""Candidates, the largest budget, chance -> positions among the candidates, the first chosen first."""


def ranked_by(name: str) -> PersonalSelector:
    """By one of the columns, the largest first, ties in random order."""

    def selector(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
        return np.lexsort((rng.random(len(candidates)), -getattr(candidates, name)))[:count]

    return selector


def random(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """In random order."""
    return rng.permutation(len(candidates))[:count]


def recent(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Latest in their own user's history first."""
    return np.lexsort((rng.random(len(candidates)), candidates.ages))[:count]


def mmr(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Maximal marginal relevance of the cosines."""
    return greedy_mmr(candidates.cosines, candidates.rows, count, DIVERSITY)


def dpp(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """Greedy mode of a determinantal process with the attention weights as qualities."""
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


def valued(candidates: Candidates, count: int, rng: np.random.Generator) -> Order:
    """By attention weight, those that harmed the validation users last."""
    return np.lexsort((-candidates.weights, candidates.values <= 0))[:count]


PERSONAL: Mapping[str, PersonalSelector] = MappingProxyType(
    {
        "random": random,
        "recent": recent,
        "similar": ranked_by("cosines"),
        "BM25": ranked_by("texts"),
        "MMR": mmr,
        "DPP": dpp,
        "attention": ranked_by("weights"),
        "reproduce": reproduce,
        "data value": ranked_by("values"),
        "attention, value positive": valued,
        "effect on a pseudo-target": ranked_by("pseudo"),
        "learned effect": ranked_by("expected"),
    }
)
"""Name -> selector."""
