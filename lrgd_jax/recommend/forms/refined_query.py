"""For forms whose weights mix all demonstrations: a batch of queries sees what came before the earliest of them."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.sparse_matrices import dense

__all__ = ["RefinedQueryForm"]


@dataclass(frozen=True)
class RefinedQueryForm(OneStep):
    """Scores are `refined queries @ dual weights`; with times, all of a batch share the demonstrations of its start.

    Queries should therefore come in the order of their times, in batches that are not too long.
    """

    adds_up: ClassVar[bool] = False

    def scores(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "q items"]:
        """Scores of every item for every history.

        Raises:
            ValueError: times are given but the demonstrations have none.
        """
        queries = self.queries(histories, times)
        carried = self.before(times).dual_carried(queries)
        return self._read(queries, carried, times)

    def attention_scores(
        self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None
    ) -> Float[np.ndarray, "q items"]:
        """The same scores by weights over the demonstrations."""
        weights = self.attention_weights(histories, times)
        carried = dense(weights @ self.before(times).demonstrations.target_matrix())
        return self._read(self.queries(histories, times), carried, times)

    def before(self, times: Int[np.ndarray, " q"] | None) -> Self:
        """With the demonstrations before the earliest of the times at rates as they are, the others at rate zero.

        Raises:
            ValueError: times are given but the demonstrations have none.
        """
        if times is None or not len(times):
            return self
        if self.demonstrations.times is None:
            raise ValueError("these demonstrations have no times, so none can be held back; ask without times")
        earlier = self.demonstrations.times < times.min()
        return self.with_rates(np.where(earlier, self.demonstrations.rates, 0.0))

    def attention_weights(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """Weights of every query over the demonstrations: eta_i <x_i, refined q>; shape [q, N]."""
        model = self.before(times)
        refined = model.refine(self.queries(histories, times))
        return sp.csr_array(dense(model.demonstrations.rated_keys() @ refined.T).T)

    def refine(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        """What the form makes of the queries before they attend."""
        return dense(queries)

    def dual_carried(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        """Refined queries through the sums of the demonstrations."""
        return dense(self.dual_weights.T @ self.refine(queries).T).T
