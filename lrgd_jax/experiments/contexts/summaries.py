"""What the rows of the experiment on contexts say."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from lrgd_jax.experiments.contexts.config import DUALS, Config
from lrgd_jax.experiments.running.interface import Rows, Summary

if TYPE_CHECKING:
    pass

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Whether each bound held, and how tight it is."""
    by_dual = {dual: [row for row in rows if row["dual"] == dual] for dual in DUALS}
    held = {dual: _coverage(config, chosen) for dual, chosen in by_dual.items()}
    return {**held, "tightness": [_tightness(n, dual, by_dual[dual]) for dual in DUALS for n in config.demonstrations]}


def _coverage(config: Config, rows: Rows) -> dict[str, Any]:
    error, bound, deviation = (_column(rows, name) for name in ("error", "mean_bound", "standard_error"))
    exceeded, tasks = (int(_column(rows, name).sum()) for name in ("exceeded", "tasks"))
    return {
        "mean error above its bound, in standard errors, at most": float(np.max((error - bound) / deviation)),
        "tasks above their bound": exceeded,
        "tasks": tasks,
        "allowed share": config.failure_probability,
        "probability of so many or more at that share": float(
            stats.binom.sf(exceeded - 1, tasks, config.failure_probability)
        ),
    }


def _tightness(n: int, dual: str, rows: Rows) -> dict[str, Any]:
    chosen = [row for row in rows if row["demonstrations"] == n]
    error = float(_column(chosen, "error").mean())
    ratios = {
        "mean bound/error": float(_column(chosen, "mean_bound").mean()) / error,
        "task bound/error": float(_column(chosen, "task_bound").mean()) / error,
        "error/lower bound": error / float(_column(chosen, "lower_bound").mean()),
    }
    return {"dual": dual, "demonstrations": n, "error": error, **ratios}


def _column(rows: Rows, name: str) -> np.ndarray:
    return np.asarray([row[name] for row in rows], np.float64)
