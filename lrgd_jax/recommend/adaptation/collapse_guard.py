"""The collapse guard: how much of the context still speaks, and rates that are pulled back before it is too little."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.sparse_matrices import columns_of, rows_of

__all__ = ["Collapse", "Guard", "collapse", "effective_rank", "perplexity"]

SINGULAR = 64
"""Singular values that are computed; the energy of the others is spread as flatly as they allow."""
POWER = 1
"""Rounds of the subspace iteration."""
HALVINGS = 24


@dataclass(frozen=True)
class Collapse:
    """How concentrated a context is.

    Attributes:
        rank: effective rank of W_1 - W_0, a lower estimate; how many directions the step uses.
        voices: exponential of the entropy of the rates' shares; how many demonstrations speak.
        largest: share of the largest rate.
    """

    rank: float
    voices: float
    largest: float


@dataclass(frozen=True)
class Guard:
    r"""Limits that rates must keep, and the way back to them.

    Rates that break a limit are pulled toward 1 along $\eta^c$, with the largest c in [0, 1] that keeps all.

    Attributes:
        voices: smallest number of demonstrations that speak, in units of that at rates 1.
        largest: largest rate, in units of the mean rate.
        rank: smallest effective rank, in units of that at rates 1; 0 does not compute it.
    """

    voices: float = 0.9
    largest: float = 10.0
    rank: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.voices < 1 and 0 <= self.rank < 1 and self.largest > 1):
            raise ValueError(
                "a guard lets rates differ: voices and rank must lie in [0, 1) and the largest rate above 1, got "
                f"{self.voices}, {self.rank} and {self.largest}"
            )

    def pull_back(self, model: OneStep, log_rates: Float[np.ndarray, " N"], seed: int = 0) -> Float[np.ndarray, " N"]:
        """The logarithms of the rates, shrunk by one factor where a limit was broken."""
        start = effective_rank(model.dual_weights, seed=seed) if self.rank else 0.0
        return self.pull_back_rates(
            log_rates, start, lambda rates: effective_rank(model.with_rates(rates).dual_weights, seed=seed)
        )

    def pull_back_rates(
        self,
        log_rates: Float[np.ndarray, " N"],
        start: float = 0.0,
        rank_of: Callable[[Float[np.ndarray, " N"]], float] = lambda rates: 0.0,
    ) -> Float[np.ndarray, " N"]:
        """The same for rates of whatever they are.

        Args:
            log_rates: logarithms of the rates.
            start: effective rank at rates 1; not read where the guard has no limit of it.
            rank_of: effective rank at some rates; likewise.
        """
        if self._keeps_limits(log_rates, start, rank_of):
            return log_rates
        low, high = 0.0, 1.0
        for _ in range(HALVINGS if not self.rank else HALVINGS // 4):
            middle = (low + high) / 2
            low, high = (middle, high) if self._keeps_limits(middle * log_rates, start, rank_of) else (low, middle)
        return low * log_rates

    def _keeps_limits(
        self, log_rates: Float[np.ndarray, " N"], start: float, rank_of: Callable[[Float[np.ndarray, " N"]], float]
    ) -> bool:
        rates = np.exp(log_rates)
        if rates.max() > self.largest * rates.mean() or perplexity(rates) < self.voices * len(rates):
            return False
        return not self.rank or rank_of(rates) >= self.rank * start


def collapse(model: OneStep, seed: int = 0) -> Collapse:
    """The state of a context.

    Raises:
        ValueError: a rate is negative, or all are zero.
    """
    rates = model.demonstrations.rates
    return Collapse(effective_rank(model.dual_weights, seed=seed), perplexity(rates), float(rates.max() / rates.sum()))


def perplexity(rates: Float[np.ndarray, " N"]) -> float:
    r"""$\exp(-\sum_i p_i\log p_i)$, $p_i = \eta_i/\sum_j\eta_j$: N where all are equal, 1 where one is all.

    Raises:
        ValueError: a rate is negative, or all are zero.
    """
    if (rates < 0).any() or not rates.any():
        raise ValueError("shares need rates that are not negative and not all zero")
    shares = rates[rates > 0] / rates.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def effective_rank(weights: sp.csr_array, *, seed: int, count: int = SINGULAR) -> float:
    r"""$\exp(-\sum_k p_k\log p_k)$, $p_k = \sigma_k^2/\|W\|_F^2$, from a randomised singular value decomposition.

    The largest singular values are found in a random subspace, from below; the energy E that they leave is counted as
    $-E\log p_{\text{last}}$, which the true sum is not less than where the found ones are exact. So it is a lower
    estimate, and it is exact once `count` reaches the rank.

    Args:
        weights: W, sparse.
        seed: seed of the subspace.
        count: how many singular values.

    Source:
        Roy and Vetterli 2007, EUSIPCO (effective rank; here of the energies); Halko, Martinsson and Tropp 2011,
        algorithm 4.4.
    """
    total = float((weights.data**2).sum())
    if total == 0:
        return 0.0
    width = min(count + 8, rows_of(weights), columns_of(weights))
    basis = np.random.default_rng(seed).standard_normal((columns_of(weights), width))
    for _ in range(POWER + 1):
        basis = np.linalg.qr(weights.T @ np.linalg.qr(weights @ basis)[0])[0]
    values = np.linalg.svd(weights @ basis, compute_uv=False)[: min(count, width)]
    shares = values**2 / total
    shares = shares[shares > np.finfo(float).eps]
    rest = max(0.0, 1.0 - float(shares.sum()))
    return float(np.exp(-np.sum(shares * np.log(shares)) - rest * np.log(shares[-1])))
