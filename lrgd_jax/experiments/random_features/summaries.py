"""What the rows of the experiment on random features say."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lrgd_jax.experiments.random_features.config import KINDS, QUANTITIES, Config
from lrgd_jax.experiments.running.interface import Rows, Summary

if TYPE_CHECKING:
    pass

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Slopes of error against features, and errors in units of what was predicted."""
    lines = [
        {"quantity": quantity, "rows": kind}
        | _line([row for row in rows if (row["quantity"], row["rows"]) == (quantity, kind)])
        for quantity in QUANTITIES
        for kind in KINDS
    ]
    return {"gain of orthogonal rows": _gains(config, rows), "errors": lines}


def _line(rows: Rows) -> dict[str, Any]:
    """Of one quantity and kind: the slope of log error in log r, and how far the errors are from their predictions."""
    r, error, deviation = (_column(rows, name) for name in ("features", "error", "standard_error"))
    found: dict[str, Any] = {"slope": float(np.polyfit(np.log(r), np.log(error), 1)[0]), "predicted slope": -1.0}
    if all("predicted" in row for row in rows):
        predictions = _column(rows, "predicted")
        largest = r == r.max()
        found |= {
            "prediction": rows[0]["prediction"],
            "error/predicted": float(np.mean(error / predictions)),
            "error/predicted at most features": float(np.mean(error[largest] / predictions[largest])),
        }
        if rows[0]["prediction"] == "exact":
            found["largest distance in standard errors"] = float(np.max(np.abs(error - predictions) / deviation))
    return found


def _gains(config: Config, rows: Rows) -> dict[str, Any]:
    """Error of plain rows over that of orthogonal ones, each times r, over the numbers of features of at least d."""
    enough = [row for row in rows if int(row["features"]) >= config.width]

    def scaled(column: str, quantity: str, kind: str) -> float:
        chosen = [row for row in enough if (row["quantity"], row["rows"]) == (quantity, kind)]
        return float(np.mean(_column(chosen, column) * _column(chosen, "features")))

    def gain(column: str, quantity: str) -> float:
        return scaled(column, quantity, "plain") / scaled(column, quantity, "orthogonal")

    if not enough:
        return {}
    return {quantity: gain("error", quantity) for quantity in QUANTITIES} | {
        "kernel, predicted": gain("predicted", "kernel")
    }


def _column(rows: Rows, name: str) -> np.ndarray:
    return np.asarray([row[name] for row in rows], np.float64)
