r"""The one-step recommender: linear attention over past users' transitions, and its dual after one step."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.history_keys import HistoryKeys
from lrgd_jax.recommend.forms.initial_weights import InitialWeights
from lrgd_jax.recommend.forms.popularity import count_powers
from lrgd_jax.recommend.forms.transitions import Transitions
from lrgd_jax.recommend.sparse_matrices import columns_of, dense, product, row_numbers, rows_of, with_data

__all__ = ["BLOCK", "DualSums", "OneStep", "mask_later", "row_blocks", "scale_features"]

BLOCK = 512
"""Queries that are scored together: the largest dense array is this by the size of the catalogue."""


@dataclass(frozen=True)
class DualSums:
    r"""What the step on some demonstrations adds up to, where somebody has kept it up to date.

    Attributes:
        demonstrations: whose sums they are; of any others they say nothing.
        weights: $\sum_i\eta_i\,x_iy_i^\top$, features by items, shape [items, items].
    """

    demonstrations: Transitions
    weights: sp.csr_array


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
        sums: sums of the step, where they are known already; those of other demonstrations are not read.
        adds_up: whether a score is a sum with one term a demonstration, so that it can be taken apart.

    Source:
        Claims `item-knn-is-one-step` and `popularity-is-the-initial-weights`.

    Examples:
        >>> from lrgd_jax.recommend.forms.popularity import popularity
        >>> from lrgd_jax.recommend.forms.transitions import transitions
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> made = transitions(past, HistoryKeys(0.5, 0.0), items=3)
        >>> model = OneStep(made, InitialWeights(popularity(past, 3), 0.0), HistoryKeys(0.5, 0.0), target_scaling=0.0)
        >>> asked = Sequences.from_lists([[0], [0, 2]])
        >>> model.dual_scores(asked).tolist()
        [[0.0, 2.0, 1.0], [0.0, 1.0, 0.5]]
        >>> model.attention_scores(asked).tolist()
        [[0.0, 2.0, 1.0], [0.0, 1.0, 0.5]]
    """

    adds_up: ClassVar[bool] = True

    demonstrations: Transitions
    initial: InitialWeights
    query_keys: HistoryKeys = field(default_factory=HistoryKeys)
    target_scaling: float = 0.25
    feature_scaling: float = 0.0
    sums: DualSums | None = None

    @property
    def items(self) -> int:
        """Size of the catalogue."""
        return self.demonstrations.items

    def with_rates(self, rates: Float[np.ndarray, " N"]) -> Self:
        """The same recommender with other rates of its demonstrations; zero leaves one out."""
        return replace(self, demonstrations=self.demonstrations.with_rates(rates))

    def with_dual_weights(self, weights: sp.csr_array) -> Self:
        """The same recommender, told what the step on its demonstrations adds up to; with other rates it forgets that.

        Args:
            weights: as `dual_weights` would compute them, shape [items, items].
        """
        return replace(self, sums=DualSums(self.demonstrations, weights))

    @cached_property
    def dual_weights(self) -> sp.csr_array:
        r"""$(W_1 - W_0)^\top = \sum_i\eta_i\,x_iy_i^\top$ before the scalings, features by items, never dense.

        Its entries are exact sums (`GRID` of `history_keys`), whatever the order of the demonstrations.
        """
        demonstrations = self.demonstrations
        if self.sums is not None and self.sums.demonstrations is demonstrations:
            return self.sums.weights
        weights = product(demonstrations.rated_keys().T, demonstrations.target_matrix())
        weights.eliminate_zeros()
        return weights

    def scores(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "q items"]:
        """Scores of every item for every history: by the dual, or by attention where demonstrations must be held back.

        Args:
            histories: histories of the present users, oldest first.
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
            yield rows, self.scores(histories.block(rows), None if times is None else times[rows])

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
        return scale_features(
            self.query_keys.of(histories, self.items), self.initial.counts(times), self.feature_scaling
        )

    def initial_queries(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """The vectors that W_0's text similarity reads; the queries themselves unless a form changes those."""
        return OneStep.queries(self, histories, times)

    def target_scales(self, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "*q items"]:
        """The factors c^-beta of every item, one row a time where times are given."""
        return count_powers(self.initial.counts(times), self.target_scaling)

    def _read(
        self, queries: sp.csr_array, carried: Float[np.ndarray, "q items"], times: Int[np.ndarray, " q"] | None
    ) -> Float[np.ndarray, "q items"]:
        carried += self.initial.constant_scores(times)
        carried *= self.target_scales(times)
        return self.initial.add_similarity(queries, carried)


def scale_features(keys: sp.csr_array, counts: Float[np.ndarray, "*q items"], scaling: float) -> sp.csr_array:
    r"""The keys, in place, with the feature of an item that was taken c times scaled by $c^{-\delta}$."""
    if scaling:
        of_keys = np.broadcast_to(counts, (rows_of(keys), columns_of(keys)))[row_numbers(keys), keys.indices]
        keys.data = keys.data * count_powers(of_keys, scaling)
    return keys


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
