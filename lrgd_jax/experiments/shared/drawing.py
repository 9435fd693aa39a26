"""What the figures of several experiments share: looks of lines, ticks, means over the seeds."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import CYCLE, MARKERS

__all__ = ["average_seeds", "decimal_ticks", "look", "mean_and_spread", "mean_by"]

STYLES = ("-", "--")


def look(k: int) -> dict[str, Any]:
    """Colour, mark and dashes of the k-th line of a crowded panel."""
    return {
        "color": CYCLE[k % len(CYCLE)],
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": STYLES[k // len(CYCLE) % len(STYLES)],
        "markersize": 5,
        "linewidth": 1.6,
    }


def decimal_ticks(axes: Axes, *subs: int) -> None:
    """A logarithmic axis over less than two decades, with ticks at some multiples and no powers of ten."""
    axes.yaxis.set_major_locator(LogLocator(10, subs=subs, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def mean_by(rows: Rows, axis: str, column: str) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " x"]]:
    """The distinct values on the axis, and the column's mean over seeds there."""
    at = np.unique([float(row[axis]) for row in rows])
    return at, np.array([np.mean([float(row[column]) for row in rows if float(row[axis]) == x]) for x in at])


def average_seeds(rows: Rows, by: str) -> list[dict[str, Any]]:
    """One row a value of `by`, in order: numbers averaged over the seeds, the rest from the first."""
    lines = []
    for value in sorted({row[by] for row in rows}):
        own = [row for row in rows if row[by] == value]
        means = {k: float(np.mean([row[k] for row in own])) for k, x in own[0].items() if type(x) in (int, float)}
        lines.append({**own[0], **means, by: value})
    return lines


def mean_and_spread(
    rows: Rows, axis: str, column: str
) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " x"], Float[np.ndarray, " x"]]:
    """The distinct values on the axis, the column's mean over repetitions there, and the mean's standard error."""
    at = np.unique([float(row[axis]) for row in rows])
    groups = [[row for row in rows if row[axis] == x] for x in at]
    mean = np.array([np.mean([row[column] for row in group]) for group in groups])
    # repetitions are independent, so the variances of their means add up
    spread = np.array([np.sqrt(np.sum([row["standard_error"] ** 2 for row in group])) / len(group) for group in groups])
    return at, mean, spread
