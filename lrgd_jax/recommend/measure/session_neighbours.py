r"""Session-kNN: whoever shares items with a history speaks for what they took; only from before each query's time.

With $h$ the history of a query, $n$ another user's list as far as it is known then, $a(j)$ the age of an item in the
history, the number of items in later baskets, and $p$ a place in $n$, the number of items in earlier baskets,

$$s_i=\sum_{n\in N}\operatorname{sim}(h,n)\,m(a^*)\!\!\sum_{e\in n:\,i_e=i}\!\delta^{|p_e-p^*|},\qquad
\operatorname{sim}(h,n)=\frac{\sum_{j\in h\cap n}w_{a(j)}}{(|h|\,|n|)^{\alpha}}$$

over the $k$ most similar lists $N$, those tied with the last of them included. $a^*$ and $p^*$ are age and place of the
youngest item that both share. With `forward` only what comes after $p^*$ counts.

Sources: Ludewig and Jannach 2018 (VS-KNN: weights that fall linearly); Garg et al. 2019 (STAN: geometric ones, and the
distance to what is shared).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.measure.baselines import MostPopular

__all__ = ["SessionNeighbours", "stan", "vs_knn"]

BLOCK = 128
"""Queries at once: each may meet hundreds of lists of hundreds of items."""

AGES = 10
"""VS-KNN takes from a list the less, the older the youngest item that it shares: a tenth less with every place."""


class _Match(NamedTuple):
    """Lists that share items with histories, one entry a pair of them."""

    rows: Int[np.ndarray, " m"]
    users: Int[np.ndarray, " m"]
    similarity: Float[np.ndarray, " m"]
    age: Int[np.ndarray, " m"]
    place: Int[np.ndarray, " m"]
    known: Int[np.ndarray, " m"]

    def take(self, which: np.ndarray) -> "_Match":
        return _Match(*(column[which] for column in self))


@dataclass(frozen=True)
class SessionNeighbours:
    r"""Scores an item by the users whose lists share items with the history; formula and sources: this module's.

    Attributes:
        context: what may be shown, one list a user; the query's own is left out.
        popularity: speaks where no neighbour does.
        neighbours: k, at least 1.
        weights: how $w_a$ falls: "linear", 1 - a/|h|, as do the older matches with $m(a)=1-a/10$, or "geometric",
            $w_a=\gamma^a$ and m = 1.
        decay: $\gamma$.
        distance_decay: $\delta$.
        scaling: $\alpha$; 1/2 is the cosine.
        forward: whether only what came after the shared item counts.
        popularity_weight: weight of the most popular item.

    Raises:
        ValueError: there is no neighbour, or a decay is not above 0 and at most 1.
    """

    context: Sequences
    popularity: MostPopular
    neighbours: int = 500
    weights: Literal["linear", "geometric"] = "geometric"
    decay: float = 0.8
    distance_decay: float = 0.8
    scaling: float = 0.5
    forward: bool = False
    popularity_weight: float = 0.01

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"at least one neighbour is needed, got {self.neighbours}")
        for name in ("decay", "distance_decay"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {getattr(self, name)}")

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """s_i as the module says, and the popularity of i besides."""
        scores = self.popularity.weighted(queries, self.popularity_weight)
        for first in range(0, len(queries), BLOCK):
            rows = np.arange(first, min(first + BLOCK, len(queries)))
            scores[rows] += self._sums(queries.take(rows))
        return scores

    def _sums(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        nearest = self._nearest(self._matches(queries), len(queries))
        starts = self.context.starts[nearest.users]
        repeat = np.repeat(np.arange(len(starts)), nearest.known)
        entries = starts[repeat] + np.arange(len(repeat)) - np.repeat(_begins(nearest.known), nearest.known)
        distance = self.context.before[entries] - nearest.place[repeat]
        worth = nearest.similarity[repeat] * self.distance_decay ** np.abs(distance)
        if self.weights == "linear":
            worth *= np.maximum(1 - nearest.age[repeat] / AGES, 0)
        if self.forward:
            worth *= distance > 0
        shape = len(queries), self.popularity.items
        flat = nearest.rows[repeat] * shape[1] + self.context.items[entries]
        return np.bincount(flat, worth, shape[0] * shape[1]).astype(float, copy=False).reshape(shape)

    def _matches(self, queries: Queries) -> _Match:
        """Every list that shares an item with a history, and was there before the query's time."""
        rows, items, ages = _youngest(queries)
        lengths = queries.histories.lengths
        # whole numbers, so that lists that are as similar as each other are so in floating point too
        weight = lengths[rows] - ages if self.weights == "linear" else self.decay**ages
        starts = self._holders.starts[items]
        counts = self._ends(self._holders, self._holder_keys, items, queries, rows) - starts
        repeat = np.repeat(np.arange(len(rows)), counts)
        where = starts[repeat] + np.arange(len(repeat)) - np.repeat(_begins(counts), counts)
        entries = self._holders.items[where]
        users = self.context.owners[entries]
        others = users != queries.users[rows[repeat]]
        repeat, entries, users = repeat[others], entries[others], users[others]
        place, row, age, weight = self.context.before[entries], rows[repeat], ages[repeat], weight[repeat]
        # of an item that a list holds twice the later place counts
        item = items[repeat]
        order = np.lexsort((-place, item, users, row))
        once = order[_changes(row[order], users[order], item[order])]
        # within a list the youngest item comes first, and all are summed in the order of their ages
        order = once[np.lexsort((-place[once], age[once], users[once], row[once]))]
        begin = np.flatnonzero(_changes(row[order], users[order]))
        similarity = np.add.reduceat(weight[order], begin) if len(begin) else np.zeros(0)
        first = order[begin]
        row, users, age, place = row[first], users[first], age[first], place[first]
        known = self._ends(self.context, self._list_keys, users, queries, row) - self.context.starts[users]
        similarity = similarity / (lengths[row] * known) ** self.scaling
        if self.weights == "linear":
            similarity = similarity / lengths[row]
        return _Match(row, users, similarity, age, place, known)

    def _nearest(self, matches: _Match, count: int) -> _Match:
        """The k most similar lists of each row, and those tied with the last of them."""
        matches = matches.take(np.lexsort((matches.users, -matches.similarity, matches.rows)))
        lengths = np.bincount(matches.rows, minlength=count)
        begins = _begins(lengths)
        last = begins + np.minimum(lengths, self.neighbours) - 1
        threshold = np.where(lengths > 0, matches.similarity[np.maximum(last, 0)], 0) if len(matches.rows) else lengths
        return matches.take(matches.similarity >= threshold[matches.rows])

    def _ends(
        self, lists: Sequences, keys: Int[np.ndarray, " m"], which: np.ndarray, queries: Queries, rows: np.ndarray
    ) -> Int[np.ndarray, " n"]:
        """Where some of the lists end for queries: before their times."""
        if self.context.times is None:
            return lists.starts[which + 1]
        moments = self._moments
        return np.searchsorted(keys, which * (len(moments) + 1) + np.searchsorted(moments, queries.seconds[rows]))

    @cached_property
    def _moments(self) -> Int[np.ndarray, " k"]:
        return np.unique(self.context.seconds)

    @cached_property
    def _holders(self) -> Sequences:
        """One list an item: the entries of the context that are this item, by time."""
        places = np.arange(len(self.context.items))
        return Sequences.from_entries(self.context.items, places, self.context.times, self.popularity.items)

    @cached_property
    def _holder_keys(self) -> Int[np.ndarray, " m"]:
        return self._keys(self._holders)

    @cached_property
    def _list_keys(self) -> Int[np.ndarray, " m"]:
        return self._keys(self.context)

    def _keys(self, lists: Sequences) -> Int[np.ndarray, " m"]:
        """A number an entry that grows with its list and its time."""
        if lists.times is None:
            return np.zeros(0, np.int64)
        return lists.owners * (len(self._moments) + 1) + np.searchsorted(self._moments, lists.times)


def vs_knn(context: Sequences, items: int, *, neighbours: int = 500) -> SessionNeighbours:
    """VS-KNN (Ludewig and Jannach 2018): weights fall linearly, and lists are not scaled by their lengths."""
    popularity = MostPopular(context, items)
    return SessionNeighbours(context, popularity, neighbours, "linear", distance_decay=1.0, scaling=0.0)


def stan(
    context: Sequences,
    items: int,
    *,
    neighbours: int = 500,
    decay: float = 0.8,
    distance_decay: float = 0.8,
    forward: bool = False,
) -> SessionNeighbours:
    """STAN (Garg et al. 2019) without the age of the neighbour's list, which lists that go on for years do not have."""
    popularity = MostPopular(context, items)
    return SessionNeighbours(
        context, popularity, neighbours, decay=decay, distance_decay=distance_decay, forward=forward
    )


def _youngest(queries: Queries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, items and ages of the histories, each item of one once, at its youngest."""
    histories = queries.histories
    rows, items, ages = histories.owners, histories.items, histories.ages
    order = np.lexsort((ages, items, rows))
    rows, items, ages = rows[order], items[order], ages[order]
    once = _changes(rows, items)
    return rows[once], items[once], ages[once]


def _changes(*columns: np.ndarray) -> np.ndarray:
    """Where sorted rows differ from the row before."""
    differ = np.zeros(max(len(columns[0]) - 1, 0), bool)
    for column in columns:
        differ |= np.diff(column) != 0
    return np.append(True, differ)[: len(columns[0])]


def _begins(lengths: np.ndarray) -> np.ndarray:
    return np.cumsum(lengths) - lengths
