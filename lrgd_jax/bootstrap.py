"""Bootstrap intervals: of a statistic of independent entries, and of sums over clusters such as users."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

__all__ = ["RESAMPLES", "bootstrap", "interval_of_mean", "percentile_interval", "resample_sums"]

RESAMPLES = 2000
CHUNK = 100
"""Resamples at once; bounds the memory."""


def percentile_interval(samples: Float[np.ndarray, " r"], level: float) -> tuple[float, float]:
    r"""The quantiles $(1-c)/2$ and $(1+c)/2$ of bootstrap samples.

    Args:
        samples: of a statistic, one a resample.
        level: c, in (0, 1).

    Raises:
        ValueError: the level is no probability between 0 and 1.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: expected a probability between 0 and 1, such as 0.95")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap(
    statistic: Callable[..., Float[np.ndarray, " b"]],
    *columns: Sequence[float] | Float[np.ndarray, " n"],
    coverage: float = 0.95,
) -> dict[str, float]:
    """A statistic of columns with one entry a prompt, and its percentile interval when prompts are drawn again.

    Args:
        statistic: of columns of shape [b, n]: one number for each of b samples.
        columns: of equal length n; a sample takes the same prompts from each.
        coverage: of the interval.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    arrays = [np.asarray(column, np.float64) for column in columns]
    n = len(arrays[0])
    drawn = np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
    low, high = percentile_interval(statistic(*(x[drawn] for x in arrays)), coverage)
    return {"value": float(statistic(*(x[None] for x in arrays))[0]), "low": low, "high": high}


def interval_of_mean(column: Sequence[float] | Float[np.ndarray, " n"]) -> dict[str, float]:
    """`bootstrap` of the mean."""
    return bootstrap(lambda x: x.mean(axis=1), column)


def resample_sums(totals: Float[np.ndarray, "u c"], seed: int, resamples: int) -> Float[np.ndarray, "r c"]:
    """Sums over as many clusters as there are, drawn with replacement.

    Args:
        totals: of each cluster, several numbers side by side that are drawn together.
        seed: of the draws.
        resamples: how many sums.

    Source:
        Field and Welsh 2007, JRSS B 69(3) (resampling clusters).
    """
    rng = np.random.default_rng([seed, 0])
    clusters = len(totals)
    drawn = np.empty((resamples, totals.shape[1]))
    for start in range(0, resamples, CHUNK):
        rows = min(CHUNK, resamples - start)
        picked = rng.integers(0, clusters, (rows, clusters)) + clusters * np.arange(rows)[:, None]
        counts = np.bincount(picked.ravel(), minlength=rows * clusters).reshape(rows, clusters)
        drawn[start : start + rows] = counts @ totals
    return drawn
