"""The figure of in-context learning against fine-tuning."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.report.style import BLUE, INK, ORANGE, STYLE

__all__ = ["fine_tuning_figure"]

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}


def fine_tuning_figure(lines: Sequence[Mapping[str, Any]]) -> Figure:
    """Divergence from ICL, its likeliest token, and the spread over orders, one line a method.

    Args:
        lines: of the summary of `icl-against-fine-tuning`: intervals by method.
    """
    shown = [line for line in lines if line.get("rule", "nearest") == "nearest"]
    names = [_name(line) for line in shown]
    panels_of = {
        "kl": "KL divergence from ICL (nats)",
        "top_1": "likeliest token is ICL's (share)",
        "likelihood": "log probability of the target",
        "order_deviation": "its deviation over orders (nats)",
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(12.4, 1.2 + 0.29 * len(shown)), layout="constrained")
        panels = figure.subplots(1, len(panels_of), sharey=True)
        for axes, (key, label) in zip(panels, panels_of.items(), strict=True):
            for y, line in enumerate(shown):
                if key in line:
                    _interval(axes, y, line[key], _colour(line))
            axes.set(xlabel=label, ylim=(len(shown) - 0.4, -0.6))
        panels[0].set_xlim(0, None)
        panels[3].set_xlim(0, None)
        panels[0].set_yticks(range(len(names)), names)
    return figure


def _interval(axes: Axes, y: float, found: Mapping[str, float], colour: str) -> None:
    axes.plot([found["low"], found["high"]], [y, y], color=colour, linewidth=2)
    axes.plot(found["value"], y, "o", color=colour, markersize=6)


def _name(line: Mapping[str, Any]) -> str:
    if line["method"] != "fine-tuned":
        return str(line["method"])
    passes = f"{line['passes']} {'pass' if line['passes'] == 1 else 'passes'}"
    return f"{OPTIMISERS[line['optimiser']]}, {line['batches']}, {passes}"


def _colour(line: Mapping[str, Any]) -> str:
    if line["method"] != "fine-tuned":
        return INK
    return BLUE if line["batches"] == "all" else ORANGE
