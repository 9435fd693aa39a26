"""What the rows of the experiment on constructed and trained layers say."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lrgd_jax.experiments.constructed_vs_trained.config import REFERENCES, SHIFTS, Config
from lrgd_jax.experiments.running.interface import Row, Rows, Summary, Value
from lrgd_jax.incontext import (
    one_step,
)

if TYPE_CHECKING:
    pass

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Of each depth at the end of training: excess loss over each reference, cosines, losses between the weights."""
    found: dict[str, Any] = {}
    for layers in config.layers:
        chosen = [row for row in rows if row["layers"] == layers]
        found[f"{layers} layers" if layers > 1 else "1 layer"] = {
            **{f"against {name}": _final(chosen, name) for name in REFERENCES},
            "losses": {
                learner: _mean([row["loss"] for row in _last(chosen, "loss") if row["learner"] == learner])
                for learner in ("trained", *REFERENCES)
            },
        }
    if 1 in config.layers:
        found["best loss of one step, closed form"] = one_step(config.tasks).loss
    return found


def _last(rows: Rows, kind: str) -> list[Row]:
    """The rows of a kind at the last checkpoint."""
    chosen = [row for row in rows if row["kind"] == kind]
    end = max(row["step"] for row in chosen)
    return [row for row in chosen if row["step"] == end]


def _final(rows: Rows, reference: str) -> dict[str, Any]:
    """What is said of one depth against one reference; the worst over seeds beside the mean."""
    losses = {(row["seed"], row["learner"]): float(row["loss"]) for row in _last(rows, "loss")}
    seeds = sorted({seed for seed, _ in losses})
    excess = [losses[seed, "trained"] / losses[seed, reference] - 1 for seed in seeds]
    aligned = [row for row in _last(rows, "alignment") if row["reference"] == reference]
    between = [row for row in rows if row["kind"] == "between" and row["reference"] == reference]
    hump = [
        max(float(row["loss"]) for row in between if row["seed"] == seed)
        / max(losses[seed, "trained"], losses[seed, reference])
        - 1
        for seed in seeds
    ]
    cosines = [float(row["prediction_cosine"]) for row in aligned]
    return {
        "excess loss": _mean(excess),
        "largest excess loss": max(excess),
        "prediction cosine": _mean(cosines),
        "smallest prediction cosine": min(cosines),
        "prediction distance": _mean([row["prediction_distance"] for row in aligned]),
        "sensitivity cosine": _mean([row["sensitivity_cosine"] for row in aligned]),
        "sensitivity distance": _mean([row["sensitivity_distance"] for row in aligned]),
        "largest loss between the weights, over the worse end": max(hump),
        "largest ratio of the losses at other scales": _apart(rows, reference),
    }


def _apart(rows: Rows, reference: str) -> float:
    """The largest factor between the trained and the constructed learner's loss, either way, on shifted tasks."""
    losses = {
        (row["learner"], (row["kind"], row["seed"], row["scale"])): float(row["relative_loss"])
        for row in rows
        if row["kind"] in SHIFTS
    }
    pairs = [(loss, losses["trained", place]) for (learner, place), loss in losses.items() if learner == reference]
    return max(max(one / other, other / one) for one, other in pairs)


def _mean(numbers: Sequence[Value]) -> float:
    return float(np.mean([float(x) for x in numbers]))
