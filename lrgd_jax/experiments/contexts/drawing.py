"""The figure of contexts: measured errors under their bounds."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import mean_and_spread
from lrgd_jax.report.style import BLUE, GREEN, INK, MARKERS, ORANGE, STYLE

__all__ = ["contexts_figure"]


COLOURS = (BLUE, ORANGE)


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
            at, error, spread = mean_and_spread(chosen, "demonstrations", "error")
            axes.plot(
                at,
                mean_and_spread(chosen, "demonstrations", "task_bound")[1],
                "--",
                color=GREEN,
                linewidth=1.8,
                label=f"bound of single tasks (mean of it), δ = {delta:g}",
            )
            mean = mean_and_spread(chosen, "demonstrations", "mean_bound")[1]
            axes.plot(at, mean, color=COLOURS[k], linewidth=2, label=means.get(dual, "bound of the mean error"))
            lower = mean_and_spread(chosen, "demonstrations", "lower_bound")[1]
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
