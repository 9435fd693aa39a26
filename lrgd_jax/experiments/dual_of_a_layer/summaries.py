"""What the rows of the experiment `dual-of-a-layer` say: medians by layer, features that are needed, chains."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lrgd_jax.bootstrap import interval_of_mean
from lrgd_jax.experiments.dual_of_a_layer.config import Config
from lrgd_jax.experiments.running.interface import Row, Rows, Summary

__all__ = ["needed", "summary"]

STEP = (
    "log10_size",
    "log10_size_mean",
    "log10_size_of_values",
    "log10_size_of_values_mean",
    "log10_size_centred",
    "change",
    "change_mean",
    "attention_on_demonstrations",
    "attention_on_demonstrations_mean",
    "rank",
    "rank_of_values",
    "rank_centred",
)
ALIGNMENTS = ("alignment", "zero_shot_alignment")


def summary(config: Config, rows: Rows) -> Summary:
    """Medians over heads and prompts; means of the alignments over prompts; needed features; the chains' tokens.

    Args:
        config: of the experiment.
        rows: of all its units.
    """
    steps = [row for row in rows if row["measure"] == "step"]
    layers = sorted({int(row["layer"]) for row in steps})
    return {
        "prompts": len({row["prompt"] for row in steps}),
        "tokens that the query sees, median": float(np.median(_column(steps, "tokens"))),
        "all layers": _of_steps(steps),
        "layers": {str(layer): _of_steps([row for row in steps if row["layer"] == layer]) for layer in layers},
        "needed features": [
            line
            for tolerance in config.tolerances
            for line in _needed_steps(config, [row for row in rows if row["measure"] == "features"], tolerance)
        ],
        "error at most random features": _at_most(rows),
        "chains": _chains(row for row in rows if row["measure"] == "chain"),
    }


def _of_steps(rows: Rows) -> dict[str, Any]:
    """Median and quartiles of every number over heads and prompts."""
    found: dict[str, Any] = {}
    for name in STEP:
        low, median, high = np.quantile(_column(rows, name), [0.25, 0.5, 0.75])
        found[name] = {"value": float(median), "low": float(low), "high": float(high)}
    for name in ALIGNMENTS:
        by_prompt = _group(rows, "prompt")
        found[name] = interval_of_mean([float(np.mean(_column(own, name))) for own in by_prompt.values()])
        found[f"{name}, positive"] = float(np.mean(_column(rows, name) > 0))
    return found


def needed(rows: Rows, tolerance: float) -> dict[tuple[Any, ...], Row | None]:
    """Of every prompt, layer and head the row with the fewest features that meets the tolerance; None if none does."""
    found: dict[tuple[Any, ...], Row | None] = {}
    for row in sorted(rows, key=lambda row: row["features"]):
        head = row["prompt"], row["layer"], row["head"]
        if found.get(head) is None:
            found[head] = row if float(row["error"]) <= tolerance else None
    return found


def _needed_steps(config: Config, rows: Rows, tolerance: float) -> list[dict[str, Any]]:
    """One line a map, kind of keys and set of layers."""
    lines = []
    groups = {(str(row["map"]), str(row["keys"]), layer): None for row in rows for layer in (str(row["layer"]), "all")}
    for kind, keys, layer in groups:
        own = [
            row for row in rows if row["map"] == kind and row["keys"] == keys and layer in (str(row["layer"]), "all")
        ]
        met = list(needed(own, tolerance).values())
        largest = max(float(row["dimension"]) for row in own)
        lines.append(
            {"map": kind, "keys": keys, "layer": layer, "error": tolerance, "largest tried": largest}
            | {"reached": float(np.mean([row is not None for row in met])), "heads": len(met)}
            | {f"{name} of heads": _quantile(met, share, largest) for name, share in QUANTILES.items()}
        )
    return lines


QUANTILES = {"a quarter": 0.25, "half": 0.5, "three quarters": 0.75, "nine tenths": 0.9}


def _quantile(met: Sequence[Row | None], share: float, largest: float) -> float | str:
    """The dimension with which so many of the heads meet the tolerance; ">R" where more than the largest is needed."""
    sizes = sorted(np.inf if row is None else float(row["dimension"]) for row in met)
    found = sizes[max(int(np.ceil(share * len(sizes))) - 1, 0)]
    return f">{largest:.0f}" if np.isinf(found) else found


def _at_most(rows: Rows) -> dict[str, Any]:
    """Quartiles of the error with the most random features, by keys."""
    own = [row for row in rows if row["measure"] == "features" and row["map"] == "random"]
    largest = max(int(row["features"]) for row in own)
    found: dict[str, Any] = {"features": largest}
    for keys, chosen in _group([row for row in own if row["features"] == largest], "keys").items():
        low, median, high = np.quantile(_column(chosen, "error"), [0.25, 0.5, 0.75])
        found[keys] = {"value": float(median), "low": float(low), "high": float(high)}
    return found


def _chains(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Of every kind of chain: the share of greedy tokens that agree, and how many come before the first other one."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["chain"], row.get("keys"), row.get("features")), []).append(row)
    lines = []
    for (chain, keys, features), own in groups.items():
        by_prompt = _group(own, "prompt").values()
        line = {"chain": chain, "keys": keys, "features": features, "tokens": own[0]["tokens"]}
        lines.append(
            {name: x for name, x in line.items() if x is not None}
            | {
                name: interval_of_mean([float(np.mean(_column(group, name))) for group in by_prompt])
                for name in ("agreeing", "leading")
            }
        )
    return lines


def _group(rows: Rows, name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _column(rows: Rows, name: str) -> Float[np.ndarray, " n"]:
    return np.asarray([row[name] for row in rows], np.float64)
