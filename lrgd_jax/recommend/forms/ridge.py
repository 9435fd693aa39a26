"""Ridge attention over past users in closed form, with or without a zero diagonal: SLIST and EASE."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.forms.dense_limit import require_dense_square
from lrgd_jax.recommend.forms.refined_query import RefinedQueryForm
from lrgd_jax.recommend.sparse_matrices import dense, product

__all__ = ["Ridge", "ease", "ridge_weights"]


@dataclass(frozen=True)
class Ridge(RefinedQueryForm):
    r"""The least-squares answer of the demonstrations.

    $$W q = V q,\qquad V = \Big(\sum_i\eta_i\,y_ix_i^\top\Big)\Big(\sum_i\eta_i\,x_ix_i^\top+\lambda I\Big)^{-1}$$

    With `zero_diagonal`, V is the minimum under the constraint that no item speaks for itself.

    Attributes:
        ridge: lambda > 0.
        zero_diagonal: whether the diagonal of V is kept at zero.
        strength: how much the answer weighs beside W_0.
        allow_dense: allows items by items arrays for a large catalogue.
    """

    ridge: float = 10.0
    zero_diagonal: bool = True
    strength: float = 1.0
    allow_dense: bool = False

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise ValueError(f"the ridge must be positive, got {self.ridge}")

    @cached_property
    def weights(self) -> Float[np.ndarray, "items items"]:
        """The transpose of V, features by items.

        Raises:
            ValueError: the catalogue is large and `allow_dense` is not set.
        """
        require_dense_square("ridge", self.items, self.allow_dense)
        rated = self.demonstrations.rated_keys()
        gram = dense(product(rated.T, self.demonstrations.keys))
        return ridge_weights(gram, dense(self.dual_weights), self.ridge, zero_diagonal=self.zero_diagonal)

    def dual_carried(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        """Queries through the ridge weights."""
        return self.strength * np.asarray(queries @ self.weights)

    def refine(self, queries: sp.csr_array) -> Float[np.ndarray, "q items"]:
        r"""$(H+\lambda I)^{-1}q$, what attends to the demonstrations without the constraint.

        Raises:
            ValueError: the diagonal is kept at zero, which no weights over the demonstrations alone can do.
        """
        if self.zero_diagonal:
            raise ValueError("with a zero diagonal the answer is more than a sum over demonstrations; set it to False")
        require_dense_square("ridge", self.items, self.allow_dense)
        gram = dense(product(self.demonstrations.rated_keys().T, self.demonstrations.keys))
        factor = sl.cho_factor(gram + self.ridge * np.eye(self.items))
        return self.strength * sl.cho_solve(factor, dense(queries).T).T


def ridge_weights(
    gram: Float[np.ndarray, "f f"], moment: Float[np.ndarray, "f items"], ridge: float, *, zero_diagonal: bool
) -> Float[np.ndarray, "f items"]:
    r"""Solves $\min_B \tfrac12\|Y - XB\|^2 + \tfrac\lambda2\|B\|^2$, if asked under $B_{jj} = 0$.

    $$B = PX^\top Y - P\,\mathrm{diag}(\gamma),\qquad P = (X^\top X+\lambda I)^{-1},\qquad
    \gamma_j = \frac{(PX^\top Y)_{jj}}{P_{jj}}$$

    Args:
        gram: X'X.
        moment: X'Y.
        ridge: lambda > 0.
        zero_diagonal: gamma as above; else gamma = 0.

    Source: Steck 2019, arXiv 1905.03375, eq. 8 (EASE, Y = X); Choi et al. 2021, arXiv 2103.16104 (SLIST).
    """
    factor = sl.cho_factor(gram + ridge * np.eye(len(gram)))
    free = sl.cho_solve(factor, moment)
    if not zero_diagonal:
        return free
    inverse = sl.cho_solve(factor, np.eye(len(gram)))
    weights = free - inverse * (np.diagonal(free) / np.diagonal(inverse))
    np.fill_diagonal(weights, 0.0)
    return weights


def ease(interactions: sp.csr_array, ridge: float) -> Float[np.ndarray, "items items"]:
    """EASE: every user's row of taken items is key and target at once. Features by items.

    Args:
        interactions: one row a user.
        ridge: lambda.

    Raises:
        ValueError: the catalogue is too large for an items by items array.
    """
    gram = product(interactions.T, interactions)
    require_dense_square("EASE", int(gram.nnz and interactions.indices.max() + 1), allowed=False)
    return ridge_weights(dense(gram), dense(gram), ridge, zero_diagonal=True)
