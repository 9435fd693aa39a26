"""What the rows of the experiment on selection say."""

from typing import Any

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.selection.config import ORACLE, Config
from lrgd_jax.recommend.selection import (
    LABELLED,
    PERSONAL_LABELLED,
)

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Means over the seeds by scope, selector and budget; the smallest and the largest ratio to chance."""
    found: dict[str, Any] = {"demonstrations": max((row["budget"] for row in rows), default=0)}
    for scope in ("shared", "personal"):
        lines = []
        own = [row for row in rows if row["scope"] == scope and "HR@10" in row]
        for name, budget in dict.fromkeys((row["selector"], row["budget"]) for row in own):
            group = [row for row in own if (row["selector"], row["budget"]) == (name, budget)]
            lines.append(_line(name, budget, group))
        found[scope] = lines
    found["read validation labels"] = [*LABELLED, *PERSONAL_LABELLED]
    found["read the test items"] = [ORACLE]
    return found


def _line(name: str, budget: int, group: Rows) -> dict[str, Any]:
    line = {"selector": name, "budget": budget, "seeds": len(group)}
    for key in ("HR@10", "low", "high", "NDCG@10", "ratio"):
        if all(key in row for row in group):
            line[key] = float(np.mean([row[key] for row in group]))
    if all("ratio" in row for row in group):
        line["smallest ratio"] = min(row["ratio_low"] for row in group)
        line["largest ratio"] = max(row["ratio_high"] for row in group)
    return line
