"""What the rows of the experiment `icl-against-fine-tuning` say: means over the prompts with bootstrap intervals."""

from typing import Any

import numpy as np
from jaxtyping import Float

from lrgd_jax.bootstrap import bootstrap, interval_of_mean
from lrgd_jax.experiments.icl_against_fine_tuning.config import Config
from lrgd_jax.experiments.running.interface import Row, Rows, Summary

__all__ = ["summary"]

METRICS = ("kl", "total_variation", "jensen_shannon", "top_1", "top_10")
DISTANCES = METRICS[:3]
KEYS = ("method", "optimiser", "batches", "passes", "rule")


def summary(config: Config, rows: Rows) -> Summary:
    """One line a method, what the nearest of them reaches, and the rates at the edge of their range.

    Args:
        config: of the experiment.
        rows: of all its units.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["method"] != "tuning":
            groups.setdefault(tuple(row.get(key) for key in KEYS), []).append(row)
    lines = [_line(key, group, groups) for key, group in groups.items()]
    tuned = [line for line in lines if line["method"] == "fine-tuned"]
    if not tuned:
        return {"methods": lines}
    nearest = min(tuned, key=lambda line: line["kl"]["value"])
    return {
        "prompts": len(groups[("in context", None, None, None, None)]),
        "methods": lines,
        "nearest": {key: nearest[key] for key in (*KEYS[1:], "learning_rate", "kl", "kl / zero-shot", "top_1")},
        "nearer than the zero-shot model, of fine-tuned ones": sum(
            line["kl / zero-shot"]["high"] < 1 for line in tuned
        ),
        "fine-tuned ones": len(tuned),
        "nearer than ICL is to itself in another order": sum(line["kl / other order"]["low"] < 1 for line in tuned),
        "rates at the edge of their range": _edges(config, tuned),
    }


def _line(key: tuple[Any, ...], rows: Rows, groups: dict[tuple[Any, ...], list[Row]]) -> dict[str, Any]:
    """Of one method; its prompts are in the same order as those of any other."""
    line: dict[str, Any] = {name: x for name, x in zip(KEYS, key, strict=True) if x is not None}
    if "learning_rate" in rows[0]:
        line["learning_rate"] = rows[0]["learning_rate"]
    line |= _likelihoods(rows, groups)
    if "kl" not in rows[0]:
        return line
    zero_shot = groups[("zero-shot", None, None, None, None)]
    for name in (f"{metric}{end}" for end in ("", "_last") for metric in METRICS):
        line[name] = interval_of_mean(_column(rows, name))
    for name in (f"{metric}{end}" for end in ("", "_last") for metric in DISTANCES):
        line[f"{name} / zero-shot"] = bootstrap(_ratio, _column(rows, name), _column(zero_shot, name))
    other = groups[("in context, other order", None, None, None, None)]
    line["kl / other order"] = bootstrap(_ratio, _column(rows, "kl"), _column(other, "kl"))
    return line


def _likelihoods(rows: Rows, groups: dict[tuple[Any, ...], list[Row]]) -> dict[str, Any]:
    """Log probability of the target, and how much it varies with the order of the demonstrations."""
    found: dict[str, Any] = {}
    if "likelihood" in rows[0]:
        found["likelihood"] = interval_of_mean(_column(rows, "likelihood"))
    if "order_deviation" in rows[0]:
        deviations = _column(rows, "order_deviation")
        told = _column(groups[("in context", None, None, None, None)], "order_deviation")
        found["order_deviation"] = interval_of_mean(deviations)
        found["order_deviation / in context"] = bootstrap(_ratio, deviations, told)
    return found


def _ratio(above: Float[np.ndarray, "b n"], below: Float[np.ndarray, "b n"]) -> Float[np.ndarray, " b"]:
    return above.sum(axis=1) / below.sum(axis=1)


def _edges(config: Config, tuned: Rows) -> list[str]:
    """Methods whose chosen learning rate is the smallest or largest that was tried."""
    found = []
    for line in tuned:
        rates = config.rates(line["optimiser"])
        if line["learning_rate"] in (min(rates), max(rates)):
            found.append(", ".join(f"{key} {line[key]}" for key in (*KEYS[1:], "learning_rate")))
    return found


def _column(rows: Rows, name: str) -> Float[np.ndarray, " n"]:
    return np.asarray([row[name] for row in rows], np.float64)
