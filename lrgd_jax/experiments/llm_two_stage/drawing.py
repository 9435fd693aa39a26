"""The figure of stage two in a prompt: loss and what is left of the demonstrations, against the updates."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lrgd_jax.experiments.llm_two_stage.config import PATHS
from lrgd_jax.report.style import BLUE, INK, MARKERS, ORANGE, figure_style

__all__ = ["two_stage_figure"]


def two_stage_figure(summary: Mapping[str, Any]) -> Figure:
    """Differences of the answer's loss to rates 1, and how many demonstrations speak, by path; one style a set.

    Args:
        summary: of the experiment.
    """
    with figure_style():
        figure = Figure(figsize=(10.4, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, own), style in zip(summary.items(), ("-", "--", ":"), strict=False):
            for path, colour, mark in zip(PATHS, (ORANGE, BLUE), MARKERS, strict=False):
                updates = [x["update"] for x in own[path]]
                left.plot(
                    updates, [x["difference"] for x in own[path]], mark + style, color=colour, label=f"{name}, {path}"
                )
                right.plot(
                    updates, [x["voices"] for x in own[path]], mark + style, color=colour, label=f"{name}, {path}"
                )
        left.axhline(0, color=INK, linewidth=1)
        left.set(title="Loss of the answer, less that at rates 1", xlabel="updates", ylabel="nats a token")
        right.set(title="Demonstrations that speak", xlabel="updates", ylabel="share of all")
        for axes in (left, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.legend(fontsize=8)
    return figure
