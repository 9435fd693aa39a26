r"""The best items after one step, found without a score for every item.

A score is $(\langle q, w_j\rangle + w c_j)\,c_j^{-\beta}$, and a similarity of texts where there are any. The sums
$w_j$ are sparse: what nobody took after an item of the history has the second term alone, and of those only the most
popular can be in a list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.item_vectors import ItemVectors
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.one_step import row_blocks, scale_features
from lrgd_jax.recommend.forms.popularity import Popularity, count_powers
from lrgd_jax.recommend.serving.interaction_memory import Memory
from lrgd_jax.recommend.serving.popular_order import PopularOrder

__all__ = ["Choice", "ItemLists", "top"]

SAMPLE = 16
"""A sample of so many times the length of a list says which scores cannot be in it."""
TOGETHER = 32
"""Queries whose sums are taken at once; few enough for the processor's cache."""


@dataclass(frozen=True)
class Choice:
    """What may be in a list.

    Attributes:
        k: how many items at most.
        allowed: the only items that may be in it, each once; all unless given.
        denied: items that may not.
        seen: whether what the user has had already may be in it.
    """

    k: int
    allowed: Int[np.ndarray, " a"] | None = None
    denied: Int[np.ndarray, " d"] | None = None
    seen: bool = False

    def barred(self, history: Int[np.ndarray, " h"]) -> Int[np.ndarray, " b"]:
        """What may not be in the list of a user with a history."""
        parts = [*([] if self.seen else [history]), *([] if self.denied is None else [self.denied])]
        return np.concatenate(parts) if parts else history[:0]


class ItemLists:
    """Lists of the one-step form on the sums that a memory keeps up to date.

    Args:
        memory: histories and sums.
        meta: the meta-parameters.
        vectors: of the items' texts, or None.
    """

    def __init__(self, memory: Memory, meta: Meta, vectors: ItemVectors | None) -> None:
        self._memory, self._meta = memory, meta
        self._texts = InitialWeights.of(Popularity(np.zeros(0, np.int64), None, memory.items), meta, vectors)
        self._has_texts = vectors is not None and meta.similarity != 0
        self._popular = PopularOrder(memory.counts, meta)
        memory.changed.clear()
        self._carried = np.zeros(memory.items)

    def best(
        self, histories: Sequences, choice: Choice
    ) -> Iterator[tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]]:
        """The items of each list, best first, and their scores; among equal scores the lower number first."""
        if self._memory.changed:
            self._popular.change(self._memory.changed, self._memory.counts)
            self._memory.changed.clear()
        one = len(histories) == 1
        if not (one or self._has_texts or self._memory.falls or choice.allowed is not None):
            yield from self._best_of_rises(histories, choice)
            return
        for rows in row_blocks(len(histories)):
            some = histories if one else histories.block(rows)
            for number, hit in enumerate(self._carry_one(some) if one else self._carry(some)):
                barred = choice.barred(some.of(number))
                if self._has_texts:
                    listed = self._among_all(some.take(np.array([number])), barred, choice)
                else:
                    listed = self._among_few(hit, barred, choice)
                self._carried[hit] = self._carried[barred] = 0
                yield listed

    def _best_of_rises(
        self, histories: Sequences, choice: Choice
    ) -> Iterator[tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]]:
        """Many lists where no step lowers a score: of what stands for an item twice, the higher score is right."""
        popular = self._popular
        for rows in row_blocks(len(histories), TOGETHER):
            some = histories.block(rows)
            carried = self._memory.steps.carry(self._queries(some))
            scores = carried.data + popular.constant[carried.indices]
            scores *= popular.scales[carried.indices]
            for number, (start, end) in enumerate(pairwise(np.asarray(carried.indptr).tolist())):
                barred = choice.barred(some.of(number))
                wanted = choice.k + len(barred)
                items, own = _most(carried.indices[start:end], scores[start:end], wanted)
                others = popular.first(wanted)
                items = np.concatenate([items, others])
                own = np.concatenate([own, popular.constant[others] * popular.scales[others]])
                kept = _first_of_each(items, np.lexsort((items, -own)), barred, choice.k)
                yield items[kept], own[kept]

    def _queries(self, histories: Sequences) -> sp.csr_array:
        keys = self._meta.query_keys().of(histories, self._memory.items)
        return scale_features(keys, self._memory.counts, self._meta.feature_scaling)

    def _carry(self, histories: Sequences) -> Iterator[Int[np.ndarray, " n"]]:
        """Writes what the step carries for each query into the array for it; yields where it did."""
        carried = self._memory.steps.carry(self._queries(histories))
        for start, end in pairwise(np.asarray(carried.indptr).tolist()):
            hit = carried.indices[start:end]
            self._carried[hit] = carried.data[start:end]
            yield hit

    def _carry_one(self, history: Sequences) -> Iterator[Int[np.ndarray, " n"]]:
        """The same for one query, which needs the sums of its own features only; a place may come twice."""
        features, entries = self._meta.query_keys().of_one(history, self._memory.items)
        if self._meta.feature_scaling:
            entries = entries * count_powers(self._memory.counts[features], self._meta.feature_scaling)
        parts = [features[:0]]
        # as a sparse product adds: feature by feature, in their order
        for feature, entry in zip(features.tolist(), entries.tolist(), strict=True):
            for items, sums in self._memory.steps.rows(feature):
                self._carried[items] += entry * sums
                parts.append(items)
        yield np.concatenate(parts)

    def _among_few(
        self, hit: Int[np.ndarray, " n"], barred: Int[np.ndarray, " b"], choice: Choice
    ) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        if choice.allowed is None:
            # what may stand before an item that is not looked at: those that are barred, and those that a negative
            # rate has brought down
            fallen = int(np.count_nonzero(self._carried[hit] < 0)) if self._memory.falls else 0
            candidates = np.concatenate([self._popular.first(choice.k + len(barred) + fallen), hit])
        else:
            candidates = choice.allowed
        self._carried[barred] = -np.inf
        scores = self._carried[candidates] + self._popular.constant[candidates]
        scores *= self._popular.scales[candidates]
        return top(candidates, scores, choice.k)

    def _among_all(
        self, history: Sequences, barred: Int[np.ndarray, " b"], choice: Choice
    ) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
        """Texts are alike to some degree nearly everywhere, so every item is looked at."""
        self._carried[barred] = -np.inf
        scores = (self._carried + self._popular.constant) * self._popular.scales
        self._texts.add_similarity(self._queries(history), scores[None])
        if choice.allowed is None:
            return top(np.arange(len(scores)), scores, choice.k)
        return top(choice.allowed, scores[choice.allowed], choice.k)


def top(
    items: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], k: int
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The k best of some items, best first; among equal scores the lower number first.

    An item may come several times, with one score; what has the score -inf is in no list.

    Examples:
        >>> [x.tolist() for x in top(np.array([4, 2, 9, 4]), np.array([1.0, 1.0, 2.0, 1.0]), 3)]
        [[9, 2, 4], [2.0, 1.0, 1.0]]
    """
    if len(items) > SAMPLE * k:
        # k different items of a sample are at least as good as the worst of them, and so are the k best of all
        sample = slice(None, None, len(items) // (SAMPLE * k) + 1)
        _, first = np.unique(items[sample], return_index=True)
        items, scores = _at_least(items, scores, _worst_of_best(scores[sample][first], k))
    kept = np.flatnonzero(scores > -np.inf)
    items, first = np.unique(items[kept], return_index=True)
    scores = scores[kept[first]]
    order = np.argsort(-scores, kind="stable")[:k]
    return items[order], scores[order]


def _most(
    items: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], k: int
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """At least the k best of different items, in no order."""
    if len(items) > SAMPLE * k:
        items, scores = _at_least(items, scores, _worst_of_best(scores[:: len(items) // (SAMPLE * k) + 1], k))
    return _at_least(items, scores, _worst_of_best(scores, k)) if len(items) > k else (items, scores)


def _first_of_each(
    items: Int[np.ndarray, " n"], order: Int[np.ndarray, " n"], barred: Int[np.ndarray, " b"], k: int
) -> list[int]:
    """The first k places, in an order, of items that are not barred, each item once."""
    named, known, places = items.tolist(), set(barred.tolist()), []
    for place in order.tolist():
        if named[place] not in known:
            known.add(named[place])
            places.append(place)
            if len(places) == k:
                break
    return places


def _worst_of_best(scores: Float[np.ndarray, " n"], k: int) -> float:
    """The k-th best score of different items; -inf where there are fewer."""
    return float(np.partition(scores, len(scores) - k)[len(scores) - k]) if len(scores) >= k else -np.inf


def _at_least(
    items: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], least: float
) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    kept = np.flatnonzero(scores >= least)
    return items[kept], scores[kept]
