"""What the rows of the experiment on adaptability say."""

from typing import Any

import numpy as np
from scipy import stats

from lrgd_jax.experiments.adaptability.config import Config
from lrgd_jax.experiments.running.interface import Rows, Summary

__all__ = ["summary"]

TOGETHER = -1
"""The window that stands for all of them."""
COLUMNS = ("queries", "users", "ndcg", "ndcg_low", "ndcg_high", "hit_rate", "hit_rate_low", "hit_rate_high")
GAPS = tuple(f"over_{name}{end}" for name in ("frozen", "updated") for end in ("", "_low", "_high", "_p"))


def summary(config: Config, rows: Rows) -> Summary:
    """One entry a data set and variant; of the first seed, as seeds only resample.

    The gap of a window is the difference of NDCG@10 to the frozen recommender. Its slope over the windows is a weighted
    least-squares line, weights from the windows' own intervals, taken as independent; windows without a gap to be
    unsure of are left out.
    """
    rows = [row for row in rows if row["seed"] == 0]
    pairs = list(dict.fromkeys((str(row["data"]), str(row["variant"])) for row in rows))
    return {"variants": [_line(data, variant, rows) for data, variant in pairs]}


def _line(data: str, variant: str, rows: Rows) -> dict[str, Any]:
    own = [row for row in rows if (row["data"], row["variant"]) == (data, variant)]
    together = next(row for row in own if row["window"] == TOGETHER)
    line = {"data": data, "variant": variant, **{name: together[name] for name in (*COLUMNS, *GAPS)}}
    parts = sorted((row for row in own if row["window"] != TOGETHER), key=lambda row: int(row["window"]))
    if variant != "frozen":
        line |= _slope(parts)
    return line


def _slope(rows: Rows) -> dict[str, Any]:
    gaps, lows, highs = (np.array([float(row[f"over_frozen{end}"]) for row in rows]) for end in ("", "_low", "_high"))
    half = len(gaps) // 2
    found: dict[str, Any] = {
        "windows above the frozen one": int((gaps > 0).sum()),
        "windows clearly above": int((lows > 0).sum()),
        "windows clearly below": int((highs < 0).sum()),
        "gap in the first half": float(gaps[:half].mean()),
        "gap in the second half": float(gaps[half:].mean()),
    }
    errors = (highs - lows) / (2 * stats.norm.ppf(0.975))
    # before anything was learnt the two are one and the same
    apart = np.flatnonzero(errors > 0)
    if len(apart) > 1:
        slope, error = _weighted(apart.astype(float), gaps[apart], errors[apart])
        reach = float(stats.norm.ppf(0.975)) * error
        found |= {"slope of the gap per window": slope, "slope low": slope - reach, "slope high": slope + reach}
    return found


def _weighted(x: np.ndarray, y: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Slope of the weighted least-squares line, and its standard error from the given errors."""
    weights = errors**-2.0
    centred = x - (weights * x).sum() / weights.sum()
    spread = float((weights * centred**2).sum())
    return float((weights * centred * y).sum() / spread), spread**-0.5
