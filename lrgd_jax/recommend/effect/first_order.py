r"""What every demonstration is worth to first order in its rate, all of them in one contraction."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.sparse_matrices import entries_at, product, row_numbers

__all__ = ["first_order_effects"]


def first_order_effects(model: OneStep, queries: Queries, residuals: sp.csr_array) -> Float[np.ndarray, " N"]:
    r"""How much the mean loss falls per unit of each demonstration's rate.

    $$-\frac{\partial}{\partial\eta_i}\frac1{|U|}\sum_u\ell_u
    = \frac{c_{y_i}^{-\beta}}{|U|}\,\big(x_i^\top Q^\top R\big)_{y_i},\qquad R_u = -\nabla_{s_u}\ell_u$$

    Q'R has a row a feature and a column an item; only its entries at (feature of x_i, y_i) are read, so the cost is
    one sparse product, whatever the number of demonstrations.

    Args:
        model: the recommender at its present rates; the residuals are its.
        queries: whose loss it is; only the histories are read.
        residuals: R, shape [q, items].

    Returns:
        Positive where a larger rate helps, shape [N].

    Source:
        Claim `effect-is-data-value`; Pruthi et al. 2020, arXiv 2002.08484 (TracIn, one step).
    """
    moved = product(model.queries(queries.histories).T, residuals)
    demonstrations = model.demonstrations
    keys = demonstrations.keys
    owners = row_numbers(keys)
    read, _ = entries_at(moved, keys.indices, demonstrations.targets[owners])
    sums = np.bincount(owners, keys.data * read, minlength=len(demonstrations))
    return sums * model.target_scales()[demonstrations.targets] / len(queries)
