"""Softmax attention over past users: user-kNN with exponential similarity, a Nadaraya-Watson estimate."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.one_step import OneStep, mask_later
from lrgd_jax.recommend.sparse_matrices import dense, product, row_numbers, rows_of, unit_rows, with_data

__all__ = ["SoftmaxNeighbours"]


@dataclass(frozen=True)
class SoftmaxNeighbours(OneStep):
    r"""Every past user votes, those with a similar history exponentially more.

    $$s(q) = W_0q + N_0\,\frac{\sum_i\eta_i\,y_i\,e^{\langle x_i,\hat q\rangle/\theta}}
    {\sum_i\eta_i\,e^{\langle x_i,\hat q\rangle/\theta}},\qquad \hat q = q/\|q\|$$

    Most demonstrations share no item with the query and have the weight $e^0 = 1$: together they are the popularity
    of the targets. So only the others, $e^z - 1$, are computed one by one, and the sum stays sparse and exact.

    Attributes:
        temperature: theta.
        weight: N_0, of the estimate beside the initial prediction.
    """

    temperature: float = 0.1
    weight: float = 20.0

    def queries(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """Keys of length one."""
        keys = super().queries(histories, times)
        return with_data(keys, unit_rows(keys).data)

    def scores(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> Float[np.ndarray, "q items"]:
        """Scores of every item, by attention: the functional dual has as many coefficients as demonstrations."""
        return self.attention_scores(histories, times)

    def attention_scores(
        self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None
    ) -> Float[np.ndarray, "q items"]:
        """Softmax attention over the demonstrations."""
        excess, sums = self._excess(histories, times)
        background = self._background(times)
        carried = dense(excess @ self.demonstrations.target_matrix()) + background
        carried *= self.weight / sums[:, None]
        return self._read(self.initial_queries(histories, times), carried, times)

    def attention_weights(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """All weights, each query's with sum `weight`: none is zero but where it comes too late; shape [q, N], full."""
        excess, sums = self._excess(histories, times)
        everyone = np.broadcast_to(self.demonstrations.rates, (rows_of(excess), len(self.demonstrations)))
        if times is not None:
            everyone = everyone * self._earlier(times)
        return sp.csr_array((dense(excess) + everyone) * (self.weight / sums[:, None]))

    def _excess(
        self, histories: Sequences, times: Int[np.ndarray, " q"] | None
    ) -> tuple[sp.csr_array, Float[np.ndarray, " q"]]:
        """The excess eta (e^z - 1) where z is not zero, and the sum of all weights."""
        logits = product(self.queries(histories, times), self.demonstrations.keys.T)
        if times is not None:
            logits = mask_later(logits, self.demonstrations.times, times)
        rates, z = self.demonstrations.rates, np.asarray(logits.data, np.float64)
        excess = with_data(logits, rates[logits.indices] * np.expm1(z / self.temperature))
        sums = np.bincount(row_numbers(excess), excess.data, minlength=rows_of(excess))
        whole = sums + (rates.sum() if times is None else self._earlier(times) @ rates)
        return excess, np.where(whole == 0, 1, whole)

    def _background(self, times: Int[np.ndarray, " q"] | None) -> Float[np.ndarray, "#q items"]:
        """What the demonstrations say to a query that shares nothing with them."""
        targets = self.demonstrations.target_matrix()
        if times is None:
            return np.atleast_2d(self.demonstrations.rates @ targets)
        return dense((self._earlier(times) * self.demonstrations.rates) @ targets)

    def _earlier(self, times: Int[np.ndarray, " q"]) -> Float[np.ndarray, "q N"]:
        if self.demonstrations.times is None:
            raise ValueError("these demonstrations have no times, so none can be held back; ask without times")
        return (self.demonstrations.times[None, :] < times[:, None]).astype(np.float64)
