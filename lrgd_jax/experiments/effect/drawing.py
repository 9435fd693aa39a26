"""The figure of effects on real data: predicted against true changes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import BLUE, CYCLE, INK, MARKERS, ORANGE, figure_style

__all__ = ["effect_figure"]


def effect_figure(rows: Rows, *, which: Sequence[str]) -> Figure:
    """Predicted against true rise of the loss, and the metric without a share of the context.

    Args:
        rows: of the experiment `effect`.
        which: shares that are taken out.
    """
    with figure_style():
        figure = Figure(figsize=(12.4, 4.2), layout="constrained")
        panels = figure.subplots(1, 3)
        for axes, kind in zip(panels, ("demonstrations", "users"), strict=False):
            own = [row for row in rows if row["kind"] == kind]
            x = np.array([row["predicted"] for row in own])
            for part, colour, mark in (("test", ORANGE, "s"), ("valid", BLUE, "o")):
                y = np.array([row[part] for row in own])
                axes.plot(x, y, mark, color=colour, markersize=4, alpha=0.7, label=f"{part} loss")
            axes.axline((0, 0), slope=1, color=INK, linewidth=1, linestyle="--")
            small = np.abs(x[x != 0]).min(initial=1.0)
            axes.set_xscale("symlog", linthresh=10 * small)
            axes.set_yscale("symlog", linthresh=10 * small)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set(title=f"Without single {kind}", xlabel="first-order effect (nats)", ylabel="rise of the loss")
            axes.tick_params(axis="x", labelsize=8)
            axes.legend()
        for k, name in enumerate(which):
            own = [row for row in rows if row.get("which") == name]
            at = sorted({row["share"] for row in own})
            y = [np.mean([row["NDCG@10"] for row in own if row["share"] == x]) for x in at]
            panels[2].plot(
                at,
                y,
                "-",
                marker=MARKERS[k],
                color=CYCLE[k],
                label="a random share" if name == "random" else f"the {name}",
            )
        panels[2].xaxis.set_major_formatter(PercentFormatter(1))
        panels[2].set(
            title="Without a share", xlabel="share of the context taken out", ylabel="test NDCG@10", ylim=(0, None)
        )
        panels[2].legend()
    return figure
