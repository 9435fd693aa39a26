"""What others recommend with: popularity, neighbours, Markov chains, chance; only from before each query's time.

All count pairs (j, i), item j in somebody's list and item i with or after it, and score

    s_i = sum_{j in history} gamma^age(j) C_ji(t) / (n_j(t)^a n_i(t)^b) + popularity_weight n_i(t) / max n(t),

where age(j) counts the items of later baskets, and C(t) and n(t) count what happened before the query's target time t
(everything, where only the order is known).
a = b = 1/2 is the cosine of item-kNN. Sources: Sarwar et al. 2001 (item-kNN), Rendle et al. 2010 (Markov chains),
Ludewig & Jannach 2018 (for how strong they are).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.measure.item_pairs import Pairs

__all__ = ["Chance", "MostPopular", "Neighbours", "item_knn", "item_knn_and_popularity", "markov"]


@dataclass(frozen=True)
class MostPopular:
    """Scores an item by how often it was taken, n_i(t).

    Attributes:
        context: what may be counted, one list a user.
        items: size of the catalogue.
    """

    context: Sequences
    items: int

    @cached_property
    def _events(self) -> Sequences:
        """One list for the whole catalogue, by time."""
        one = np.zeros(len(self.context.items), np.int64)
        return Sequences.from_entries(one, self.context.items, self.context.times, 1)

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """n_i before each query's time."""
        counts, which = self.at(queries)
        return counts[which]

    def weighted(self, queries: Queries, weight: float) -> Float[np.ndarray, "q items"]:
        """A weight for the most popular item, for another one as much less as it was taken less often."""
        counts, which = self.at(queries)
        return (weight * counts / np.maximum(counts.max(axis=1, keepdims=True), 1))[which]

    def at(self, queries: Queries) -> tuple[Float[np.ndarray, "moments items"], Int[np.ndarray, " q"]]:
        """The counts at the different times of the queries, and which of these each query has."""
        if self._events.times is None:
            counts = np.bincount(self._events.items, minlength=self.items).astype(float)
            return counts[None], np.zeros(len(queries), np.int64)
        moments, which = np.unique(queries.seconds, return_inverse=True)
        ends = np.searchsorted(self._events.times, moments)
        news = np.zeros((len(ends), self.items))
        news[0] = np.bincount(self._events.items[: ends[0]], minlength=self.items)
        step = np.repeat(np.arange(1, len(ends)), np.diff(ends))
        np.add.at(news, (step, self._events.items[ends[0] : ends[-1]]), 1.0)
        return np.cumsum(news, axis=0), which


@dataclass(frozen=True)
class Neighbours:
    """Scores an item by how often it went with the items of the history.

    Attributes:
        pairs: what went with what.
        popularity: counts n.
        decay: gamma, the weight of an item that is one place older.
        source_power: a.
        target_power: b.
        popularity_weight: weight of the most popular item, beside one pair.
    """

    pairs: Pairs
    popularity: MostPopular
    decay: float = 1.0
    source_power: float = 0.5
    target_power: float = 0.5
    popularity_weight: float = 0.0

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """s_i as the module says, with the counts before each query's time."""
        counts, which = self.popularity.at(queries)
        # sums are rounded: in one order, whatever is stored first of a basket
        rows, age, sources = queries.histories.owners, queries.histories.ages, queries.histories.items
        order = np.lexsort((sources, -age, rows))
        rows, age, sources = rows[order], age[order], sources[order]
        weights = self.decay**age / np.maximum(counts[which[rows], sources], 1) ** self.source_power
        # one row for all where there are no times, so that nothing is copied
        spread = which if len(counts) > 1 else slice(None)
        scores = self._sums(rows, sources, weights, queries)
        scores /= (np.maximum(counts, 1) ** self.target_power)[spread]
        scores += (self.popularity_weight * counts / np.maximum(counts.max(axis=1, keepdims=True), 1))[spread]
        return scores

    def _sums(
        self,
        rows: Int[np.ndarray, " h"],
        sources: Int[np.ndarray, " h"],
        weights: Float[np.ndarray, " h"],
        asked: Queries,
    ) -> Float[np.ndarray, "q items"]:
        """sum_j w_j C_ji(t)."""
        shape = len(asked), self.popularity.items
        if self.pairs.times is None:
            history = sp.csr_array((weights, (rows, sources)), shape=shape)
            return sp.csr_array(history @ self.pairs.counts).toarray()
        first, last = self.pairs.starts[sources], self.pairs.before(sources, asked.seconds[rows])
        lengths = last - first
        where = np.repeat(first - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        flat = np.repeat(rows * shape[1], lengths) + self.pairs.targets[where]
        sums = np.bincount(flat, np.repeat(weights, lengths), shape[0] * shape[1])
        # without any pair they are whole numbers
        return sums.astype(float, copy=False).reshape(shape)


@dataclass(frozen=True)
class Chance:
    """Random scores: what knowing nothing gives.

    Attributes:
        items: size of the catalogue.
        seed: seed of the numbers, which depend on the size of the batch and its first user besides.
    """

    items: int
    seed: int = 0

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """Uniform on [0, 1)."""
        rng = np.random.default_rng([self.seed, len(queries), *queries.users[:1].tolist()])
        return rng.random((len(queries), self.items), np.float32)


def item_knn(context: Sequences, items: int) -> Neighbours:
    """Cosine item-kNN: the pairs together, a = b = 1/2."""
    return Neighbours(Pairs.of(context, items, kind="together"), MostPopular(context, items))


def item_knn_and_popularity(
    context: Sequences, items: int, *, decay: float = 0.8, source_power: float = 0.5, weight: float = 0.1
) -> Neighbours:
    """Item-kNN with recency and the popularity of the neighbours left in (b = 0), and popularity where none speaks.

    The defaults were chosen on validation queries of Amazon Office, Industrial and CDs, as one setting for all three.
    """
    pairs, popularity = Pairs.of(context, items, kind="together"), MostPopular(context, items)
    return Neighbours(pairs, popularity, decay, source_power, 0.0, weight)


def markov(context: Sequences, items: int, *, decay: float = 0.8, weight: float = 0.0) -> Neighbours:
    """Transition probabilities from every item of the history, the older ones less: a = 1, b = 0."""
    pairs, popularity = Pairs.of(context, items, kind="next"), MostPopular(context, items)
    return Neighbours(pairs, popularity, decay, 1.0, 0.0, weight)
