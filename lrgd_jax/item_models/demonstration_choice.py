"""Which demonstrations a question gets: transitions of other users, similar ones or random ones."""

from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from lrgd_jax.item_models.episodes import NOTHING, Events

__all__ = ["CHOICES", "Choice", "choose"]

Choice: TypeAlias = Literal["similar", "random"]
CHOICES: tuple[Choice, ...] = ("similar", "random")

DECAY = 0.8
"""By how much an item of a history weighs less with every item that came after it, where histories are compared."""
BLOCK = 128
"""Questions at once; bounds the memory."""


def choose(
    pool: Events, asked: Events, vectors: Float[np.ndarray, "items d"], count: int, choice: Choice, *, seed: int = 0
) -> Int[np.ndarray, "q count"]:
    """The demonstrations of each question, best first.

    Those of the asking user, and those that came at the question's time or later, are never chosen. Two histories are
    as similar as their texts and as the items that they share: the sum of two cosines.

    Args:
        pool: what may be shown.
        asked: the questions.
        vectors: of the titles, of length one.
        count: how many for each question.
        choice: by which order.
        seed: of the random choice.

    Returns:
        Numbers into the pool; `NOTHING` where there are fewer.

    Raises:
        ValueError: the choice is unknown.
    """
    if choice not in CHOICES:
        raise ValueError(f"unknown choice {choice!r} of demonstrations; expected one of {', '.join(CHOICES)}")
    count = min(count, len(pool))
    rng = np.random.default_rng([seed, 0])
    texts, items = _texts(pool, vectors).T, _items(pool, len(vectors)).T.tocsc()
    chosen: list[Int[np.ndarray, "b count"]] = []
    for first in range(0, len(asked), BLOCK):
        block = asked.take(np.arange(first, min(first + BLOCK, len(asked))))
        if choice == "similar":
            shared = _items(block, len(vectors)) @ items
            scores = _texts(block, vectors) @ texts + shared.toarray().astype(np.float32)
        else:
            scores = rng.random((len(block), len(pool)), np.float32)
        chosen.append(_best(np.where(_hidden(pool, block), -np.inf, scores), count))
    return np.concatenate(chosen) if chosen else np.zeros((0, count), np.int64)


def _hidden(pool: Events, asked: Events) -> Bool[np.ndarray, "b n"]:
    """What no question of the block may be shown."""
    own = asked.users[:, None] == pool.users[None, :]
    if asked.times is None or pool.times is None:
        return own
    return own | (pool.times[None, :] >= asked.times[:, None])


def _best(scores: Float[np.ndarray, "b n"], count: int) -> Int[np.ndarray, "b count"]:
    """The highest scores' columns, best first; among equal ones the lower number first."""
    columns = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    values = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    return np.where(values == -np.inf, NOTHING, np.take_along_axis(columns, order, axis=1))


def _texts(events: Events, vectors: Float[np.ndarray, "items d"]) -> Float[np.ndarray, "n d"]:
    """The mean text of each history, recent items weighing more, of length one; zero for an empty history."""
    weights = np.where(events.histories == NOTHING, 0, DECAY**events.ages).astype(np.float32)
    sums = np.zeros((len(events), vectors.shape[1]), np.float32)
    for place in range(events.histories.shape[1]):
        sums += weights[:, place, None] * vectors[events.histories[:, place]]
    return _unit(sums)


def _items(events: Events, count: int) -> sp.csr_array:
    """The same of the items themselves."""
    there = events.histories != NOTHING
    rows = np.broadcast_to(np.arange(len(events))[:, None], there.shape)[there]
    weights = (DECAY ** events.ages[there]).astype(np.float32)
    matrix = sp.coo_array((weights, (rows, events.histories[there])), shape=(len(events), count)).tocsr()
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data = matrix.data / np.repeat(np.where(lengths == 0, 1, lengths), np.diff(matrix.indptr))
    return matrix


def _unit(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)
