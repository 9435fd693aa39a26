"""What the rows of the experiment on unseen catalogues say."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.unseen_catalogue.config import Config

__all__ = ["interval", "summary"]

NORMAL = 1.96
"""Half the width of a 95 % interval, in standard errors of a mean over many users."""


def summary(config: Config, rows: Rows) -> Summary:
    """Gains by demonstrations, and what single layers do, averaged over the seeds."""
    of = {
        kind: [row for row in rows if row["kind"] == kind]
        for kind in ("answers", "paired", "step", "stability", "training")
    }
    answers = [
        _line(group, ("ties", "data", "design", "demonstrations", "choice"), ("ndcg", "nll"), ("ndcg", "nll"))
        for group in _groups(of["answers"], ("ties", "data", "design", "demonstrations", "choice"))
    ]
    steps = ("cosine_step", "cosine_ridge", "step_to_ridge", "limit", "size", "beyond", "apart")
    return {
        "users": config.users,
        "demonstrations": config.demonstrations,
        "answers": answers,
        "steps": [_line(group, ("data", "design"), steps, ()) for group in _groups(of["step"], ("data", "design"))],
        "stability": [
            _line(group, ("data", "factor"), ("median_growth", "grew"), ())
            for group in _groups(of["stability"], ("data", "factor"))
        ],
        "training": [
            _line(group, ("design",), ("steps", "before", "after"), ())
            for group in _groups(of["training"], ("design",))
        ],
    }


def interval(line: dict[str, Any], what: str) -> dict[str, float]:
    """A gain with its 95 % interval, as `between` shows it."""
    value, half = line[f"{what}_gain"], NORMAL * line[f"{what}_error"]
    return {"value": value, "low": value - half, "high": value + half}


def _groups(rows: Rows, by: Sequence[str]) -> list[Rows]:
    keys = dict.fromkeys(tuple(row[name] for name in by) for row in rows)
    return [[row for row in rows if tuple(row[name] for name in by) == key] for key in keys]


def _line(group: Rows, by: Sequence[str], means: Sequence[str], gains: Sequence[str]) -> dict[str, Any]:
    line: dict[str, Any] = {name: group[0][name] for name in by} | {"seeds": len(group)}
    for name in means:
        if name in group[0]:
            line[name] = float(np.mean([row[name] for row in group]))
    for what in gains:
        values = np.array([row[f"{what}_gain"] for row in group])
        errors = [row[f"{what}_error"] for row in group]
        line[f"{what}_gain"] = float(values.mean())
        # the users are the same for every seed, so only the spread between seeds becomes smaller with their number
        between = values.var(ddof=1) / len(values) if len(values) > 1 else 0.0
        line[f"{what}_error"] = math.sqrt(float(np.mean(np.square(errors))) + float(between))
    return line
