"""Bootstrap intervals of statistics over prompts."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

__all__ = ["bootstrap", "interval_of_mean"]

RESAMPLES = 2000


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

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    arrays = [np.asarray(column, np.float64) for column in columns]
    n = len(arrays[0])
    drawn = np.random.default_rng(0).integers(0, n, (RESAMPLES, n))
    samples = statistic(*(x[drawn] for x in arrays))
    low, high = np.quantile(samples, [(1 - coverage) / 2, (1 + coverage) / 2])
    return {"value": float(statistic(*(x[None] for x in arrays))[0]), "low": float(low), "high": float(high)}


def interval_of_mean(column: Sequence[float] | Float[np.ndarray, " n"]) -> dict[str, float]:
    """`bootstrap` of the mean."""
    return bootstrap(lambda x: x.mean(axis=1), column)
