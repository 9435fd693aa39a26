"""The figure of the two stages: gain and collapse against the updates."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import BLUE, CYCLE, INK, MARKERS, ORANGE, figure_style

__all__ = ["two_stage_figure"]

STYLES = ("-", "--", ":", "-.")


def two_stage_figure(rows: Rows, summary: Mapping[str, Any], *, paths: Sequence[str]) -> Figure:
    """NDCG@10 one step back and on the test items, and what is left of the context, against the updates.

    Args:
        rows: of the experiment `two-stage`; the paths of its first seed are drawn.
        summary: of the same.
        paths: with and without a guard.
    """
    with figure_style():
        figure = Figure(figsize=(13.2, 5.2), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        lines = summary["one step back"]
        counts, temperatures = (list(dict.fromkeys(x[key] for x in lines)) for key in ("origins", "temperature"))
        for x in lines:
            colour = CYCLE[counts.index(x["origins"]) % len(CYCLE)]
            style = STYLES[temperatures.index(x["temperature"]) % len(STYLES)]
            name = f"{x['origins']} origin{'s' * (x['origins'] != 1)}, temperature {x['temperature']:g}"
            left.plot(range(len(x["NDCG@10"])), x["NDCG@10"], style, color=colour, label=name)
        left.set(title="One step back", xlabel="updates", ylabel="NDCG@10")
        for path, colour, mark in zip(paths, (ORANGE, BLUE), MARKERS, strict=False):
            own = [row for row in rows if row["part"] == path and row["seed"] == 0]
            k = [row["update"] for row in own]
            middle.plot(k, [row["NDCG@10"] for row in own], mark + "-", color=colour, label=path)
            voices = [row["voices"] for row in own]
            right.plot(k, voices, mark + "-", color=colour, label=f"{path}: demonstrations that speak")
            ranks = [row["effective rank"] / own[0]["effective rank"] for row in own]
            right.plot(k, ranks, mark + ":", color=colour, label=f"{path}: effective rank")
        for axes in (left, middle, right):
            axes.axvline(summary["chosen"]["updates"], color=INK, linewidth=1, linestyle="--")
        middle.set(title="Test users (dashed: the chosen update)", xlabel="updates", ylabel="NDCG@10")
        right.set(title="What is left of the context", xlabel="updates", ylabel="in units of that at rates 1")
        for axes in (left, middle, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return figure
