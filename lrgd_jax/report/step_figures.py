"""Figures of attention beside its dual: the tokens and the step, and the path of the step.

Every function takes computed numbers and returns a `Figure`; it opens no window.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.report.style import BLUE, CYCLE, INK, MARKERS, ORANGE, SKY, figure_style

__all__ = ["path_figure", "step_figure"]


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
    with figure_style():
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
    with figure_style():
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


def _arrows(
    axes: Axes, grid: Float[np.ndarray, " p"], before: Float[np.ndarray, " p"], after: Float[np.ndarray, " p"]
) -> None:
    """Where the step moves the prediction, every so often along the grid."""
    for at in range(len(grid) // 16, len(grid), len(grid) // 8):
        arrow = {"arrowstyle": "->", "color": BLUE, "linewidth": 1.1, "shrinkA": 2, "shrinkB": 2, "alpha": 0.7}
        axes.annotate("", (grid[at], after[at]), (grid[at], before[at]), arrowprops=arrow)
