"""Several steps of descent over past users: linear attention of a refined query."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.forms.refined_query import RefinedQueryForm
from lrgd_jax.recommend.sparse_matrices import dense, product

__all__ = ["MultiStep"]

ROUNDS = 30
"""Rounds of the power iteration for the largest curvature."""


@dataclass(frozen=True)
class MultiStep(RefinedQueryForm):
    r"""T full-batch steps on the squared error with ridge, done to the query in place of the weights.

    $$W_Tq = \sum_i\eta_i\,y_i\langle x_i, u_T\rangle,\qquad
    u_{j+1} = u_j + q - r\,(H + \lambda I)\,u_j,\quad u_1 = q,\qquad H = \sum_i\eta_i\,x_ix_i^\top$$

    In units of the first step, whose rate r is given in shares of the stability limit: $r\cdot(s_{\max}+\lambda)$ is
    `rate`, below two. One step is the linear form exactly; many tend to ridge attention, $(H+\lambda I)^{-1}q / r$.

    Attributes:
        steps: T.
        rate: r in units of one over the largest curvature.
        ridge: lambda, in units of the largest curvature.
    """

    steps: int = 2
    rate: float = 1.0
    ridge: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.rate < 2 or self.ridge < 0:
            raise ValueError(
                "steps must be 1 or more, the rate between 0 and 2 (beyond, descent diverges) and the ridge not "
                f"negative; got steps={self.steps}, rate={self.rate}, ridge={self.ridge}"
            )

    def refine(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        """u_T of every query."""
        q = dense(queries).T
        u, largest = q, self.largest_curvature
        shrink = self.rate / (largest * (1 + self.ridge)) if largest else 0.0
        for _ in range(self.steps - 1):
            u = u + q - shrink * (dense(self.curvature @ u) + self.ridge * largest * u)
        return u.T

    @cached_property
    def curvature(self) -> sp.csr_array:
        """H, sparse; shape [items, items]."""
        return product(self.demonstrations.rated_keys().T, self.demonstrations.keys)

    @cached_property
    def largest_curvature(self) -> float:
        """An upper estimate of the largest eigenvalue of H: the largest ratio (H v)_j / v_j of a positive vector.

        Source: Collatz 1942 (bounds of the spectral radius of a matrix that has no negative entry).
        """
        h, v = abs(self.curvature), np.ones(self.items)
        for _ in range(ROUNDS):
            v = h @ v
            v = v / max(v.max(initial=0.0), np.finfo(float).tiny) + np.finfo(float).eps
        return float((h @ v / v).max(initial=0.0))
