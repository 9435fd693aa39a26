r"""The data value of every demonstration and user: how the loss on some queries changes with its rate, in one pass."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import BLOCK, OneStep, row_blocks
from lrgd_jax.recommend.sparse_matrices import row_numbers

__all__ = ["DataValues", "cross_entropy", "data_values"]


@dataclass(frozen=True)
class DataValues:
    r"""What the demonstrations are worth to a set of queries.

    Attributes:
        values: $-\partial\ell/\partial\eta_i$, the first-order effect of each rate; positive helps, shape [N].
        users: whose each demonstration is, shape [N].
        loss: l, the mean cross-entropy of the queries at the present rates, in nats.

    Examples:
        >>> values = DataValues(np.array([0.5, -0.25, 0.125]), np.array([0, 0, 3]), loss=1.0)
        >>> [x.tolist() for x in values.by_user()]
        [[0, 3], [0.25, 0.125]]
    """

    values: Float[np.ndarray, " N"]
    users: Int[np.ndarray, " N"]
    loss: float

    def by_user(self) -> tuple[Int[np.ndarray, " u"], Float[np.ndarray, " u"]]:
        """The users and the sums of their demonstrations' values."""
        owners, where = np.unique(self.users, return_inverse=True)
        return owners, np.bincount(where, self.values, minlength=len(owners))


def data_values(
    model: OneStep, queries: Queries, *, temperature: float = 1.0, block: int = BLOCK, seen: bool = False
) -> DataValues:
    r"""The first-order effect of every demonstration on the mean cross-entropy of some queries.

    $$-\frac{\partial\ell}{\partial\eta_i} = \frac1{|U|}\sum_u \frac{\langle x_i,q_u\rangle\,(T-P)_{u,y_i}\,
    c_{u,y_i}^{-\beta}}{\theta},\qquad P_u = \mathrm{softmax}(s_u/\theta)$$

    Only pairs of a query and a demonstration that share an item are visited, so the whole takes one sparse product.
    For queries with times, a demonstration counts for the later ones only.

    Args:
        model: the linear form at its present rates.
        queries: whose loss it is.
        temperature: theta, in units of the scores.
        block: queries at once.
        seen: whether items of the history are candidates.

    Returns:
        One value a demonstration, positive where a larger rate lowers the loss, and the loss.

    Raises:
        NotImplementedError: another form, whose scores are not linear in the rates.
        ValueError: there are no queries, or the temperature is not positive.

    Source:
        Claim `effect-is-data-value`; Pruthi et al. 2020, arXiv 2002.08484 (TracIn, one step).

    Examples:
        >>> from lrgd_jax.recommend.data.sequences import Sequences
        >>> from lrgd_jax.recommend.forms.meta_parameters import Meta
        >>> from lrgd_jax.recommend.forms.registry import build_from_histories
        >>> past = Sequences.from_lists([[0, 1], [0, 2], [0, 1]])
        >>> model = build_from_histories(past, 3, Meta(similarity=0.0))
        >>> asked = Queries(np.array([0]), Sequences.from_lists([[0]]), np.array([1]))
        >>> (data_values(model, asked).values > 0).tolist()
        [True, False, True]
    """
    if type(model) is not OneStep:
        raise NotImplementedError(f"data values are those of the linear form; got {type(model).__name__}")
    if not len(queries) or not temperature > 0:
        raise ValueError(f"expected queries and a positive temperature, got {len(queries)} and {temperature}")
    demonstrations, loss = model.demonstrations, 0.0
    values = np.zeros(len(demonstrations))
    unrated = model.with_rates(np.ones(len(demonstrations)))
    for rows in row_blocks(len(queries), block):
        asked = queries.take(np.arange(rows.start, rows.stop))
        scores = model.scores(asked.histories, asked.times)
        if not seen:
            scores[asked.seen.owners, asked.seen.items] = -np.inf
        losses, residuals = cross_entropy(scores / temperature, asked.targets)
        weights = unrated.attention_weights(asked.histories, asked.times)
        residuals *= np.atleast_2d(model.target_scales(asked.times)) / temperature
        values += _contract(weights, residuals, demonstrations.targets)
        loss += float(losses.sum())
    return DataValues(values / len(queries), demonstrations.users, loss / len(queries))


def cross_entropy(
    logits: Float[np.ndarray, "q items"], targets: Int[np.ndarray, " q"]
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, "q items"]]:
    """The losses, and T - P, minus their gradients by the logits; both zero where the target is no candidate."""
    here = np.arange(len(logits))
    wanted = logits[here, targets] > -np.inf
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    own = np.where(wanted, shares[here, targets], 1.0)
    shares[here, targets] -= 1.0
    return -np.log(own), -shares * wanted[:, None]


def _contract(
    weights: sp.csr_array, residuals: Float[np.ndarray, "q items"], targets: Int[np.ndarray, " N"]
) -> Float[np.ndarray, " N"]:
    met = weights.data * residuals[row_numbers(weights), targets[weights.indices]]
    return np.bincount(weights.indices, met, minlength=len(targets))
