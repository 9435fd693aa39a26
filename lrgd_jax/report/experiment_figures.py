"""Figures of the experiments on random features and on contexts: measured marks, predicted lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.report.style import BLUE, GREEN, INK, MARKERS, ORANGE, STYLE

__all__ = ["contexts_figure", "random_features_figure"]

Rows = Sequence[Mapping[str, Any]]
COLOURS = (BLUE, ORANGE)


def random_features_figure(rows: Rows, *, quantities: Sequence[str], kinds: Sequence[str], width: int) -> Figure:
    """Mean squared error against the number of features, one panel a quantity.

    Args:
        rows: with the columns features, rows (kind), quantity, error, standard_error, predicted.
        quantities: the panels.
        kinds: of rows; the marks.
        width: d, from which on there is more than one block of orthogonal rows.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 4.4), layout="constrained")
        panels = figure.subplots(1, len(quantities), squeeze=False)[0]
        for axes, quantity in zip(panels, quantities, strict=True):
            for k, kind in enumerate(kinds):
                chosen = [row for row in rows if (row["quantity"], row["rows"]) == (quantity, kind)]
                _features_line(axes, chosen, kind, COLOURS[k], MARKERS[k])
            at, _, _ = _by(rows, "features", "error")
            axes.axvline(width, color=INK, linewidth=0.9, linestyle=":")
            axes.set(xscale="log", yscale="log", title=quantity.capitalize(), xlabel="features r (dotted: r = d)")
            axes.set_xticks(at, [f"{x:.0f}" for x in at])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelsize=9)
        panels[0].set_ylabel("relative mean squared error")
        handles = {
            label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, fontsize=10)
    return figure


def contexts_figure(rows: Rows, *, duals: Sequence[str], delta: float) -> Figure:
    """Excess test error against the number of demonstrations, one panel a dual.

    Args:
        rows: with the columns demonstrations, dual, error, standard_error, mean_bound, lower_bound, task_bound.
        duals: the panels.
        delta: of the bound of single tasks.
    """
    titles = {"one step": "One gradient step", "ridge": "Ridge: the minimiser"}
    means = {"one step": "mean error, closed form", "ridge": "bound of the mean error"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.8), layout="constrained")
        panels = figure.subplots(1, len(duals), sharey=True, squeeze=False)[0]
        for k, (axes, dual) in enumerate(zip(panels, duals, strict=True)):
            chosen = [row for row in rows if row["dual"] == dual]
            at, error, spread = _by(chosen, "demonstrations", "error")
            axes.plot(
                at,
                _by(chosen, "demonstrations", "task_bound")[1],
                "--",
                color=GREEN,
                linewidth=1.8,
                label=f"bound of single tasks (mean of it), δ = {delta:g}",
            )
            mean = _by(chosen, "demonstrations", "mean_bound")[1]
            axes.plot(at, mean, color=COLOURS[k], linewidth=2, label=means.get(dual, "bound of the mean error"))
            lower = _by(chosen, "demonstrations", "lower_bound")[1]
            axes.plot(at, lower, ":", color=INK, linewidth=1.6, label="no mean error is below this")
            axes.errorbar(
                at,
                error,
                2 * spread,
                color=COLOURS[k],
                fmt=MARKERS[k],
                markersize=6.5,
                capsize=3,
                label="measured mean, ± 2 standard errors",
            )
            axes.set(xscale="log", yscale="log", title=titles.get(dual, dual), xlabel="demonstrations N")
            axes.set_xticks(at, [f"{x:.0f}" for x in at])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelsize=9)
            axes.legend(loc="lower left", fontsize=9)
        panels[0].set_ylabel("excess test error")
    return figure


def _features_line(axes: Axes, rows: Rows, kind: str, colour: str, marker: str) -> None:
    at, error, spread = _by(rows, "features", "error")
    axes.errorbar(
        at, error, 2 * spread, color=colour, fmt=marker, markersize=6, capsize=3, label=f"{kind} rows, measured"
    )
    if all("predicted" in row for row in rows):
        first_order = rows[0]["prediction"] != "exact"
        label = f"{kind} rows, first order in 1/r" if first_order else f"{kind} rows, exact variance"
        axes.plot(
            at,
            _by(rows, "features", "predicted")[1],
            "--" if first_order else "-",
            color=colour,
            linewidth=1.7,
            label=label,
        )


def _by(
    rows: Rows, axis: str, column: str
) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " x"], Float[np.ndarray, " x"]]:
    """The distinct values on the axis, the column's mean over repetitions there, and the mean's standard error."""
    at = np.unique([float(row[axis]) for row in rows])
    groups = [[row for row in rows if row[axis] == x] for x in at]
    mean = np.array([np.mean([row[column] for row in group]) for group in groups])
    # repetitions are independent, so the variances of their means add up
    spread = np.array([np.sqrt(np.sum([row["standard_error"] ** 2 for row in group])) / len(group) for group in groups])
    return at, mean, spread
