"""What the rows say: the loss against rates 1 by update and path, what is left of the context, and perturbations."""

from typing import Any

import numpy as np

from lrgd_jax.experiments.llm_demonstrations.config import set_name
from lrgd_jax.experiments.llm_two_stage.config import PATHS, RATES, Config
from lrgd_jax.experiments.running.interface import Rows, Summary
from lrgd_jax.recommend.measure.statistics import paired_difference

__all__ = ["summary"]

RESAMPLES = 1000


def summary(config: Config, rows: Rows) -> Summary:
    """By set: every update of both paths, and every perturbation at every rate."""
    made: dict[str, Any] = {}
    for data in map(set_name, config.data):
        own = [row for row in rows if row["data"] == data]
        paths = {path: [_update(own, path, update) for update in range(config.updates + 1)] for path in PATHS}
        kinds = list(dict.fromkeys(row["kind"] for row in own if row["part"] == "perturbed"))
        made[data] = {
            "users": len({(row["seed"], row["user"]) for row in own}),
            "without demonstrations": float(np.mean([row["NLL without"] for row in own])),
            **paths,
            "perturbed": [_perturbed(own, kind, rate) for kind in kinds for rate in RATES],
        }
    return made


def _update(rows: Rows, path: str, update: int) -> dict[str, Any]:
    own, start = ([row for row in rows if row["part"] == path and row["update"] == k] for k in (update, 0))
    gap = _gap([row["NLL"] for row in own], [row["NLL"] for row in start])
    means = {name: float(np.mean([row[name] for row in own])) for name in ("NLL of the window", "voices")}
    rank = float(np.mean([row["effective rank"] / one["effective rank"] for row, one in zip(own, start, strict=True)]))
    largest = float(np.mean([row["largest share"] for row in own]))
    return {"update": update, **gap, **means, "largest share": largest, "effective rank": rank}


def _perturbed(rows: Rows, kind: str, rates: str) -> dict[str, Any]:
    of_kind = [row for row in rows if row["part"] == "perturbed" and row["rates"] == rates]
    own, plain = ([row for row in of_kind if row["kind"] == name] for name in (kind, "as they are"))
    gap = _gap([row["NLL"] for row in own], [row["NLL"] for row in plain])
    pushed = _gap(*([row["NLL of the advertised"] for row in part] for part in (own, plain)))
    return {"kind": kind, "rates": rates, **gap, "advertised": pushed}


def _gap(first: list[float], second: list[float]) -> dict[str, float]:
    """The mean of the first, and how far it is from the second, paired by user."""
    gap = paired_difference(
        np.array(first), np.array(second), np.arange(len(first)), seed=0, resamples=RESAMPLES
    ).difference
    return {"NLL": float(np.mean(first)), "difference": gap.mean, "low": gap.low, "high": gap.high}
