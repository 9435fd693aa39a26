"""Figures of the experiments on perturbation and regularisation: theory as lines, measurement as marks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lrgd_jax.report.style import BLUE, CYCLE, GREEN, INK, MARKERS, ORANGE, figure_style

__all__ = ["bias_variance_figure", "robustness_figure"]

STYLES = ("-", "--", "-.", ":")


def robustness_figure(
    rows: Sequence[dict[str, Any]], *, kinds: Sequence[str], regularisers: Sequence[str], dual: str = "linear"
) -> Figure:
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
                own = _averaged(
                    [row for row in rows if (row["dual"], row["kind"], row["regulariser"]) == key], "strength"
                )
                if own:
                    handles[name] = _robustness_curve(axes, own, k)
            axes.set(title=kind, xlabel=_strength_of(kind), xscale="log", yscale="log")
            axes.set_xticks(ticks := sorted({row["strength"] for row in rows}), [f"{x:g}" for x in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            _legible(axes)
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("root mean square shift")
        theory = panels[0].plot([], [], color=INK, linewidth=1.6, label="theory")[0]
        marks = panels[0].plot([], [], "o", color=INK, linestyle="", label="measured")[0]
        first = panels[0].plot([], [], color=INK, linewidth=0.8, label="theory, first order")[0]
        figure.legend(handles=[theory, first, marks, *handles.values()], loc="outside lower center", ncols=5)
    return figure


def bias_variance_figure(rows: Sequence[dict[str, Any]], *, knobs: Sequence[str]) -> Figure:
    """One panel a knob: squared bias, variance and their sum against its value.

    Args:
        rows: of the experiment `regularisation`; averaged over the seeds.
        knobs: in the order of the panels.
    """
    parts = (("bias", "squared bias", BLUE, "o"), ("variance", "variance", ORANGE, "s"), ("error", "sum", GREEN, "D"))
    with figure_style():
        columns = min(3, max(len(knobs), 1))
        lines = -(-len(knobs) // columns)
        figure = Figure(figsize=(4.1 * columns, 0.9 + 3.1 * lines), layout="constrained")
        panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
        for axes, knob in zip(panels, knobs, strict=False):
            own = _averaged([row for row in rows if row["knob"] == knob], "value")
            values = [row["value"] for row in own]
            for name, label, colour, mark in parts:
                axes.plot(values, [row[f"{name}_predicted"] for row in own], color=colour, linewidth=1.8)
                measured = [row[f"{name}_measured"] for row in own]
                axes.plot(values, measured, mark, color=colour, linestyle="", label=label, clip_on=False)
            axes.set(title=knob, xlabel=_knob_of(knob), ylim=(0, None))
            if knob in ("ridge", "early stopping"):
                axes.set_xscale("log")
                axes.set_xticks(values, [f"{x:g}" for x in values])
                axes.xaxis.set_minor_locator(NullLocator())
        for axes in panels[len(knobs) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("squared error of the output")
        line = panels[0].plot([], [], color=INK, linewidth=1.8, label="theory")[0]
        handles = [line, *(h for h in panels[0].get_legend_handles_labels()[0] if h is not line)]
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
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


def _averaged(rows: Sequence[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """One row a value of `by`, in order: numbers averaged over the seeds, the rest from the first."""
    found = []
    for value in sorted({row[by] for row in rows}):
        own = [row for row in rows if row[by] == value]
        means = {k: float(np.mean([row[k] for row in own])) for k, x in own[0].items() if type(x) in (int, float)}
        found.append({**own[0], **means, by: value})
    return found


def _legible(axes: Axes) -> None:
    """A logarithmic axis over less than two decades, with ticks at 1, 2 and 5."""
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _strength_of(kind: str) -> str:
    if kind in ("dropout", "swap"):
        return "probability"
    return "radius" if kind == "worst targets" else "deviation of the noise"


def _knob_of(knob: str) -> str:
    names = {
        "weight decay": r"decay $\eta\lambda$ of one step",
        "ridge": r"ridge $\lambda$",
        "early stopping": "steps",
        "step size": r"step in units of $\eta$",
        "dropout": "probability of dropping",
    }
    return names.get(knob, knob)
