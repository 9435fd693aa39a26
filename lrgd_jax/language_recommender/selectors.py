"""Which demonstrations a prompt shows: one table from no knowledge to stage one, and an oracle that sees the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.language_recommender.demonstration_effects import DemonstrationEffects
from lrgd_jax.language_recommender.demonstration_pool import AskedDemonstrations
from lrgd_jax.recommend.selection.effect_predictor import EffectPredictor
from lrgd_jax.recommend.selection.greedy_diversity import greedy_mmr
from lrgd_jax.recommend.sparse_matrices import unit_rows
from lrgd_jax.suggestions import did_you_mean

__all__ = ["ORACLE", "SELECTORS", "SelectorEntry", "ShortPool", "order_of", "selector_named", "short_pool"]

Reads: TypeAlias = Literal["histories", "validation users", "the model", "the answer"]
"""What a selector looks at beside the demonstrations themselves."""

CAUTION = 1.0
"""How many standard deviations are taken off a mean effect under perturbation."""
REDUNDANCY = 0.5
"""Share of redundancy in the greedy choice of stage one; the middle of its range, as in `recommend.selection`."""

ORACLE = "oracle"
"""Reads the answer: an upper bound, never served."""


class ShortPool(Protocol):
    """A few demonstrations that the model has read, all in one prompt whose answer is the user's own latest item."""

    @property
    def asked(self) -> AskedDemonstrations:
        """The demonstrations."""
        ...

    def effects(self) -> DemonstrationEffects:
        """On the likelihood of the user's own latest title."""
        ...

    def perturbed(self) -> Float[np.ndarray, "draws N"]:
        """Parts of Effect_D at perturbed rates, on the same."""
        ...

    def predictor(self) -> EffectPredictor | None:
        """Learnt on validation users from what the model's effects were there; None where nobody has."""
        ...

    def alone(self) -> Float[np.ndarray, " N"]:
        """Log-likelihood of the wanted title behind each demonstration alone; reads the answer."""
        ...


Select: TypeAlias = Callable[[AskedDemonstrations, ShortPool, int, np.random.Generator], AskedDemonstrations]
"""All that may be shown, the few that the model may read, how many, chance -> the chosen, the best first."""


@dataclass(frozen=True)
class SelectorEntry:
    """A line of the table.

    Attributes:
        select: the selector.
        description: one sentence.
        reads: what it looks at.

    Examples:
        >>> SELECTORS["none"].reads, SELECTORS["oracle"].reads
        ('histories', 'the answer')
    """

    select: Select
    description: str
    reads: Reads = "histories"


def order_of(values: Float[np.ndarray, " n"], count: int, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
    """Positions of the largest values, ties in random order.

    Examples:
        >>> order_of(np.array([0.5, 2.0, -1.0]), 2, np.random.default_rng(0)).tolist()
        [1, 0]
    """
    return np.lexsort((rng.random(len(values)), -values))[:count]


def short_pool(asked: AskedDemonstrations, count: int) -> AskedDemonstrations:
    """The demonstrations with the largest attention weights, among equals those with the nearest titles.

    Args:
        asked: all that may be shown.
        count: how many are kept at most.

    Examples:
        >>> from lrgd_jax.language_recommender import DemonstrationPool
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> split = generate_split(0, users=40, items=60)
        >>> pool = DemonstrationPool.of(split.catalogue, split.context("test"), np.ones(60, bool))
        >>> few = short_pool(pool.asked(split.test, 0), 3)
        >>> len(few), few.weights[0] == few.weights.max()
        (3, np.True_)
    """
    return asked.take(np.lexsort((-asked.latest, -asked.titles, -asked.weights))[:count])


def _nothing(asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator) -> AskedDemonstrations:
    return asked.take(np.zeros(0, np.int64))


def _random(asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator) -> AskedDemonstrations:
    return asked.take(rng.permutation(len(asked))[:count])


def _by(*names: str) -> Select:
    """Ranks by a column, equal ones by the next column."""

    def select(
        asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator
    ) -> AskedDemonstrations:
        columns = [-getattr(asked, name) for name in reversed(names)]
        return asked.take(np.lexsort((rng.random(len(asked)), *columns))[:count])

    return select


def _by_effect(read: Callable[[ShortPool], Float[np.ndarray, " N"]]) -> Select:
    """Ranks the short pool by what the model's passes say."""

    def select(
        asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator
    ) -> AskedDemonstrations:
        return pool.asked.take(order_of(read(pool), count, rng))

    return select


def _stage_one(
    asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator
) -> AskedDemonstrations:
    """Greedily the largest cautious effect under perturbation less redundancy."""
    drawn = pool.perturbed()
    relevance = drawn.mean(axis=0) - CAUTION * drawn.std(axis=0)
    demonstrations = pool.asked.pool.model.demonstrations.take(pool.asked.which)
    both = sp.hstack([unit_rows(demonstrations.keys), demonstrations.target_matrix()], "csr")
    return pool.asked.take(greedy_mmr(relevance, unit_rows(sp.csr_array(both)), count, REDUNDANCY))


def _learned(asked: AskedDemonstrations, pool: ShortPool, count: int, rng: np.random.Generator) -> AskedDemonstrations:
    predict = pool.predictor()
    if predict is None:
        raise ValueError(
            "the learned selector needs effects that were measured on validation users; choose another selector, or "
            "fit a predictor first"
        )
    return pool.asked.take(order_of(predict(pool.asked.features()), count, rng))


SELECTORS: Mapping[str, SelectorEntry] = MappingProxyType(
    {
        "none": SelectorEntry(_nothing, "No demonstration: the zero-shot prompt."),
        "random": SelectorEntry(_random, "Any transitions of other users from before."),
        "recent": SelectorEntry(_by("latest"), "The latest transitions of all."),
        "similar user": SelectorEntry(_by("users", "latest"), "The latest of the users with the most similar items."),
        "similar title": SelectorEntry(_by("titles", "latest"), "Whose latest title is most like the user's latest."),
        "attention": SelectorEntry(
            _by("weights", "titles"), "The largest attention weights of the one-step recommender."
        ),
        "data value": SelectorEntry(
            _by("values"), "What helped validation users most in the one-step recommender.", "validation users"
        ),
        "model attention": SelectorEntry(
            _by_effect(lambda pool: pool.effects().attention), "The model's own attention.", "the model"
        ),
        "first order": SelectorEntry(
            _by_effect(lambda pool: pool.effects().first_order),
            "First-order effect of the rate on the user's own latest title.",
            "the model",
        ),
        "contribution gate": SelectorEntry(
            _by_effect(lambda pool: pool.effects().gates),
            "First-order effect of the contribution gate on the same.",
            "the model",
        ),
        "stage one": SelectorEntry(
            _stage_one, "Greedily by Effect_D under perturbation, less redundancy.", "the model"
        ),
        "learned": SelectorEntry(
            _learned, "Effects that a regression learnt on validation users expects.", "validation users"
        ),
        ORACLE: SelectorEntry(
            _by_effect(lambda pool: pool.alone()),
            "The best alone for the wanted title: an upper bound that sees the answer.",
            "the answer",
        ),
    }
)
"""Name -> selector; a new one is a function and a line here. All that read the model choose from the short pool."""


def selector_named(name: str, *, served: bool = False) -> SelectorEntry:
    """A line of the table.

    Args:
        name: of the selector.
        served: whether the answer is not known, so that the oracle cannot be asked.

    Raises:
        ValueError: there is none of that name, or it reads the answer and is to be served.

    Examples:
        >>> selector_named("recent").reads
        'histories'
    """
    known = [one for one, entry in SELECTORS.items() if not (served and entry.reads == "the answer")]
    if name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(f"there is no selector {name!r}; {hint}{' ' if hint else ''}known are {', '.join(known)}")
    return SELECTORS[name]


def names_of(reads: Sequence[Reads]) -> list[str]:
    """Names of the selectors that look at one of some things."""
    return [name for name, entry in SELECTORS.items() if entry.reads in reads]
