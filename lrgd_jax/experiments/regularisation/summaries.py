"""What the rows of the experiment on regularisation say."""

import numpy as np
from scipy import stats

from lrgd_jax.experiments.regularisation.config import Config
from lrgd_jax.experiments.running.interface import Rows, Summary

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """How many grid points agree with their closed form, the worst z-scores, and the best value of every knob."""
    numbers = sum(int(row["components"]) + 1 for row in rows)
    limit = float(stats.norm.isf(config.false_alarm / (2 * max(numbers, 1))))
    agree = [max(row["mean_z"], row["error_z"]) <= limit for row in rows]
    best = {knob: _best(rows, knob) for knob in config.knobs}
    return {
        "grid_points": len(rows),
        "agreeing_fraction": sum(agree) / len(agree) if agree else None,
        "z_limit": limit,
        "false_alarm": config.false_alarm,
        "worst_mean_z": max((row["mean_z"] for row in rows), default=None),
        "worst_error_z": max((row["error_z"] for row in rows), default=None),
        "best": best,
    }


def _best(rows: Rows, knob: str) -> dict[str, float]:
    """The value of a knob with the smallest error, averaged over the seeds: as measured, and in theory."""
    values = sorted({row["value"] for row in rows if row["knob"] == knob})

    def error(kind: str, value: float) -> float:
        return float(np.mean([row[kind] for row in rows if row["knob"] == knob and row["value"] == value]))

    found = {}
    for name in ("measured", "predicted") if values else ():
        best = min(values, key=lambda value, kind=f"error_{name}": error(kind, value))
        found |= {f"value_{name}": best, f"error_{name}": error(f"error_{name}", best)}
    return found
