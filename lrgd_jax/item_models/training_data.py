"""Episodes to train on: batches that follow from a seed and a step, and fixed ones to validate on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.item_models.demonstration_choice import choose
from lrgd_jax.item_models.episodes import NOTHING, Events, events_of_queries, events_of_sequences
from lrgd_jax.item_models.item_tables import text_vectors
from lrgd_jax.recommend.data.dataset import Split

__all__ = ["Batch", "CataloguePool", "EpisodeSizes", "catalogue_pool", "draw_batch"]

RANDOM = 4000
"""Demonstrations of a catalogue that are drawn without regard to any question."""


@dataclass(frozen=True)
class EpisodeSizes:
    """How large episodes are.

    Attributes:
        window: items of a history.
        demonstrations: most of one question; training draws fewer too.
        candidates: items that the target is told from.
        questions: most questions of a catalogue, for training and for validation each.
        similar: share of the questions that get similar demonstrations; the others get random ones.
    """

    window: int = 10
    demonstrations: int = 32
    candidates: int = 256
    questions: int = 600
    similar: float = 0.8


class CataloguePool(NamedTuple):
    """A catalogue to train on.

    Attributes:
        vectors: of the titles, padded to as many items as the largest catalogue has.
        items: how many there are.
        pool: demonstrations.
        asked: questions to train on, transitions of the training part, and those of the validation part.
        similar: for each question of either kind the demonstrations that are most like it.
    """

    vectors: Float[np.ndarray, "padded d"]
    items: int
    pool: Events
    asked: tuple[Events, Events]
    similar: tuple[Int[np.ndarray, "q n"], Int[np.ndarray, "v n"]]


class Batch(NamedTuple):
    """Questions with their demonstrations and the items to tell the target from; the target is the first of these.

    Attributes:
        questions: numbers into the questions of one part of a catalogue, shape [b].
        shown: their demonstrations, numbers into its pool, shape [b, n].
        there: which places hold a demonstration.
        candidates: items, shape [b, 1 + c].
        counted: which of them compete: not the target again, and nothing of the question's history.
    """

    questions: Int[np.ndarray, " b"]
    shown: Int[np.ndarray, "b n"]
    there: Bool[np.ndarray, "b n"]
    candidates: Int[np.ndarray, "b c1"]
    counted: Bool[np.ndarray, "b c1"]


def catalogue_pool(split: Split, sizes: EpisodeSizes, seed: int, *, where: str, padded: int = 0) -> CataloguePool:
    """Demonstrations and questions of one catalogue, all of its training and validation parts.

    Args:
        split: its data; the test part is not read.
        sizes: how much of it is used.
        seed: of what is used.
        where: what the catalogue is called in errors.
        padded: to how many items the vectors are padded with zeros.

    Raises:
        ValueError: the catalogue has no vectors, an item has none, or there is nothing to ask.
    """
    vectors = text_vectors(split.catalogue, where=where)
    rng = np.random.default_rng([seed, 1])
    known = events_of_sequences(split.context("valid"), sizes.window)
    questions = events_of_sequences(split.train, sizes.window), events_of_queries(split.valid, sizes.window)
    for part, there in zip(("training", "validation"), questions, strict=True):
        if not len(there):
            raise ValueError(f"{where} has nothing to ask in its {part} part; bring data in which users come back")
    asked = tuple(x.take(np.sort(rng.permutation(len(x))[: sizes.questions])) for x in questions)
    rows = [choose(known, x, vectors, sizes.demonstrations, "similar") for x in asked]
    # the most similar of all, and some random ones; what no question will be shown takes no memory
    random = rng.permutation(len(known))[:RANDOM]
    kept = np.unique(np.concatenate([*(x[x != NOTHING] for x in rows), random]))
    similar = tuple(np.where(x == NOTHING, NOTHING, np.searchsorted(kept, x)) for x in rows)
    table = np.zeros((max(padded, len(vectors)), vectors.shape[1]), np.float32)
    table[: len(vectors)] = vectors
    return CataloguePool(table, len(vectors), known.take(kept), (asked[0], asked[1]), (similar[0], similar[1]))


def draw_batch(
    own: CataloguePool, sizes: EpisodeSizes, size: int, seed: Sequence[int], *, validate: bool = False
) -> Batch:
    """A batch of one catalogue, which follows from the seed alone.

    Args:
        own: the catalogue.
        sizes: of the episodes.
        size: how many questions.
        seed: numbers, the step among them.
        validate: ask the validation questions, all with similar demonstrations and as many as can be.
    """
    rng, part = np.random.default_rng(list(seed)), int(validate)
    rows = rng.integers(len(own.asked[part]), size=size)
    question, shown = own.asked[part].take(rows), own.similar[part][rows]
    if validate:
        there = shown != NOTHING
    else:
        random, drawn = rng.random(size) >= sizes.similar, rng.integers(len(own.pool), size=shown.shape)
        shown = np.where(random[:, None], drawn, shown)
        counts = np.rint(np.exp2(rng.uniform(-1, np.log2(shown.shape[1] + 1), size)))
        there = (np.arange(shown.shape[1]) < counts[:, None]) & (shown != NOTHING)
        there &= _allowed(question, own.pool, shown)
    drawn = rng.integers(own.items, size=(size, sizes.candidates))
    candidates = np.concatenate([question.targets[:, None], drawn], axis=1)
    counted = (candidates[:, :, None] != question.histories[:, None, :]).all(axis=2)
    counted &= candidates != question.targets[:, None]
    counted[:, 0] = True
    return Batch(rows, np.maximum(shown, 0), there, candidates, counted)


def _allowed(asked: Events, pool: Events, shown: Int[np.ndarray, "b n"]) -> Bool[np.ndarray, "b n"]:
    """Of other users, and earlier."""
    others = pool.users[shown] != asked.users[:, None]
    if asked.times is None or pool.times is None:
        return others
    return others & (pool.times[shown] < asked.times[:, None])
