"""Figures of what checks notice: differences against tolerances, planted faults against layers.

Every function takes computed numbers and returns a `Figure`; it opens no window.
"""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lrgd_jax.report.style import CYCLE, INK, MARKERS, ORANGE, figure_style

__all__ = ["detection_figure", "verdict_figure"]


def verdict_figure(ratios: Mapping[str, Mapping[str, float]]) -> Figure:
    """Differences of two sides in units of their tolerance: a true claim stays left of 1, its mutants right of it.

    Args:
        ratios: difference / tolerance by row (the claim, then its mutants) and by dtype. A ratio of zero is drawn
            hollow at the left edge.
    """
    rows = list(ratios)
    dtypes = list(dict.fromkeys(dtype for row in ratios.values() for dtype in row))
    finite = [x for row in ratios.values() for x in row.values() if np.isfinite(x) and x > 0]
    edge = min([*finite, 1.0]) / 10
    with figure_style():
        figure = Figure(figsize=(8.6, 1.9 + 0.5 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.axvspan(1, 10 * max([*finite, 1.0]), color=ORANGE, alpha=0.09, linewidth=0)
        axes.axvline(1, color=INK, linewidth=1.4)
        for k, dtype in enumerate(dtypes):
            for y, row in enumerate(rows):
                ratio = ratios[row].get(dtype, np.nan)
                axes.plot(
                    ratio if ratio > 0 else edge,
                    y + 0.16 * (k - (len(dtypes) - 1) / 2),
                    MARKERS[k % len(MARKERS)],
                    color=CYCLE[k % len(CYCLE)],
                    markerfacecolor=CYCLE[k % len(CYCLE)] if ratio > 0 else "white",
                    markersize=8,
                    label=dtype if y == 0 else None,
                )
        axes.set(
            xscale="log",
            xlim=(edge / 2, 10 * max([*finite, 1.0])),
            ylim=(len(rows) - 0.5, -0.5),
            title="Within the derived tolerance, or rejected",
            xlabel="largest difference of the sides / tolerance (up to 1: accepted; shaded: rejected)",
        )
        axes.xaxis.set_major_locator(LogLocator(1000, numticks=20))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks(range(len(rows)), [textwrap.fill(row, 34) for row in rows])
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=len(dtypes))
    return figure


def detection_figure(noticed: Mapping[str, Mapping[int, bool]]) -> Figure:
    """Which layer notices a planted relative fault of 2^-k: filled where it is noticed, hollow where it passes.

    Args:
        noticed: by layer and by k.
    """
    layers = list(noticed)
    digits = sorted({k for row in noticed.values() for k in row})
    with figure_style():
        figure = Figure(figsize=(8.6, 1.7 + 0.45 * len(layers)), layout="constrained")
        axes = figure.subplots()
        for y, layer in enumerate(layers):
            for x, k in enumerate(digits):
                seen = noticed[layer].get(k)
                if seen is not None:
                    face = CYCLE[y % len(CYCLE)] if seen else "white"
                    axes.plot(x, y, "o", color=CYCLE[y % len(CYCLE)], markerfacecolor=face, markersize=11)
        axes.set(
            xlim=(-0.6, len(digits) - 0.4),
            ylim=(len(layers) - 0.5, -0.5),
            title="What each layer notices",
            xlabel="planted relative fault (filled: noticed; hollow: passes)",
        )
        axes.set_xticks(range(len(digits)), [f"$2^{{-{k}}}$" for k in digits])
        axes.set_yticks(range(len(layers)), layers)
        axes.grid(visible=False, axis="y")
    return figure
