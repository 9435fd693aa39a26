"""Perturbed data: interactions that are wrong, lost or out of order, in what is demonstrated or in what is asked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.transitions import Transitions, transitions

__all__ = ["PERTURBATIONS", "PerturbedData", "perturb_lists", "perturb_queries"]


@dataclass(frozen=True)
class PerturbedData:
    """What a recommender is made of after a perturbation.

    Attributes:
        demonstrations: the transitions.
        counted: the interactions that popularity counts.
    """

    demonstrations: Transitions
    counted: Sequences


def perturb_lists(
    kind: str, sequences: Sequences, keys: HistoryKeys, items: int, strength: float, seed: int
) -> PerturbedData:
    """Demonstrations from perturbed lists.

    * target noise: an interaction is recorded as another, any item; only where it is the target.
    * key noise: the same, only where it is part of a history.
    * lost interactions: it is not recorded at all.
    * shuffled histories: a user's whole list is put into random order.
    * cold items: interactions with a random half of the items are lost.
    * query noise: the demonstrations stay as they are (see `perturbed_queries`).

    Args:
        kind: kind of the perturbation.
        sequences: one list a user.
        keys: how a history becomes a key.
        items: size of the catalogue.
        strength: the probability that an interaction, or a list, is hit.
        seed: seed of what is hit, and by what.

    Raises:
        ValueError: there is no such perturbation, or the strength is no probability.
    """
    _check(kind, strength)
    rng = np.random.default_rng([seed, list(PERTURBATIONS).index(kind)])
    return PERTURBATIONS[kind](sequences, keys, items, strength, rng)


def perturb_queries(queries: Queries, items: int, strength: float, seed: int) -> Queries:
    """The same questions after histories in which interactions were recorded as others, any item.

    Raises:
        ValueError: the strength is no probability.
    """
    _check("query noise", strength)
    rng = np.random.default_rng([seed, list(PERTURBATIONS).index("query noise")])
    return replace(queries, histories=_replace_items(queries.histories, items, strength, rng))


def _target_noise(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    noisy = _replace_items(sequences, items, strength, rng)
    targets = transitions(noisy, keys, items).targets
    return PerturbedData(replace(transitions(sequences, keys, items), targets=targets), noisy)


def _key_noise(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    noisy = transitions(_replace_items(sequences, items, strength, rng), keys, items)
    return PerturbedData(replace(noisy, targets=transitions(sequences, keys, items).targets), sequences)


def _lose(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    return _leave(_keep(sequences, rng.random(len(sequences.items)) >= strength), keys, items, strength, rng)


def _lose_cold_items(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    cold = rng.permutation(items) < items // 2
    hit = cold[sequences.items] & (rng.random(len(sequences.items)) < strength)
    return _leave(_keep(sequences, ~hit), keys, items, strength, rng)


def _shuffle(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    """Lists that are hit are sorted by a random number, the others by their place."""
    hit = (rng.random(len(sequences)) < strength)[sequences.owners]
    places = np.where(hit, rng.random(len(hit)), sequences.positions)
    order = np.lexsort((places, sequences.owners))
    return _leave(replace(sequences.without_times(), items=sequences.items[order]), keys, items, strength, rng)


def _leave(
    sequences: Sequences, keys: HistoryKeys, items: int, strength: float, rng: np.random.Generator
) -> PerturbedData:
    return PerturbedData(transitions(sequences, keys, items), sequences)


PERTURBATIONS: dict[str, Callable[[Sequences, HistoryKeys, int, float, np.random.Generator], PerturbedData]] = {
    "target noise": _target_noise,
    "key noise": _key_noise,
    "query noise": _leave,
    "lost interactions": _lose,
    "shuffled histories": _shuffle,
    "cold items": _lose_cold_items,
}


def _replace_items(sequences: Sequences, items: int, strength: float, rng: np.random.Generator) -> Sequences:
    """Any item stands where an interaction was hit."""
    hit = rng.random(len(sequences.items)) < strength
    return replace(sequences, items=np.where(hit, rng.integers(0, items, len(hit)), sequences.items))


def _keep(sequences: Sequences, stays: Bool[np.ndarray, " m"]) -> Sequences:
    """The lists without some of their entries; a list may be left empty."""
    lengths: Int[np.ndarray, " n"] = np.bincount(sequences.owners[stays], minlength=len(sequences))
    return sequences.pick(np.concatenate([[0], np.cumsum(lengths)]), stays)


def _check(kind: str, strength: float) -> None:
    if kind not in PERTURBATIONS:
        raise ValueError(f"there is no perturbation {kind!r}; known are {', '.join(PERTURBATIONS)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"the strength of a perturbation is a probability in [0, 1], got {strength}")
