"""A tiny experiment without JAX: what the runner's tests run, kill and resume."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

TITLE = "Counting [a test]"
DESCRIPTION = "Random numbers that depend on the unit alone."
SOURCES = ("none",)


@dataclass(frozen=True)
class Config:
    seeds: int = 3
    sizes: tuple[int, ...] = (1, 2)
    scale: float = 0.1
    label: str = 'é "quoted" \\ \x7f'
    kind: Literal["normal", "uniform"] = "normal"
    squared: bool = False
    rate: float | None = None

    def __post_init__(self):
        if self.scale <= 0:
            raise ValueError(f"counting: scale must be positive, got {self.scale}")


QUICK = Config(seeds=1)


def units(config: Config) -> list[str]:
    return [f"seed={seed}/size={size}" for seed in range(config.seeds) for size in config.sizes]


def run_unit(config: Config, unit: str) -> list[dict[str, Any]]:
    time.sleep(float(os.environ.get("COUNTING_PAUSE", "0")))
    seed, size = (int(part.partition("=")[2]) for part in unit.split("/"))
    numbers = config.scale * np.random.default_rng([seed, size]).standard_normal(size)
    rows: list[dict[str, Any]] = [{"seed": seed, "k": k, "x": x, "even": k % 2 == 0} for k, x in enumerate(numbers)]
    # a column that only some units have, and one that is whole in one unit and not in another
    rows[0]["half"] = seed if size == 1 else seed / 2
    if size == 2:
        rows[0]["note"] = unit
    return rows


def summary(config: Config, rows: Any) -> dict[str, Any]:
    numbers = [row["x"] for row in rows]
    return {"mean": np.mean(numbers), "nested": {"count": len(rows)}, "table": [{"seed": 0, "x": numbers[0]}]}


def figure(config: Config, rows: Any) -> Any:
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().plot([row["x"] for row in rows])
    return drawn


def tables(summary: dict[str, Any], results: Path) -> list[str]:
    return [f"The mean is {summary['mean']}."]
