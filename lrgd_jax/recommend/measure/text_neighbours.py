r"""Two training-free recommenders that use texts or vectors of the items; only from before each query's time.

STAR adds similarity of features and co-occurrence over the latest items of a history, with $v_i$ of length one,
$C_{ji}$ the pairs of both in a list and $n_i$ how often one was taken,

$$s_i=\sum_{j}\gamma^{a(j)}\Bigl(\alpha\,v_j^\top v_i+(1-\alpha)\frac{C_{ji}}{\sqrt{n_jn_i}}\Bigr).$$

The graph heuristic takes as candidates what is reached from the latest items by a few transitions that somebody made,
and ranks them by similarity of features; what is not reached comes after them, by popularity.

Sources: Lee et al. 2024, arXiv 2410.16458 (STAR, whose ratings are left out, as the data here have none that differ
much); Han et al. 2026, arXiv 2605.07125 (the graph heuristic, as its abstract describes it).
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.item_vectors import ItemVectors
from lrgd_jax.recommend.measure.baselines import MostPopular, Neighbours, item_knn
from lrgd_jax.recommend.measure.item_pairs import Pairs
from lrgd_jax.recommend.sparse_matrices import dense, rows_of

__all__ = ["GraphHeuristic", "Star", "latest_of", "similarity", "star"]


@dataclass(frozen=True)
class Star:
    r"""Similarity of features and co-occurrence; formula and source: this module's.

    Attributes:
        together: co-occurrence, with its decay $\gamma$.
        vectors: $v$, of length one.
        share: $\alpha$.
        latest: how many of the latest items of a history count.
        popularity_weight: weight of the most popular item.
    """

    together: Neighbours
    vectors: ItemVectors
    share: float = 0.5
    latest: int = 3
    popularity_weight: float = 0.01

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """s_i as the module says, and popularity besides."""
        recent = latest_of(queries, self.latest)
        similar = similarity(recent, self.vectors, self.together.decay)
        popular = self.together.popularity.weighted(queries, self.popularity_weight)
        return self.share * similar + (1 - self.share) * self.together.scores(recent) + popular


def star(
    context: Sequences,
    items: int,
    vectors: ItemVectors,
    *,
    decay: float = 0.7,
    share: float = 0.5,
    latest: int = 3,
) -> Star:
    """STAR, by default with the weights of the paper."""
    return Star(replace(item_knn(context, items), decay=decay), vectors, share, latest)


@dataclass(frozen=True)
class GraphHeuristic:
    """Candidates a few transitions away, by similarity of features; this module says how.

    Attributes:
        transitions: who took what next.
        popularity: ranks what is not reached.
        vectors: of the items, of length one.
        latest: how many of the latest items of a history are gone out from.
        hops: how many transitions are made.
    """

    transitions: Pairs
    popularity: MostPopular
    vectors: ItemVectors
    latest: int = 2
    hops: int = 2

    @classmethod
    def of(
        cls, context: Sequences, items: int, vectors: ItemVectors, *, latest: int = 2, hops: int = 2
    ) -> "GraphHeuristic":
        """From what may be shown, one list a user."""
        return cls(Pairs.of(context, items, kind="next"), MostPopular(context, items), vectors, latest, hops)

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """Two and the similarity for a candidate, which is at least minus one; below one for what is not reached."""
        counts, which = self.popularity.at(queries)
        popular = (counts / (counts.max(axis=1, keepdims=True) + 1))[which]
        recent = latest_of(queries, self.latest)
        similar = similarity(recent, self.vectors, 1.0) / np.maximum(recent.histories.lengths, 1)[:, None]
        return np.where(self.reaches(queries), 2 + similar, popular)

    def reaches(self, queries: Queries) -> Bool[np.ndarray, "q items"]:
        """Which items are candidates."""
        there = np.zeros((len(queries), self.popularity.items), bool)
        histories = latest_of(queries, self.latest).histories
        rows, items = histories.owners, histories.items
        for _ in range(self.hops):
            rows, items = self._followers(rows, items, queries)
            there[rows, items] = True
        return there

    def _followers(
        self, rows: Int[np.ndarray, " m"], items: Int[np.ndarray, " m"], queries: Queries
    ) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """What some items were followed by before each query's time, each once a query."""
        first, last = self.transitions.starts[items], self.transitions.starts[items + 1]
        if self.transitions.times is not None:
            last = self.transitions.before(items, queries.seconds[rows])
        counts = last - first
        where = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        flat = np.unique(np.repeat(rows, counts) * self.popularity.items + self.transitions.targets[where])
        return flat // self.popularity.items, flat % self.popularity.items


def latest_of(queries: Queries, number: int) -> Queries:
    """The same questions after the latest items of their histories only; of a basket all or none.

    Args:
        queries: the questions.
        number: an item counts where fewer than so many others are in later baskets.
    """
    histories = queries.histories
    young = histories.ages < number
    starts = np.concatenate([[0], np.cumsum(np.bincount(histories.owners[young], minlength=len(histories)))])
    return replace(queries, histories=histories.pick(starts, young))


def similarity(queries: Queries, vectors: ItemVectors, decay: float) -> Float[np.ndarray, "q items"]:
    r"""How alike every item is to the histories, $\sum_j\gamma^{a(j)}v_j^\top v_i$.

    Args:
        queries: whose histories count.
        vectors: of the items, of length one.
        decay: $\gamma$.
    """
    lists = queries.histories
    # sums are rounded: in one order, whatever is stored first of a basket
    order = np.lexsort((lists.items, -lists.ages, lists.owners))
    entries = decay ** lists.ages[order], (lists.owners[order], lists.items[order])
    weights = sp.csr_array(entries, shape=(len(lists), rows_of(vectors)))
    return dense((weights @ vectors) @ vectors.T)
