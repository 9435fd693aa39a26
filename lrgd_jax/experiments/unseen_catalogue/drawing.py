"""The figure of unseen catalogues: gains by design, and by the number of demonstrations."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Summary
from lrgd_jax.experiments.shared.drawing import look
from lrgd_jax.report.style import INK, STYLE

__all__ = ["unseen_catalogue_figure"]


def unseen_catalogue_figure(summary: Summary, *, ties: str, curve: str) -> Figure:
    """How much less is lost with similar demonstrations: by design, and by their number.

    Args:
        summary: of the experiment.
        ties: the rule that is drawn.
        curve: the design whose number of demonstrations is varied.
    """
    own = [x for x in summary["answers"] if x["ties"] == ties and x["choice"] == "similar"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        right.set(xscale="log")
        designs = list(dict.fromkeys(x["design"] for x in own))
        for k, data in enumerate(dict.fromkeys(x["data"] for x in own)):
            mine = [x for x in own if x["data"] == data]
            shown = {x["design"]: x for x in mine if x["demonstrations"] == summary["demonstrations"]}
            style = {**look(k), "linestyle": ""}
            places = np.arange(len(designs)) + 0.2 * k
            gains = [-shown[name]["nll_gain"] for name in designs]
            left.errorbar(places, gains, [1.96 * shown[x]["nll_error"] for x in designs], label=data, **style)
            line = sorted((x for x in mine if x["design"] == curve), key=lambda x: x["demonstrations"])
            _curve(right, [x for x in line if x["demonstrations"]], k, data)
        left.set_xticks(np.arange(len(designs)), designs, rotation=40, ha="right", fontsize=8)
        left.set(title=f"{summary['demonstrations']} similar demonstrations", ylabel="fall of the loss, in nats")
        right.set(title=curve, xlabel="similar demonstrations", ylabel="fall of the loss, in nats")
        for axes in (left, right):
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.legend(fontsize=9)
    return figure


def _curve(axes: Axes, line: list[dict[str, float]], k: int, label: str) -> None:
    counts = [x["demonstrations"] for x in line]
    axes.errorbar(counts, [-x["nll_gain"] for x in line], [1.96 * x["nll_error"] for x in line], label=label, **look(k))
    axes.set_xticks(counts, [f"{int(x)}" for x in counts])
    axes.minorticks_off()
