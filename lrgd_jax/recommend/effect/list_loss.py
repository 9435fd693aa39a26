r"""A ranking loss and its residuals: cross-entropy over each query's best-scored items and the wanted one."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.measure.metrics import Places, concatenate_places
from lrgd_jax.recommend.measure.sparse_scores import SparseScores, sparse_blocks

__all__ = ["ListLoss", "RankedQueries"]


@dataclass(frozen=True)
class RankedQueries:
    """What a recommender makes of queries.

    Attributes:
        places: where the wanted items stand among all items that were not seen before.
        losses: cross-entropies in nats; 0 where the wanted item is no candidate, shape [q].
        residuals: (T - P)/temperature, minus the gradient of each loss by the scores, shape [q, items].
    """

    places: Places
    losses: Float[np.ndarray, " q"]
    residuals: sp.csr_array

    @property
    def loss(self) -> float:
        """The mean of the losses."""
        return float(self.losses.mean())


@dataclass(frozen=True)
class ListLoss:
    r"""Cross-entropy over a short list: the wanted item against the items that now stand highest.

    $$\ell_u = -\log\frac{\exp(s_{uy}/\tau)}{\exp(s_{uy}/\tau) + \sum_{j\in C_u}\exp(s_{uj}/\tau)}$$

    where C_u are the best-scored items, other than y, that a demonstration speaks for and that the user has not seen.
    Seen items are no candidates, so no demonstration is rewarded or punished for repeating what a user has.

    Attributes:
        temperature: tau, in units of the scores.
        candidates: how many items C_u holds at most.

    Source:
        Cao et al. 2007, ICML (the list-wise loss, with one wanted item), on a truncated list.
    """

    temperature: float = 0.5
    candidates: int = 100

    def __post_init__(self) -> None:
        if not self.temperature > 0 or self.candidates < 1:
            raise ValueError(
                "a list loss needs a positive temperature and at least one candidate, got "
                f"{self.temperature} and {self.candidates}"
            )

    def __call__(self, model: OneStep, queries: Queries) -> RankedQueries:
        """Scores the queries by the dual and ranks the wanted items among the whole catalogue.

        Raises:
            ValueError: the initial weights use texts, so the scores are not sparse; or there are no queries.
        """
        if not len(queries):
            raise ValueError("there are no queries, so there is no loss; give at least one")
        parts = [self._of_block(scores, queries.targets[rows]) for rows, scores in sparse_blocks(model, queries)]
        where, losses, residuals = zip(*parts, strict=True)
        return RankedQueries(
            concatenate_places(where), np.concatenate(losses), sp.csr_array(sp.vstack(residuals, "csr"))
        )

    def _of_block(
        self, scores: SparseScores, targets: Int[np.ndarray, " q"]
    ) -> tuple[Places, Float[np.ndarray, " q"], sp.csr_array]:
        rows, columns, logits = scores.best(self.candidates, targets)
        own = scores.of(targets)
        wanted = np.flatnonzero(own > -np.inf)
        rows, columns = np.concatenate([wanted, rows]), np.concatenate([targets[wanted], columns])
        logits = np.concatenate([own[wanted], logits]) / self.temperature
        # where the wanted item is no candidate there is nothing to learn
        asked = own[rows] > -np.inf
        rows, columns, logits = rows[asked], columns[asked], logits[asked]
        top = np.full(len(targets), -np.inf)
        np.maximum.at(top, rows, logits)
        shares = np.exp(logits - top[rows])
        totals = np.bincount(rows, shares, minlength=len(targets))
        shares /= totals[rows]
        losses = np.zeros(len(targets))
        losses[wanted] = -np.log(shares[: len(wanted)])
        residuals = -shares
        residuals[: len(wanted)] += 1
        matrix = sp.csr_array((residuals / self.temperature, (rows, columns)), shape=scores.touched.shape)
        return scores.places(targets), losses, matrix
