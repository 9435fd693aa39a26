"""Normalised linear attention over past users: the projective dual, whose step does not grow with repetition."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Int

from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.sparse_matrices import row_numbers, rows_of, with_data

__all__ = ["NormalisedAttention"]


@dataclass(frozen=True)
class NormalisedAttention(OneStep):
    r"""Attention weights are divided by their sum and the prior weight of the initial prediction.

    $$s(q) = W_0q + N_0\,\frac{\sum_i\eta_i\,y_i\langle x_i,q\rangle}{b_0+\sum_i\eta_i\langle x_i,q\rangle}$$

    The dual's targets are $[y_i; 1]$ (claim `normalised-linear-attention`), so a history that many demonstrations
    resemble takes no larger step than one that few do.

    Attributes:
        prior: b_0, the attention that goes to none of the demonstrations.
        weight: N_0, of the average beside the initial prediction.
    """

    prior: float = 10.0
    weight: float = 20.0

    def attention_weights(self, histories: Sequences, times: Int[np.ndarray, " q"] | None = None) -> sp.csr_array:
        """Weights over the demonstrations, which with the prior's share sum to `weight`; shape [q, N]."""
        weights = super().attention_weights(histories, times)
        sums = self.prior + np.bincount(row_numbers(weights), weights.data, minlength=rows_of(weights))
        return with_data(weights, self.weight * weights.data / sums[row_numbers(weights)])

    def dual_carried(self, queries: sp.csr_array) -> np.ndarray:
        """The projective output (a; b) of the dual, read as a / b: the weights' sum is one more column of its step."""
        carried = super().dual_carried(queries)
        return self.weight * carried / (self.prior + carried.sum(axis=1, keepdims=True))
