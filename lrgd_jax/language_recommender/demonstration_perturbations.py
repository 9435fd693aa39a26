"""Demonstrations that are not what they should be: other targets, swapped items, shuffled histories, advertisements."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from lrgd_jax.language_recommender.prompts import TitledTransition

__all__ = ["PERTURBATIONS", "Perturbation"]

Perturbation: TypeAlias = Callable[
    [Sequence[TitledTransition], Sequence[int], np.random.Generator], list[TitledTransition]
]
"""Demonstrations, items that may stand in them, chance -> as many demonstrations."""


def wrong_target(
    demonstrations: Sequence[TitledTransition], items: Sequence[int], rng: np.random.Generator
) -> list[TitledTransition]:
    """Each history goes on with any item."""
    return [TitledTransition(one.history, int(rng.choice(items))) for one in demonstrations]


def swapped_items(
    demonstrations: Sequence[TitledTransition], items: Sequence[int], rng: np.random.Generator
) -> list[TitledTransition]:
    """The latest item of each history and the one that came next change places."""
    return [TitledTransition([*one.history[:-1], one.target], one.history[-1]) for one in demonstrations]


def shuffled_history(
    demonstrations: Sequence[TitledTransition], items: Sequence[int], rng: np.random.Generator
) -> list[TitledTransition]:
    """Each history in random order."""
    return [TitledTransition([int(i) for i in rng.permutation(one.history)], one.target) for one in demonstrations]


def advertisement(
    demonstrations: Sequence[TitledTransition], items: Sequence[int], rng: np.random.Generator
) -> list[TitledTransition]:
    """Every history goes on with one and the same item, the first of `items`."""
    return [TitledTransition(one.history, int(items[0])) for one in demonstrations]


PERTURBATIONS: Mapping[str, Perturbation] = MappingProxyType(
    {
        "wrong target": wrong_target,
        "swapped items": swapped_items,
        "shuffled history": shuffled_history,
        "advertisement": advertisement,
    }
)
"""Name -> perturbation; a new one is a function and a line here."""
