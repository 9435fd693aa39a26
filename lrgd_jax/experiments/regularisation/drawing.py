"""The figure of regularisation: squared bias and variance, theory as lines, measurement as marks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import average_seeds
from lrgd_jax.report.style import BLUE, GREEN, INK, ORANGE, figure_style

__all__ = ["bias_variance_figure"]


def bias_variance_figure(rows: Rows, *, knobs: Sequence[str]) -> Figure:
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
            own = average_seeds([row for row in rows if row["knob"] == knob], "value")
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


def _knob_of(knob: str) -> str:
    names = {
        "weight decay": r"decay $\eta\lambda$ of one step",
        "ridge": r"ridge $\lambda$",
        "early stopping": "steps",
        "step size": r"step in units of $\eta$",
        "dropout": "probability of dropping",
    }
    return names.get(knob, knob)
