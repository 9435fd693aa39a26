"""The candidates of a language model: the best items of the one-step recommender, and what that already reaches."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.measure.evaluation import Scorer, ScoresQueries
from lrgd_jax.recommend.measure.ranking import NOBODY, best, without_seen

__all__ = ["Shortlist", "shortlist"]


@dataclass(frozen=True)
class Shortlist:
    """So many items for every query, none of which its user has.

    Attributes:
        items: the best first, shape [q, k]; `NOBODY` where there are fewer.
        targets: what each query's user took, shape [q].

    Examples:
        >>> made = Shortlist(np.array([[4, 7], [5, 6]]), np.array([7, 9]))
        >>> made.recall, made.holds.tolist(), made.gains(10).round(3).tolist()
        (0.5, [True, False], [0.631, 0.0])
    """

    items: Int[np.ndarray, "q k"]
    targets: Int[np.ndarray, " q"]

    @property
    def holds(self) -> Bool[np.ndarray, " q"]:
        """Where the wanted item is on the list; elsewhere no order of it is a hit."""
        return (self.items == self.targets[:, None]).any(axis=1)

    @property
    def recall(self) -> float:
        """Share of the queries whose wanted item is on the list: the hit rate that no ranking of it exceeds."""
        return float(self.holds.mean())

    def gains(self, k: int) -> Float[np.ndarray, " q"]:
        """NDCG@k of the list in its own order, the one-step recommender's."""
        places = np.where(self.holds, np.argmax(self.items == self.targets[:, None], axis=1), np.inf)
        return np.where(places < k, 1 / np.log2(2 + np.where(places < k, places, 0)), 0.0)

    def of(self, query: int) -> Int[np.ndarray, " n"]:
        """The candidates of one query."""
        return self.items[query][self.items[query] != NOBODY]


def shortlist(recommender: Scorer, queries: Queries, count: int, titled: Bool[np.ndarray, " items"]) -> Shortlist:
    """The best items of a recommender for every query, those that its user has and those without a title left out.

    Args:
        recommender: has `scores(queries)`, or is such a function.
        queries: who asks.
        count: how many items.
        titled: which items have a title.

    Raises:
        ValueError: fewer than one, or more than the catalogue has.

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> asked = Queries.at(Sequences.from_lists([[3, 1, 2]]), np.array([2]))
        >>> there = np.array([False, True, True, True])
        >>> shortlist(lambda queries: np.array([[4.0, 3.0, 2.0, 1.0]]), asked, 2, there).items.tolist()
        [[2, -1]]
    """
    if not 1 <= count <= len(titled):
        raise ValueError(
            f"a shortlist holds 1 to {len(titled)} candidates, as many as the catalogue has items; got {count}"
        )
    score = recommender.scores if isinstance(recommender, ScoresQueries) else recommender
    scores = without_seen(np.asarray(score(queries)), queries)
    scores[:, ~titled] = -np.inf
    return Shortlist(best(scores, count), queries.targets)
