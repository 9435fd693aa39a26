"""The delta rule over past users: online descent on the squared error, demonstration by demonstration."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.dense_limit import require_dense_square
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import Transitions
from lrgd_jax.recommend.sparse_matrices import rows_of

__all__ = ["DeltaRule"]


@dataclass(frozen=True)
class DeltaRule(OneStep):
    r"""Each demonstration corrects what the ones before it left wrong.

    $$W_i = W_{i-1} + b\,\eta_i\,(y_i - W_{i-1}x_i)\,x_i^\top$$

    in the order of their times, or as they come where there are none: unlike a step on the alignment loss, the answer
    depends on the order. Targets of one basket have none, and one key x: they are one demonstration, which corrects
    once, by $b\,(\sum_{i}\eta_iy_i - \max_i\eta_i\,Wx)\,x^\top$. A query with a time sees the weights as they were
    then.

    Attributes:
        step: b, below 2 / |x|^2.
        strength: how much the answer weighs beside W_0.
        allow_dense: allows items by items arrays for a large catalogue.
    """

    adds_up: ClassVar[bool] = False

    step: float = 0.1
    strength: float = 1.0
    allow_dense: bool = False

    def scores(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "q items"]:
        """Scores of every item for every history.

        Raises:
            ValueError: times are given but the demonstrations have none, or the catalogue is large and `allow_dense` is
                not set.
        """
        queries = self.queries(histories, times)
        return self._read(queries, self.strength * self._carry(queries, times), times)

    def _carry(self, queries: sp.csr_array, times: Int[np.ndarray, " q"] | None) -> Float[np.ndarray, "q items"]:
        require_dense_square("the delta rule", self.items, self.allow_dense)
        known = self.demonstrations.times
        if times is not None and known is None:
            raise ValueError("these demonstrations have no times, so none can be held back; ask without times")
        order = np.arange(len(self.demonstrations)) if known is None else np.argsort(known, kind="stable")
        # with times, a query is read as soon as all demonstrations before it are in
        asked = np.argsort(times, kind="stable") if times is not None else np.arange(rows_of(queries))
        first = None if times is None or known is None else np.searchsorted(known[order], times[asked], side="left")
        weights, carried, done = np.zeros((self.items, self.items)), np.zeros((rows_of(queries), self.items)), 0
        for position, query in enumerate(asked):
            end = len(order) if first is None else first[position]
            self._learn(weights, order[done:end])
            done = max(done, end)
            here = slice(queries.indptr[query], queries.indptr[query + 1])
            carried[query] = queries.data[here] @ weights[queries.indices[here]]
        return carried

    def _learn(self, weights: Float[np.ndarray, "items items"], which: Int[np.ndarray, " k"]) -> None:
        """Writes demonstrations into the transposed weights, features by items."""
        keys, demonstrations = self.demonstrations.keys, self.demonstrations
        for basket in _split_baskets(demonstrations, which):
            i, rates = basket[0], demonstrations.rates[basket]
            here = slice(keys.indptr[i], keys.indptr[i + 1])
            features, x = keys.indices[here], keys.data[here]
            rate = rates.max()
            error = -(x @ weights[features])
            # where all rates are equal, and where one demonstration is alone, every share is one
            shares = rates / rate if rate else rates
            np.add.at(error, demonstrations.targets[basket], shares)
            weights[features] += self.step * rate * np.outer(x, error)


def _split_baskets(demonstrations: Transitions, which: Int[np.ndarray, " k"]) -> list[Int[np.ndarray, " b"]]:
    """The demonstrations, those of one basket together."""
    if demonstrations.baskets is None or not len(which):
        return [which[[k]] for k in range(len(which))]
    return np.split(which, np.flatnonzero(np.diff(demonstrations.baskets[which])) + 1)
