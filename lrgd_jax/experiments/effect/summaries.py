"""What the rows of the experiment on effects on real data say."""

from typing import Any

import numpy as np
from scipy import stats

from lrgd_jax.experiments.effect.config import STRATA, WHICH, Config
from lrgd_jax.experiments.running.interface import Rows, Summary

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Correlations of predicted and true changes, by part and size; and the shares."""
    found: dict[str, Any] = {}
    for kind in ("demonstrations", "users"):
        own = [row for row in rows if row["kind"] == kind]
        found[kind] = {part: _agreement(own, part) for part in ("valid", "test")}
        found[kind]["by size"] = [
            {"stratum": k + 1, **_agreement([row for row in own if row["stratum"] == k], "valid")}
            for k in range(STRATA)
        ]
    found["shares"] = [
        {
            "which": which,
            "share": share,
            **{
                key: float(np.mean([row[key] for row in own]))
                for key in ("HR@10", "NDCG@10", "gain", "gain_low", "gain_high", "valid loss")
                if all(key in row for row in own)
            },
        }
        for which in WHICH
        for share in config.shares
        if (own := [row for row in rows if row.get("which") == which and row["share"] == share])
    ]
    return found


def _agreement(rows: Rows, part: str) -> dict[str, Any]:
    """How well the prediction agrees with the true change."""
    predicted = np.array([row["predicted"] for row in rows])
    true = np.array([row[part] for row in rows])
    if len(rows) < 3 or not true.std() or not predicted.std():
        return {"removals": len(rows)}
    return {
        "removals": len(rows),
        "pearson": float(np.corrcoef(predicted, true)[0, 1]),
        "spearman": float(np.corrcoef(stats.rankdata(predicted), stats.rankdata(true))[0, 1]),
        "same sign": float(np.mean(np.sign(predicted) == np.sign(true))),
        "slope": float(predicted @ true / (predicted @ predicted)),
    }
