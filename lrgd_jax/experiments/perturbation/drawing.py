"""The figure of perturbation: robustness curves, theory as lines, measurement as marks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import average_seeds, decimal_ticks
from lrgd_jax.report.style import CYCLE, INK, MARKERS, figure_style

__all__ = ["robustness_figure"]

STYLES = ("-", "--", "-.", ":")


def robustness_figure(rows: Rows, *, kinds: Sequence[str], regularisers: Sequence[str], dual: str = "linear") -> Figure:
    """One panel a kind of perturbation: the root mean square shift of the output against its strength.

    Args:
        rows: of the experiment `perturbation`; averaged over the seeds.
        kinds: of perturbation, in the order of the panels.
        regularisers: in the order of the legend.
        dual: whose rows are drawn, "linear" or "softmax".
    """
    with figure_style():
        columns = min(3, max(len(kinds), 1))
        lines = -(-len(kinds) // columns)
        figure = Figure(figsize=(4.1 * columns, 0.9 + 3.1 * lines), layout="constrained")
        panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
        handles: dict[str, Any] = {}
        for axes, kind in zip(panels, kinds, strict=False):
            for k, name in enumerate(regularisers):
                key = (dual, kind, name)
                own = average_seeds(
                    [row for row in rows if (row["dual"], row["kind"], row["regulariser"]) == key], "strength"
                )
                if own:
                    handles[name] = _robustness_curve(axes, own, k)
            axes.set(title=kind, xlabel=_strength_of(kind), xscale="log", yscale="log")
            axes.set_xticks(ticks := sorted({row["strength"] for row in rows}), [f"{x:g}" for x in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            decimal_ticks(axes, 1, 2, 5)
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("root mean square shift")
        theory = panels[0].plot([], [], color=INK, linewidth=1.6, label="theory")[0]
        marks = panels[0].plot([], [], "o", color=INK, linestyle="", label="measured")[0]
        first = panels[0].plot([], [], color=INK, linewidth=0.8, label="theory, first order")[0]
        figure.legend(handles=[theory, first, marks, *handles.values()], loc="outside lower center", ncols=5)
    return figure


def _robustness_curve(axes: Axes, own: list[dict[str, Any]], k: int) -> Any:
    """Theory as a line (thin where it is of first order), measurement as marks with three standard errors."""
    strengths = [row["strength"] for row in own]
    colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
    style = STYLES[k // len(CYCLE) % len(STYLES)]
    width = 1.8 if own[0]["closed_form"] else 0.8
    axes.plot(strengths, [row["rms_predicted"] for row in own], style, color=colour, linewidth=width)
    measured = np.array([row["rms_measured"] for row in own])
    spread = [measured - [row["rms_low"] for row in own], [row["rms_high"] for row in own] - measured]
    axes.errorbar(strengths, measured, yerr=spread, fmt=mark, color=colour, markersize=5.5, linewidth=1)
    label = own[0]["regulariser"]
    return axes.plot([], [], style, marker=mark, color=colour, markersize=5.5, label=label)[0]


def _strength_of(kind: str) -> str:
    if kind in ("dropout", "swap"):
        return "probability"
    return "radius" if kind == "worst targets" else "deviation of the noise"
