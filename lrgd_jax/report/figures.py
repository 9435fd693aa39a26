"""Figures: the one place that imports matplotlib. Every function takes computed numbers and returns a `Figure`.

Nothing here opens a window or keeps a global state, so the functions work on a machine without a display. Colours are
those of Okabe and Ito, which colour-blind readers can tell apart; no meaning hangs on colour alone.
"""

import os
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

__all__ = ["detection_figure", "path_figure", "save", "step_figure", "verdict_figure"]

INK, BLUE, ORANGE, GREEN, PURPLE, SKY = "#222222", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY)
MARKERS = ("o", "s", "D", "^", "v")

STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "svg.hashsalt": "lrgd_jax",
}


@contextmanager
def _style():
    with mpl.rc_context(STYLE):
        yield


def step_figure(
    *,
    demonstrations: Float[np.ndarray, "n 2"],
    context: Float[np.ndarray, "c 2"],
    queries: Float[np.ndarray, " t"],
    attended: Float[np.ndarray, " t"],
    weights: Float[np.ndarray, " n_plus_c"],
    shown: int,
    grid: Float[np.ndarray, " p"],
    before: Float[np.ndarray, " p"],
    after: Float[np.ndarray, " p"],
    distance: float,
    bound: float,
) -> Figure:
    """The same tokens twice: on the left attention averages them, on the right a model takes one step on them.

    Args:
        demonstrations: angle of the key in degrees, and value, of each demonstration.
        context: likewise, of the query's own tokens.
        queries: their angles, degrees.
        attended: what attention returns for each query.
        weights: attention's weights for one query, on the demonstrations, then on the context.
        shown: which query that is.
        grid: angles at which the dual's two functions were evaluated, degrees.
        before: f_0 there.
        after: f_1 there, after one gradient step on the demonstrations.
        distance: the largest between attention and dual over the queries.
        bound: what rounding allows it to be.
    """
    with _style():
        figure = Figure(figsize=(10.4, 4.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        tokens = np.concatenate([demonstrations, context])
        for token, weight in zip(tokens, weights, strict=True):
            line = np.array([token, (queries[shown], attended[shown])]).T
            left.plot(*line, color=SKY, linewidth=0.6 + 14 * weight, alpha=0.6, solid_capstyle="round", zorder=1)
        weight_of = left.plot([], [], color=SKY, linewidth=4, alpha=0.6, label="attention's weights for one query")
        (zero_shot,) = right.plot(grid, before, color=INK, linestyle="--", linewidth=1.6, label="$f_0$, zero-shot")
        step = r"$f_1 = f_0 - \eta\,\nabla L(f_0)$, one step by jax.grad"
        (few_shot,) = right.plot(grid, after, color=BLUE, linewidth=2.4, label=step)
        _arrows(right, grid, before, after)
        for axes in (left, right):
            training = axes.plot(*demonstrations.T, "o", color=ORANGE, markersize=7.5, zorder=3)
            own = axes.plot(*context.T, "s", color=INK, markerfacecolor="white", markersize=7.5, zorder=3)
            crosses = axes.plot(queries, attended, "x", color=INK, markersize=10, markeredgewidth=2.4, zorder=5)
            axes.set(xlabel="angle of key or query (degrees)", xlim=(grid[0], grid[-1]), xticks=range(-180, 181, 60))
        training[0].set_label("demonstrations (key, value)")
        own[0].set_label("the query's own tokens")
        crosses[0].set_label("attention's output")
        left.set(title="Attention averages the tokens", ylabel="value")
        right.set(title="A model takes one gradient step on them")
        right.text(
            0.99,
            0.01,
            f"crosses to curve: at most {distance:.1e}\nrounding allows {bound:.1e}",
            transform=right.transAxes,
            ha="right",
            va="bottom",
            fontsize=9.5,
        )
        handles = [training[0], own[0], crosses[0], weight_of[0], zero_shot, few_shot]
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=10)
    return figure


def path_figure(
    *,
    fractions: Float[np.ndarray, " s"],
    outputs: Float[np.ndarray, "s t"],
    attended: Float[np.ndarray, " t"],
    labels: Sequence[str],
) -> Figure:
    """How the dual's predictions move while its step is taken, from the zero-shot output to the attention output.

    Args:
        fractions: of the step, from 0 to 1.
        outputs: the dual's prediction at each fraction, for each query.
        attended: what attention returns for each query.
        labels: of the queries.
    """
    with _style():
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.subplots()
        for k, label in enumerate(labels):
            colour = CYCLE[k % len(CYCLE)]
            axes.plot(fractions, outputs[:, k], color=colour, linewidth=2)
            start = {"markerfacecolor": "white", "markersize": 7, "clip_on": False}
            axes.plot(0, outputs[0, k], MARKERS[k % len(MARKERS)], color=colour, zorder=3, label=label, **start)
            axes.plot(1, attended[k], "x", color=INK, markersize=10, markeredgewidth=2.2, clip_on=False, zorder=4)
        axes.plot([], [], "x", color=INK, markersize=9, markeredgewidth=2.2, linestyle="", label="attention's output")
        axes.set(
            title="The dual walks from zero-shot to few-shot",
            xlabel="fraction of the gradient step taken",
            ylabel="prediction for the query (units of a value)",
            xlim=(-0.02, 1.02),
        )
        axes.legend(loc="center left", bbox_to_anchor=(1.03, 0.5))
    return figure


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
    with _style():
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
    with _style():
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


def save(figure: Figure, path: str | os.PathLike[str], *, dpi: int = 110) -> Path:
    """Writes a figure to a file whose suffix names the format; the same figure always gives the same bytes.

    Args:
        figure: what to write.
        path: where; its folder must exist.
        dpi: pixels an inch, of formats that have pixels.

    Raises:
        FileNotFoundError: the folder is not there.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is not a folder; make it, or name another place for {target.name}")
    # the date of writing, which svg and pdf would otherwise carry
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with _style():
        figure.savefig(target, dpi=dpi, bbox_inches="tight", metadata=dated.get(target.suffix))
    return target


def _arrows(
    axes: Axes, grid: Float[np.ndarray, " p"], before: Float[np.ndarray, " p"], after: Float[np.ndarray, " p"]
) -> None:
    """Where the step moves the prediction, every so often along the grid."""
    for at in range(len(grid) // 16, len(grid), len(grid) // 8):
        arrow = {"arrowstyle": "->", "color": BLUE, "linewidth": 1.1, "shrinkA": 2, "shrinkB": 2, "alpha": 0.7}
        axes.annotate("", (grid[at], after[at]), (grid[at], before[at]), arrowprops=arrow)
