"""A recommender's answers to the queries of a split, against what the users took: full ranking, seen items excluded."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from lrgd_jax.recommend.data.dataset import Part, Queries, Split
from lrgd_jax.recommend.measure.exposure import coverage, gini
from lrgd_jax.recommend.measure.metrics import Places, concatenate_places, hit_rate, ndcg, places, reciprocal_rank
from lrgd_jax.recommend.measure.ranking import NOBODY, best, without_seen
from lrgd_jax.recommend.measure.statistics import (
    ConfidenceInterval,
    Difference,
    confidence_interval,
    paired_difference,
    per_user,
)

__all__ = ["GROUPS", "Evaluation", "Scorer", "ScoresQueries", "evaluate", "usual_lengths"]

USUAL = 5, 10
"""Lengths of lists that papers report."""

METRICS = {"HR": hit_rate, "NDCG": ndcg, "MRR": reciprocal_rank}
"""With one wanted item a query, Recall is HR and MAP is MRR."""


GROUPS = ("own time", "shared time")
"""Kinds of targets: with a time of their own, or sharing it with the interaction that is stored before them."""


@runtime_checkable
class ScoresQueries(Protocol):
    """What can be evaluated."""

    def scores(self, queries: Queries) -> Float[np.ndarray, "q items"]:
        """The higher, the sooner recommended; seen items need not be left out.

        Where the queries have times, nothing at or after a query's time may have been used for its row.
        """
        ...


Scorer: TypeAlias = ScoresQueries | Callable[[Queries], Float[np.ndarray, "q items"]]


@dataclass(frozen=True)
class Evaluation:
    """What was measured, query by query.

    Attributes:
        part: of the split, "valid" or "test".
        users: whose query each was, shape [q].
        where: the places of the wanted items.
        ks: lengths of the lists.
        seconds: spent on scoring and ranking.
        shown: how often each item stood in a list, by length of the list; empty where it was not asked for.
        shared: whether each target shares its time with the interaction stored before it; None where that is not known.

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> from lrgd_jax.recommend.measure.baselines import MostPopular
        >>> split = generate_split(0, users=40, items=60)
        >>> result = evaluate(MostPopular(split.context("valid"), 60), split, "valid")
        >>> interval = result.interval("HR@10")
        >>> interval.low <= interval.mean <= interval.high
        True
    """

    part: Part
    users: Int[np.ndarray, " q"]
    where: Places
    ks: tuple[int, ...]
    seconds: float
    shown: Mapping[int, Int[np.ndarray, " items"]]
    shared: Bool[np.ndarray, " q"] | None = None

    def groups(self) -> dict[str, "Evaluation"]:
        """The same evaluation on each kind of targets of `GROUPS` that there is; none where times are not known."""
        if self.shared is None:
            return {}
        chosen = dict(zip(GROUPS, (~self.shared, self.shared), strict=True))
        return {name: self._of(which) for name, which in chosen.items() if which.any()}

    def _of(self, which: Bool[np.ndarray, " q"]) -> "Evaluation":
        where = Places(**{x.name: getattr(self.where, x.name)[which] for x in fields(Places)})
        return replace(self, users=self.users[which], where=where, shown={}, shared=None)

    def values(self, metric: str, *, expected: bool = False) -> Float[np.ndarray, " q"]:
        """One value a query, such as of "NDCG@10".

        Raises:
            ValueError: there is no such metric.
        """
        name, _, k = metric.partition("@")
        if name not in METRICS or not k.isdigit():
            raise ValueError(f"unknown metric {metric!r}; expected one of {', '.join(METRICS)} with @k, as in NDCG@10")
        return METRICS[name](self.where, int(k), expected=expected)

    def per_user(self, metric: str) -> tuple[Int[np.ndarray, " u"], Float[np.ndarray, " u"]]:
        """The users who asked, and the mean of each one's values."""
        return per_user(self.values(metric), self.users)

    def interval(self, metric: str, *, seed: int = 0) -> ConfidenceInterval:
        """The mean with its cluster-bootstrap interval."""
        return confidence_interval(self.values(metric), self.users, seed=seed)

    def against(self, other: "Evaluation", metric: str, *, seed: int = 0) -> Difference:
        """The paired comparison with another recommender on the same queries.

        Raises:
            ValueError: the other was asked something else.
        """
        if self.part != other.part or not np.array_equal(self.users, other.users):
            raise ValueError("the two evaluations are of different queries; compare on the same split and part")
        return paired_difference(self.values(metric), other.values(metric), self.users, seed=seed)

    def means(self) -> dict[str, float]:
        """Every metric's mean over the queries."""
        return {f"{name}@{k}": float(self.values(f"{name}@{k}").mean()) for k in self.ks for name in METRICS}

    def summary(self) -> dict[str, Any]:
        """The means, and how it was measured, ready for JSON."""
        spread = {}
        for k, counts in self.shown.items():
            spread |= {f"coverage@{k}": coverage(counts), f"Gini@{k}": gini(counts)}
        return {
            "split": self.part,
            "users": len(np.unique(self.users)),
            "queries": len(self.users),
            "targets_seen_before": int(self.where.excluded.sum()),
            **self.means(),
            **spread,
            "seconds": self.seconds,
        }


def evaluate(
    recommender: Scorer,
    split: Split,
    part: Part = "test",
    *,
    ks: Sequence[int] | None = None,
    batch: int = 1000,
    exposure: bool = False,
) -> Evaluation:
    """Ranks the whole catalogue for every query of a part; ties at their mean rank, seen items excluded.

    A target that its own history holds is a miss for every recommender; `Evaluation.where.excluded` says which.

    Args:
        recommender: has `scores(queries)`, or is such a function.
        split: the data.
        part: "valid", or "test".
        ks: lengths of the lists; 5 and 10 unless given, in a smaller catalogue its size in their place.
        batch: queries at once.
        exposure: whether the lists are made too, for coverage and the Gini coefficient.

    Returns:
        The places of the wanted items, query by query, from which every metric follows.

    Raises:
        ValueError: a k is larger than the catalogue, there are no queries, or the scores are no numbers or too few.

    Source:
        Krichene and Rendle 2020, KDD (rank the whole catalogue); McSherry and Najork 2008 (ties).

    Examples:
        >>> from lrgd_jax.recommend.data.dataset import Catalogue
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.data.splits import leave_last_out
        >>> split = leave_last_out(Catalogue(tuple("abcdef")), ("Ada",), Sequences.from_lists([[0, 1, 2, 3]]))
        >>> oracle = evaluate(lambda queries: np.eye(6)[queries.targets], split, ks=(1,))
        >>> oracle.summary()["HR@1"], oracle.summary()["queries"]
        (1.0, 1)
    """
    queries = split.queries(part)
    ks = usual_lengths(len(split.catalogue)) if ks is None else ks
    _check_request(queries, ks, batch, len(split.catalogue))
    score = recommender.scores if isinstance(recommender, ScoresQueries) else recommender
    shown = {k: np.zeros(len(split.catalogue), np.int64) for k in ks} if exposure else {}
    ranked, start = [], time.perf_counter()
    for first in range(0, len(queries), batch):
        asked = queries.take(np.arange(first, min(first + batch, len(queries))))
        scores = _require_shape(np.asarray(score(asked)), len(asked), len(split.catalogue))
        ranked.append(places(scores, asked.targets, asked.seen))
        if shown:
            _count_shown(shown, best(without_seen(scores, asked), max(shown)))
    seconds = time.perf_counter() - start
    return Evaluation(part, queries.users, concatenate_places(ranked), tuple(ks), seconds, shown, queries.shared)


def usual_lengths(items: int) -> tuple[int, ...]:
    """The lengths of lists that are usually reported, none longer than the catalogue.

    Examples:
        >>> usual_lengths(300), usual_lengths(7), usual_lengths(4)
        ((5, 10), (5, 7), (4,))
    """
    return tuple(dict.fromkeys(min(k, items) for k in USUAL))


def _check_request(queries: Queries, ks: Sequence[int], batch: int, items: int) -> None:
    if not len(queries):
        raise ValueError("this part of the split has no queries, so there is nothing to measure")
    if batch < 1:
        raise ValueError(f"batch = {batch}: expected a positive number of queries")
    for k in ks:
        if not 1 <= k <= items:
            raise ValueError(f"k = {k}: expected 1 to {items}, the size of the catalogue")


def _require_shape(scores: Float[np.ndarray, "q items"], queries: int, items: int) -> Float[np.ndarray, "q items"]:
    if scores.shape != (queries, items):
        raise ValueError(
            f"the recommender gave scores of shape {scores.shape}; expected [queries, items] = {(queries, items)}"
        )
    return scores


def _count_shown(shown: Mapping[int, Int[np.ndarray, " items"]], lists: Int[np.ndarray, "q k"]) -> None:
    """Adds the lists to the counts; the places that nobody takes are left out."""
    for k, counts in shown.items():
        taken = lists[:, :k]
        counts += np.bincount(taken[taken != NOBODY], minlength=len(counts))
