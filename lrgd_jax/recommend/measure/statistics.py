"""How sure a mean over queries is, and a difference of two; users are drawn, for the queries of one go together."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from lrgd_jax.bootstrap import RESAMPLES, percentile_interval, resample_sums

__all__ = ["ConfidenceInterval", "Difference", "confidence_interval", "paired_difference", "per_user"]

LEVEL = 0.95
CHUNK = 100
"""Permutations at once; bounds the memory."""


@dataclass(frozen=True)
class ConfidenceInterval:
    """A mean and where it would lie with other users of the same kind.

    Attributes:
        mean: over queries.
        low: end of the percentile bootstrap interval.
        high: its other end.
        level: level of confidence.
    """

    mean: float
    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Difference:
    """One recommender against another on the same queries.

    Attributes:
        difference: mean of the first less mean of the second, with a paired bootstrap interval.
        relative: the first mean over the second, less 1, likewise; None where the second mean is 0.
        p: two-sided p value of the sign-flip permutation test: that no user is served better by either.
        users: how many were compared.
    """

    difference: ConfidenceInterval
    relative: ConfidenceInterval | None
    p: float
    users: int


def per_user(
    values: Float[np.ndarray, " q"], users: Int[np.ndarray, " q"]
) -> tuple[Int[np.ndarray, " u"], Float[np.ndarray, " u"]]:
    """The users in increasing order, and the mean of each one's values."""
    sums, counts, names = _totals(values, users)
    return names, sums / counts


def confidence_interval(
    values: Float[np.ndarray, " q"],
    users: Int[np.ndarray, " q"],
    *,
    seed: int,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> ConfidenceInterval:
    """The mean of values over queries, with a cluster bootstrap over users.

    Args:
        values: of a metric, one a query.
        users: whose query each is.
        seed: seed of the resampling.
        level: level of confidence, in (0, 1).
        resamples: how many.

    Raises:
        ValueError: there are no values, or as many users as values are not given.

    Source:
        Efron and Tibshirani 1993, chapter 13 (percentile interval); Field and Welsh 2007 (resampling clusters).
    """
    sums, counts, _ = _totals(values, users)
    drawn = resample_sums(np.stack([sums, counts], axis=1), seed, resamples)
    return _interval(float(sums.sum() / counts.sum()), drawn[:, 0] / drawn[:, 1], level)


def paired_difference(
    first: Float[np.ndarray, " q"],
    second: Float[np.ndarray, " q"],
    users: Int[np.ndarray, " q"],
    *,
    seed: int,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Difference:
    """Compares two recommenders on the same queries, user by user.

    Args:
        first: a metric's values, one a query.
        second: the other's, in the same order.
        users: whose query each is.
        seed: seed of the resampling and of the signs.
        level: level of confidence, in (0, 1).
        resamples: number of resamples of the bootstrap and of the permutation test.

    Raises:
        ValueError: the lengths differ, or there are no values.

    Source:
        Smucker, Allan and Carterette 2007 (which tests to use for rankings); Phipson and Smyth 2010 (p is never 0).
    """
    if first.shape != second.shape:
        raise ValueError(f"a paired comparison needs the same queries: {first.shape} and {second.shape} values")
    one, counts, _ = _totals(first, users)
    other = _totals(second, users)[0]
    drawn = resample_sums(np.stack([one, other, counts], axis=1), seed, resamples)
    gap = _interval(float((one - other).sum() / counts.sum()), (drawn[:, 0] - drawn[:, 1]) / drawn[:, 2], level)
    relative = None
    if other.sum() > 0 and (drawn[:, 1] > 0).all():
        relative = _interval(float(one.sum() / other.sum() - 1), drawn[:, 0] / drawn[:, 1] - 1, level)
    return Difference(gap, relative, _sign_flips(one - other, seed, resamples), len(counts))


def _sign_flips(gaps: Float[np.ndarray, " u"], seed: int, resamples: int) -> float:
    """P(|sum of +-gaps| >= |sum of gaps|) over random signs, the observed ones counted among them."""
    rng = np.random.default_rng([seed, 1])
    gaps = gaps[gaps != 0]
    seen = abs(gaps.sum())
    # equal sums in another order differ by rounding, and must count as equal
    slack = 2 * len(gaps) * np.finfo(float).eps * np.abs(gaps).sum()
    extreme = 0
    for start in range(0, resamples, CHUNK):
        signs = rng.integers(0, 2, (min(CHUNK, resamples - start), len(gaps)), np.int8)
        extreme += int((np.abs((2.0 * signs - 1) @ gaps) >= seen - slack).sum())
    return (1 + extreme) / (1 + resamples)


def _totals(
    values: Float[np.ndarray, " q"], users: Int[np.ndarray, " q"]
) -> tuple[Float[np.ndarray, " u"], Float[np.ndarray, " u"], Int[np.ndarray, " u"]]:
    if values.shape != users.shape or values.ndim != 1:
        raise ValueError(f"expected one user a value, got {values.shape} values and {users.shape} users")
    if not len(values):
        raise ValueError("no values: nothing was asked, so there is no mean")
    names, which = np.unique(users, return_inverse=True)
    return np.bincount(which, values), np.bincount(which).astype(float), names


def _interval(mean: float, drawn: Float[np.ndarray, " r"], level: float) -> ConfidenceInterval:
    low, high = percentile_interval(drawn, level)
    return ConfidenceInterval(mean, low, high, level)
