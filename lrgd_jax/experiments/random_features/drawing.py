"""The figure of random features: measured marks, predicted lines."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import mean_and_spread
from lrgd_jax.report.style import BLUE, INK, MARKERS, ORANGE, STYLE

__all__ = ["random_features_figure"]

COLOURS = (BLUE, ORANGE)


def random_features_figure(rows: Rows, *, quantities: Sequence[str], kinds: Sequence[str], width: int) -> Figure:
    """Mean squared error against the number of features, one panel a quantity.

    Args:
        rows: with the columns features, rows (kind), quantity, error, standard_error, predicted.
        quantities: the panels.
        kinds: of rows; the marks.
        width: d, from which on there is more than one block of orthogonal rows.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 4.4), layout="constrained")
        panels = figure.subplots(1, len(quantities), squeeze=False)[0]
        for axes, quantity in zip(panels, quantities, strict=True):
            for k, kind in enumerate(kinds):
                chosen = [row for row in rows if (row["quantity"], row["rows"]) == (quantity, kind)]
                _features_line(axes, chosen, kind, COLOURS[k], MARKERS[k])
            at, _, _ = mean_and_spread(rows, "features", "error")
            axes.axvline(width, color=INK, linewidth=0.9, linestyle=":")
            axes.set(xscale="log", yscale="log", title=quantity.capitalize(), xlabel="features r (dotted: r = d)")
            axes.set_xticks(at, [f"{x:.0f}" for x in at])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelsize=9)
        panels[0].set_ylabel("relative mean squared error")
        handles = {
            label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, fontsize=10)
    return figure


def _features_line(axes: Axes, rows: Rows, kind: str, colour: str, marker: str) -> None:
    at, error, spread = mean_and_spread(rows, "features", "error")
    axes.errorbar(
        at, error, 2 * spread, color=colour, fmt=marker, markersize=6, capsize=3, label=f"{kind} rows, measured"
    )
    if all("predicted" in row for row in rows):
        first_order = rows[0]["prediction"] != "exact"
        label = f"{kind} rows, first order in 1/r" if first_order else f"{kind} rows, exact variance"
        axes.plot(
            at,
            mean_and_spread(rows, "features", "predicted")[1],
            "--" if first_order else "-",
            color=colour,
            linewidth=1.7,
            label=label,
        )
