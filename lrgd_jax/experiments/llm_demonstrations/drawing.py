"""The figure: what every selector takes off the wanted title's loss, with its interval."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lrgd_jax.report.style import CYCLE, INK, MARKERS, figure_style

__all__ = ["selectors_figure"]


def selectors_figure(summary: Mapping[str, Any], sets: list[str]) -> Figure:
    """Differences of the loss to the zero-shot prompt, one row a selector, one mark a set.

    Args:
        summary: of the experiment.
        sets: names of the sets.
    """
    with figure_style():
        figure = Figure(figsize=(8.4, 5.2), layout="constrained")
        axes = figure.subplots()
        names = [name for name in summary[sets[0]]["selectors"] if name != "none"]
        for shift, (data, colour, mark) in enumerate(zip(sets, CYCLE, MARKERS, strict=False)):
            rows = [summary[data]["selectors"][name]["NLL"] for name in names]
            middle = [row["difference"] for row in rows]
            sides = [
                [row["difference"] - row["low"] for row in rows],
                [row["high"] - row["difference"] for row in rows],
            ]
            places = [k + 0.18 * shift for k in range(len(names))]
            axes.errorbar(middle, places, xerr=sides, fmt=mark, color=colour, capsize=2, label=data)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlabel="loss of the wanted title, less that without demonstrations (nats a token)")
        axes.legend(fontsize=8)
    return figure
