"""What the rows of the experiment on attacked and perturbed data say."""

from typing import Any

import numpy as np
from scipy import stats

from lrgd_jax.experiments.robustness.config import Config
from lrgd_jax.experiments.running.interface import Row, Rows, Summary

__all__ = ["summary"]

REACH = float(stats.norm.ppf(0.975))

MEANS = (
    "ndcg",
    "hit_rate",
    "ndcg_cold",
    "attack_share",
    "attack_share_audience",
    "honest_pruned",
    "fake_pruned",
)
WORST = ("attack_share", "honest_pruned")
"""Of these the worst seed is told too."""


def summary(config: Config, rows: Rows) -> Summary:
    """One entry a condition and regulariser.

    A gain is seen where its interval excludes 0 at a level of 95 % for all cells together (Bonferroni). Seeds ask
    overlapping users, so the standard error is the mean of theirs and is not divided by their number.
    """
    groups: dict[tuple[str, str, float, str], list[Row]] = {}
    for row in rows:
        key = str(row["part"]), str(row["kind"]), float(row["strength"]), str(row["regulariser"])
        groups.setdefault(key, []).append(row)
    compared = [key for key in groups if key[3] != "none"]
    limit = float(stats.norm.ppf(1 - 0.025 / max(len(compared), 1)))
    lines = [_line(key, own, limit) for key, own in groups.items()]
    return {
        "intervals": "95 %, over users; verdicts hold for all cells together",
        "cells": len(compared),
        "limit in standard errors": limit,
        "detection": [_detection(key, own) for key, own in groups.items() if key[0] == "attack" and key[3] == "none"],
        "attacks": [line for line in lines if line["part"] != "perturbation"],
        "perturbations": [line for line in lines if line["part"] == "perturbation"],
        "verdicts": _verdicts(lines),
    }


def _line(key: tuple[str, str, float, str], rows: Rows, limit: float) -> dict[str, Any]:
    part, kind, strength, name = key
    line: dict[str, Any] = {"part": part, "kind": kind, "strength": strength, "regulariser": name, "seeds": len(rows)}
    for column in MEANS:
        values = [float(row[column]) for row in rows if column in row]
        if values:
            line[column] = float(np.mean(values))
            if column in WORST:
                line[f"largest {column}"] = max(values)
    for column in ("gain", "change"):
        mean, error = (float(np.mean([float(row[name]) for row in rows])) for name in (column, f"{column}_error"))
        line |= {column: mean, f"{column} low": mean - REACH * error, f"{column} high": mean + REACH * error}
        if column == "gain":
            line["verdict"] = "none seen" if abs(mean) <= limit * error else "helps" if mean > 0 else "harms"
    before = line["ndcg"] - line["change"]
    return line | {f"relative {x}": line.pop(x) / before for x in ("change", "change low", "change high")}


def _detection(key: tuple[str, str, float, str], rows: Rows) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": key[1], "share": key[2], "fakes": float(rows[0]["fakes"])}
    for column in (x for x in rows[0] if x.startswith("area_")):
        values = [float(row[column]) for row in rows]
        found |= {column: float(np.mean(values)), f"smallest {column}": min(values)}
    return found


def _verdicts(lines: Rows) -> list[dict[str, Any]]:
    """For each condition and regulariser, at how many strengths it helps, harms, or neither is seen."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in lines:
        if line["regulariser"] != "none":
            key = line["part"], line["kind"], line["regulariser"]
            labels = dict(zip(("part", "kind", "regulariser"), key, strict=True))
            counts = found.setdefault(key, {**labels, "helps": 0, "harms": 0, "none seen": 0})
            counts[line["verdict"]] += 1
    return list(found.values())
