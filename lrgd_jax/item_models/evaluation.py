"""A trained stack on a catalogue that it has not seen: ranks and losses over all items, question by question."""

# the stubs of jax leave parts of functions under vmap and jit without types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lrgd_jax.item_models.demonstration_choice import Choice, choose
from lrgd_jax.item_models.episodes import NOTHING, Events, events_of_queries, events_of_sequences
from lrgd_jax.item_models.item_tables import text_vectors
from lrgd_jax.item_models.objective import episode_items
from lrgd_jax.item_models.stack import Design, Items, Params, inputs, predictions, scores
from lrgd_jax.recommend.data.dataset import Part, Queries, Split
from lrgd_jax.recommend.measure.metrics import Places, concatenate_places, places
from lrgd_jax.recommend.measure.ranking import without_seen

__all__ = ["Answers", "Shown", "UnseenTest", "answer", "new_items", "outputs_of", "show", "unseen_test"]

PLACES = 4096
"""Demonstrations of all questions of a batch together; bounds the memory."""


@dataclass(frozen=True, eq=False)
class UnseenTest:
    """A catalogue that the weights have not seen, and questions about it.

    Attributes:
        vectors: of the titles, of length one.
        pool: what may be shown.
        queries: the questions.
        asked: the same as events.
    """

    vectors: Float[np.ndarray, "items t"]
    pool: Events
    queries: Queries
    asked: Events


class Shown(NamedTuple):
    """Demonstrations of every question, best first.

    Attributes:
        rows: numbers into the pool, `NOTHING` where there are fewer; shape [q, n].
    """

    rows: Int[np.ndarray, "q n"]


class Answers(NamedTuple):
    """What came out, question by question.

    Attributes:
        losses: minus the log-probability of the target among all candidates; shape [q].
        where: the places of the targets.
    """

    losses: Float[np.ndarray, " q"]
    where: Places


def unseen_test(split: Split, *, window: int, users: int, seed: int, where: str, part: Part = "test") -> UnseenTest:
    """Questions about a catalogue.

    Args:
        split: its data.
        window: items of a history.
        users: how many questions at most, drawn at random.
        seed: of that.
        where: what the catalogue is called in errors.
        part: of the split.

    Raises:
        ValueError: the catalogue has no vectors, or an item has none.
    """
    queries = split.queries(part)
    kept = np.sort(np.random.default_rng([seed, 4]).permutation(len(queries))[:users])
    queries = queries.take(kept)
    pool = events_of_sequences(split.context(part), window)
    return UnseenTest(text_vectors(split.catalogue, where=where), pool, queries, events_of_queries(queries, window))


def show(test: UnseenTest, count: int, choice: Choice, seed: int) -> Shown:
    """The demonstrations of every question.

    Args:
        test: the questions.
        count: how many each gets.
        choice: similar or random.
        seed: of a random choice.
    """
    return Shown(choose(test.pool, test.asked, test.vectors, count, choice, seed=seed))


def outputs_of(
    params: Params, design: Design, items: Items, test: UnseenTest, shown: Shown
) -> Float[np.ndarray, "q layers1 d"]:
    """F at every question, before the first layer and after each.

    Args:
        params: the scalars.
        design: of the stack.
        items: of the episode.
        test: the questions.
        shown: their demonstrations.
    """
    pool = inputs(items, test.pool.histories, test.pool.ages)
    asked = inputs(items, test.asked.histories, test.asked.ages)
    count = len(test.asked)
    size = min(max(1, PLACES // max(1, shown.rows.shape[1])), count)
    parts: list[Float[np.ndarray, "b layers1 d"]] = []
    for first in range(0, count, size):
        # the last block is filled up, so that one compiled program serves all
        block = np.minimum(np.arange(first, first + size), count - 1)
        rows = shown.rows[block]
        taken = np.maximum(rows, 0)
        read = asked[block], pool[taken], items.vectors[test.pool.targets[taken]], jnp.asarray(rows != NOTHING)
        parts.append(np.asarray(_block(params, design, items.text_width, *read))[: count - first])
    return np.concatenate(parts)


@partial(jax.jit, static_argnames=("design", "text_width"))
def _block(
    params: Params,
    design: Design,
    text_width: int,
    questions: Float[Array, "b d"],
    shown: Float[Array, "b n d"],
    targets: Float[Array, "b n d"],
    there: Bool[Array, "b n"],
) -> Float[Array, "b layers1 d"]:
    return jax.vmap(partial(predictions, params, design, text_width))(questions, shown, targets, there)


def answer(params: Params, items: Items, test: UnseenTest, outputs: Float[np.ndarray, "q d"]) -> Answers:
    """Ranks of the targets among all items that their users have not, and losses over the same items.

    Args:
        params: the scalars.
        items: of the episode.
        test: the questions.
        outputs: f at the questions.
    """
    losses, ranked = [], []
    for first in range(0, len(outputs), 500):
        rows = np.arange(first, min(first + 500, len(outputs)))
        asked = test.queries.take(rows)
        logits = np.asarray(scores(params, items, jnp.asarray(outputs[rows])))
        own = logits[np.arange(len(rows)), asked.targets]
        open_ = without_seen(logits, asked)
        # a target that its user has is a miss, but has a loss
        open_[np.arange(len(rows)), asked.targets] = own
        losses.append(np.logaddexp.reduce(open_.astype(np.float64), axis=1) - own)
        ranked.append(places(logits, asked.targets, asked.seen))
    return Answers(np.concatenate(losses), concatenate_places(ranked))


def new_items(test: UnseenTest, width: int, seed: int) -> Items:
    """The items of the episode that all questions are asked in.

    Args:
        test: the catalogue.
        width: of a signature.
        seed: of rotation and signatures.
    """
    return episode_items(jax.random.key(seed), jnp.asarray(test.vectors), width)
