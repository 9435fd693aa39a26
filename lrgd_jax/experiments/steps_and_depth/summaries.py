"""What the rows of the experiment on steps and depth say."""

from typing import TYPE_CHECKING

import numpy as np

from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.experiments.steps_and_depth.config import LEARNERS, Config
from lrgd_jax.incontext import (
    one_step,
    zero_shot_loss,
)

if TYPE_CHECKING:
    pass

__all__ = ["summary"]


def summary(config: Config, rows: Rows) -> Summary:
    """Losses by depth, the depth of plain descent that GD++ is worth, exactness, excess of the trained stacks."""
    best = {(str(row["learner"]), int(row["steps"])): float(row["loss"]) for row in rows if row["kind"] == "best"}
    exact = [row for row in rows if row["kind"] == "exactness"]
    trained = [row for row in rows if row["kind"] == "trained"]
    return {
        "loss of predicting zero": zero_shot_loss(config.tasks),
        "best loss of one step, closed form": one_step(config.tasks).loss,
        "best losses": {name: {str(k): loss for (n, k), loss in best.items() if n == name} for name in LEARNERS},
        "steps of descent worth K layers of GD++": _worth(best),
        "largest difference of layers and steps, in units of the rounding bound": max(
            float(row["difference"]) / float(row["bound"]) for row in exact
        ),
        "excess loss of trained stacks": {
            str(k): {
                name: float(np.mean([float(row["loss"]) / float(row[name]) - 1 for row in chosen]))
                for name in ("descent", "GD++")
                if all(name in row for row in chosen)
            }
            for k in config.trained
            if (chosen := [row for row in trained if row["layers"] == k])
        },
    }


def _worth(best: dict[tuple[str, int], float]) -> dict[str, str]:
    """Of each depth of GD++: the fewest steps of descent, of those computed, that reach its loss within one percent."""
    plain = sorted((k, loss) for (name, k), loss in best.items() if name == LEARNERS[1])
    found = {}
    for (name, k), loss in best.items():
        if name == LEARNERS[2]:
            enough = [steps for steps, reached in plain if reached <= 1.01 * loss]
            found[str(k)] = str(enough[0]) if enough else f"more than {plain[-1][0]}"
    return found
