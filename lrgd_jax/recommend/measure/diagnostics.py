"""What makes a benchmark easy: few next items, next items that look alike, and no need of a long history.

Three shortcuts by which simple heuristics do as well as trained models on many benchmarks, as Han et al. 2026 (arXiv
2605.07125) name them; the measures here are our own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lrgd_jax.recommend.data.dataset import Part, Queries, Split
from lrgd_jax.recommend.forms.item_vectors import ItemVectors
from lrgd_jax.recommend.measure.baselines import item_knn_and_popularity
from lrgd_jax.recommend.measure.evaluation import evaluate
from lrgd_jax.recommend.measure.text_neighbours import GraphHeuristic, latest_of, similarity

__all__ = ["Diagnostics", "Reach", "diagnose"]

BATCH = 500


@dataclass(frozen=True)
class Reach:
    """What some transitions lead to from the latest items of the histories.

    Attributes:
        targets: share of the targets that are among it.
        catalogue: share of the catalogue that is, on average; of targets drawn at random as many would be.
    """

    targets: float
    catalogue: float


@dataclass(frozen=True)
class Diagnostics:
    """How far the three shortcuts go on the questions of a split.

    Attributes:
        hops: branching: what is reached by one transition that somebody made before, and by two.
        similarity: smoothness: how often the target is more like the latest items than another candidate drawn at
            random, equal ones half; 1/2 where features say nothing. None where items have no features.
        recent: dependence on the history: NDCG@10 of item-kNN with popularity that sees the latest basket alone, as a
            share of the one that sees all.
    """

    hops: tuple[Reach, Reach]
    similarity: float | None
    recent: float


def diagnose(split: Split, part: Part = "test", vectors: ItemVectors | None = None) -> Diagnostics:
    """Measures the three shortcuts; nothing at or after a query's time is used for it.

    Args:
        split: the data.
        part: "valid", or "test".
        vectors: of the items, of length one, such as `lrgd_jax.recommend.forms.item_vectors.item_vectors` gives.

    Raises:
        ValueError: there are no queries.

    Examples:
        >>> from lrgd_jax.recommend.data.generator import generate_split
        >>> found = diagnose(generate_split(0, users=60, items=60))
        >>> found.hops[0].targets <= found.hops[1].targets <= 1.0
        True
    """
    queries, items = split.queries(part), len(split.catalogue)
    if len(queries) == 0:
        raise ValueError(f"the split has no {part} queries, so nothing can be measured")
    context = split.context(part)
    features = np.zeros((items, 1)) if vectors is None else vectors
    graphs = [GraphHeuristic.of(context, items, features, latest=1, hops=hops) for hops in (1, 2)]
    reached, shares, nearer = ([], []), ([], []), []
    for first in range(0, len(queries), BATCH):
        asked = queries.take(np.arange(first, min(first + BATCH, len(queries))))
        rows = np.arange(len(asked))
        for graph, targets, share in zip(graphs, reached, shares, strict=True):
            there = graph.reaches(asked)
            targets.append(there[rows, asked.targets])
            share.append(there.mean(axis=1))
        if vectors is not None:
            nearer.append(_nearer(asked, vectors))
    hops = tuple(
        Reach(float(np.concatenate(targets).mean()), float(np.concatenate(share).mean()))
        for targets, share in zip(reached, shares, strict=True)
    )
    knn = item_knn_and_popularity(context, items)
    recent, whole = (
        evaluate(scorer, split, part).values("NDCG@10").mean()
        for scorer in (lambda asked: knn.scores(latest_of(asked, 1)), knn)
    )
    return Diagnostics(
        (hops[0], hops[1]),
        float(np.concatenate(nearer).mean()) if nearer else None,
        float(recent / whole) if whole > 0 else float("nan"),
    )


def _nearer(queries: Queries, vectors: ItemVectors) -> Float[np.ndarray, " q"]:
    """The share of the other candidates that are less like the latest items than the target is."""
    near = similarity(latest_of(queries, 1), vectors, 1.0)
    others = np.ones(near.shape, bool)
    others[queries.seen.owners, queries.seen.items] = False
    others[np.arange(len(queries)), queries.targets] = False
    own = near[np.arange(len(queries)), queries.targets][:, None]
    nearer = ((near < own) + (near == own) / 2) * others
    return nearer.sum(axis=1) / np.maximum(others.sum(axis=1), 1)
