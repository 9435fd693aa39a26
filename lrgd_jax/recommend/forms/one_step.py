r"""The one-step recommender: linear attention over past users' transitions, and its dual after one step."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.transitions import Transitions
from lrgd_jax.recommend.sparse_matrices import dense, product, row_numbers, rows_of, with_data

__all__ = ["BLOCK", "OneStep", "mask_later"]

BLOCK = 512
"""Queries that are scored together: the largest dense array is this by the size of the catalogue."""


@dataclass(frozen=True)
class OneStep:
    r"""Scores of every item after one step on the demonstrations, from the initial weights.

    $$s(q) = W_1q,\qquad W_1 = W_0 - \nabla L(W_0) = W_0 + \sum_i \eta_i\,y_i x_i^\top,\qquad
    L(W) = -\sum_i\eta_i\langle y_i, Wx_i\rangle$$

    and, the same numbers, linear attention: $\sum_i \eta_i\,y_i\,\langle x_i, q\rangle$ is added to $W_0q$. With counts
    c of the items, targets are scaled by $c^{-\beta}$ and features by $c^{-\delta}$ when they are read, so
    that a step never depends on other steps.

    Attributes:
        demonstrations: x_i, y_i and their rates.
        initial: W_0.
        query_keys: how the present history becomes q; often with a faster decay than the demonstrations' keys.
        target_scaling: beta.
        feature_scaling: delta.
    """

    demonstrations: Transitions
    initial: InitialWeights
    query_keys: HistoryKeys = field(default_factory=HistoryKeys)
    target_scaling: float = 0.25
    feature_scaling: float = 0.0

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return self.demonstrations.items

    def with_rates(self, rates: Float[np.ndarray, " N"]) -> Self:
        """The same recommender with other rates of its demonstrations; zero leaves one out."""
        return replace(self, demonstrations=self.demonstrations.with_rates(rates))

    @cached_property
    def dual_weights(self) -> sp.csr_array:
        r"""$(W_1 - W_0)^\top = \sum_i\eta_i\,x_iy_i^\top$ before the scalings, features by items, never dense.

        Its entries are exact sums (`GRID` of `history_keys`), whatever the order of the demonstrations.
        """
        demonstrations = self.demonstrations
        weights = product(demonstrations.rated_keys().T, demonstrations.target_matrix())
        weights.eliminate_zeros()
        return weights

    def scores(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "q items"]:
        """Of every item for every history: by the dual, or by attention where demonstrations must be held back.

        Args:
            histories: of the present users, oldest first.
            times: only demonstrations and interactions strictly before them count; all of them unless given.

        Raises:
            ValueError: times are given but the demonstrations have none, or an item is not in the catalogue.
        """
        return self.dual_scores(histories) if times is None else self.attention_scores(histories, times)

    def blocks(
        self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None, block: int = BLOCK
    ) -> Iterator[tuple[slice, Float[np.ndarray, "b items"]]]:
        """The scores block by block of queries, so that no array is larger than a block by the catalogue."""
        for rows in row_blocks(len(histories), block):
            yield rows, self.scores(neighbouring_lists(histories, rows), None if times is None else times[rows])

    def dual_scores(self, histories: Sequences) -> Float[np.ndarray, "q items"]:
        """The test outputs of the dual model after its step."""
        queries = self.queries(histories)
        return self._read(queries, self.dual_carried(queries), None)

    def dual_carried(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        r"""$(W_1 - W_0)q$ before the targets' scaling."""
        return dense(queries @ self.dual_weights)

    def attention_scores(
        self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None
    ) -> Float[np.ndarray, "q items"]:
        """Linear attention: weights over the demonstrations, which carry their targets."""
        weights = self.attention_weights(histories, times)
        carried = dense(weights @ self.demonstrations.target_matrix())
        return self._read(self.queries(histories, times), carried, times)

    def attention_weights(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        r"""$\eta_i\langle x_i, q\rangle$ for every query and demonstration, zero where it comes too late; shape [q, N].

        Raises:
            ValueError: times are given but the demonstrations have none.
        """
        weights = product(self.queries(histories, times), self.demonstrations.rated_keys().T)
        return weights if times is None else mask_later(weights, self.demonstrations.times, times)

    def queries(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """The vector q of every history, with the scaled features; shape [q, items]."""
        keys = self.query_keys.of(histories, self.items)
        if self.feature_scaling:
            counts = np.broadcast_to(self.initial.counts(times), (rows_of(keys), self.items))
            of_features = counts[row_numbers(keys), keys.indices]
            keys.data = keys.data * np.maximum(of_features, 1) ** -self.feature_scaling
        return keys

    def initial_queries(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """The vectors that W_0's text similarity reads; the queries themselves unless a form changes those."""
        return OneStep.queries(self, histories, times)

    def target_scales(self, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "*q items"]:
        """The factors c^-beta of every item, one row a time where times are given."""
        return np.maximum(self.initial.counts(times), 1) ** -self.target_scaling

    def _read(
        self, queries: sp.csr_array, carried: Float[np.ndarray, "q items"], times: Int[np.ndarray, " q"] | None
    ) -> Float[np.ndarray, "q items"]:
        carried += self.initial.constant_scores(times)
        carried *= self.target_scales(times)
        return self.initial.add_similarity(queries, carried)


def mask_later(
    weights: sp.csr_array, demonstration_times: Int[np.ndarray, " N"] | None, times: Int[np.ndarray, " q"]
) -> sp.csr_array:
    """The attention weights without those of demonstrations at or after each query's time.

    Raises:
        ValueError: the demonstrations have no times.
    """
    if demonstration_times is None:
        raise ValueError("these demonstrations have no times, so none can be held back; ask without times")
    earlier = demonstration_times[weights.indices] < times[row_numbers(weights)]
    return with_data(weights, weights.data * earlier)


def row_blocks(n: int, block: int = BLOCK) -> Iterator[slice]:
    """Slices that cover 0 to n."""
    for start in range(0, n, block):
        yield slice(start, min(start + block, n))


def neighbouring_lists(histories: Sequences, rows: slice) -> Sequences:
    """Some neighbouring lists."""
    starts = histories.starts[rows.start : rows.stop + 1]
    entries = slice(starts[0], starts[-1])
    times = None if histories.times is None else histories.times[entries]
    return Sequences(starts - starts[0], histories.items[entries], times)
