"""The figure of trained beside constructed layers: losses, alignment, inputs of other scales, weights in between."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import decimal_ticks, mean_by
from lrgd_jax.report.style import BLUE, GREEN, INK, ORANGE, STYLE

__all__ = ["constructed_vs_trained_figure"]

LINES: Mapping[str, dict[str, Any]] = {
    "trained": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "descent": {"color": ORANGE, "linestyle": "--", "marker": "s"},
    "GD++": {"color": GREEN, "linestyle": "-.", "marker": "D"},
}
MEASURES = {"prediction_cosine": ("predictions", "-"), "sensitivity_cosine": ("sensitivities", ":")}


def constructed_vs_trained_figure(rows: Rows, *, layers: Sequence[int], references: Sequence[str]) -> Figure:
    """Four panels a depth: losses while training, alignment, inputs of other scales, weights in between.

    They stand in one row, or of a single depth in two.

    Args:
        rows: of the kinds loss, alignment, input_scale and between.
        layers: the depths.
        references: the constructed learners.
    """
    with mpl.rc_context(STYLE):
        size = (15.5, 3.9 * len(layers) + 0.5) if len(layers) > 1 else (9.6, 7.4)
        figure = Figure(figsize=size, layout="constrained")
        lines = len(layers) if len(layers) > 1 else 2
        grid = figure.subplots(lines, 4 * len(layers) // lines, squeeze=False).reshape(len(layers), 4)
        for panels, depth in zip(grid, layers, strict=True):
            chosen = [row for row in rows if row["layers"] == depth]
            # one layer of GD++ predicts what one layer of descent does
            shown = references if depth > 1 else references[:1]
            title = f"{depth} layers" if depth > 1 else "1 layer"
            _losses(panels[0], chosen, ("trained", *shown), f"{title}: loss on new tasks")
            _alignment(panels[1], chosen, shown, f"{title}: alignment")
            _scales(panels[2], chosen, ("trained", *shown), f"{title}: inputs of another scale")
            _between(panels[3], chosen, shown, f"{title}: weights between")
    return figure


def _losses(axes: Axes, rows: Rows, learners: Sequence[str], title: str) -> None:
    curves = [row for row in rows if row["kind"] == "loss"]
    for learner in learners:
        chosen = [row for row in curves if row["learner"] == learner]
        style = {k: v for k, v in LINES[learner].items() if k != "marker"}
        if learner == "trained":
            for seed in sorted({row["seed"] for row in chosen}):
                one = [row for row in chosen if row["seed"] == seed]
                axes.plot(*mean_by(one, "step", "loss"), linewidth=0.9, alpha=0.5, **style)
        axes.plot(*mean_by(chosen, "step", "loss"), linewidth=2, label=learner, **style)
    axes.set(title=title, xlabel="training steps", ylabel="half the mean squared error", yscale="log")
    decimal_ticks(axes, 1, 2, 3, 5)
    axes.legend(fontsize=9)


def _alignment(axes: Axes, rows: Rows, references: Sequence[str], title: str) -> None:
    for reference in references:
        chosen = [row for row in rows if row["kind"] == "alignment" and row["reference"] == reference]
        for measure, (label, line) in MEASURES.items():
            at, value = mean_by(chosen, "step", measure)
            axes.plot(at, value, line, color=LINES[reference]["color"], linewidth=2, label=f"{label}, {reference}")
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set(title=title, xlabel="training steps", ylabel="cosine with the constructed learner", ylim=(None, 1.03))
    axes.legend(fontsize=9, loc="lower right")


def _scales(axes: Axes, rows: Rows, learners: Sequence[str], title: str) -> None:
    for learner in learners:
        chosen = [row for row in rows if row["kind"] == "input_scale" and row["learner"] == learner]
        at, loss = mean_by(chosen, "scale", "relative_loss")
        axes.plot(at, loss, linewidth=1.8, markersize=6, label=learner, **LINES[learner])
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.axvline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set(title=title, xlabel="scale of the inputs (dotted: as trained)", yscale="log")
    axes.set_ylabel("loss / loss of predicting zero")
    decimal_ticks(axes, 1, 2, 3, 5)
    axes.legend(fontsize=9)


def _between(axes: Axes, rows: Rows, references: Sequence[str], title: str) -> None:
    for reference in references:
        chosen = [row for row in rows if row["kind"] == "between" and row["reference"] == reference]
        at, loss = mean_by(chosen, "share", "loss")
        axes.plot(at, loss, linewidth=1.8, markersize=6, label=f"trained to {reference}", **LINES[reference])
    axes.set(title=title, xlabel="share of the constructed weights", ylabel="half the mean squared error")
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(fontsize=9)
