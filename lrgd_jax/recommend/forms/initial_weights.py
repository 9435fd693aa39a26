r"""The initial weights W_0: what the recommender says without a demonstration, from popularity and similar texts."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.forms.item_vectors import ItemVectors
from lrgd_jax.recommend.forms.meta_parameters import Meta
from lrgd_jax.recommend.forms.popularity import Popularity
from lrgd_jax.recommend.sparse_matrices import dense

__all__ = ["InitialWeights"]

CHUNK = 64
"""Queries whose similarities are computed together: few enough for the processor's cache."""


@dataclass(frozen=True)
class InitialWeights:
    r"""$W_0q = w\,c + \tau\,ZZ^\top q$: counts carried by a constant feature, and similar texts.

    The counts are what one step on all interactions leaves in the column of a feature that is the constant
    $\sqrt w$ in every key (claim `popularity-is-the-initial-weights`).

    Attributes:
        popularity: c, how often each item was taken.
        popularity_weight: w.
        vectors: Z, one a item, dense or sparse, shape [items, d]; None without text.
        similarity_weight: tau.
    """

    popularity: Popularity
    popularity_weight: float = 1e-4
    vectors: ItemVectors | None = None
    similarity_weight: float = 0.0

    @classmethod
    def of(cls, popularity: Popularity, meta: Meta, vectors: ItemVectors | None = None) -> "InitialWeights":
        """As the meta-parameters weigh popularity and texts.

        Args:
            popularity: c.
            meta: has w and tau.
            vectors: Z, or None.
        """
        return cls(popularity, meta.popularity, vectors, meta.similarity)

    def counts(self, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "*q items"]:
        """c, or one row a time of what was taken strictly before."""
        return self.popularity.counts if times is None else self.popularity.before(times)

    def constant_scores(self, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "#q items"]:
        """The counts times w: one row for all queries or one a time."""
        return np.atleast_2d(self.popularity_weight * self.counts(times))

    def add_similarity(
        self, queries: sp.csr_array, scores: Float[np.ndarray, "q items"]
    ) -> Float[np.ndarray, "q items"]:
        r"""The scores and $\tau\,ZZ^\top q$, the latter never formed as items by items; written into the scores."""
        if self.vectors is None or not self.similarity_weight:
            return scores
        for start in range(0, len(scores), CHUNK):
            rows = slice(start, start + CHUNK)
            of_history = self.similarity_weight * dense(queries[rows] @ self.vectors)
            # sparse times dense gives a dense array at once, much faster than two sparse factors
            scores[rows] += (self.vectors @ of_history.T).T
        return scores
