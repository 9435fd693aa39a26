"""Figures of the experiments on trained and constructed transformers, and of the tutorials on steps and perturbation.

The experiments' functions take rows, the tutorials' take arrays; theory is drawn as lines, measurement as marks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lrgd_jax.report.style import BLUE, CYCLE, GREEN, INK, MARKERS, ORANGE, PURPLE, SKY, STYLE

__all__ = [
    "age_weights_figure",
    "constructed_vs_trained_figure",
    "key_noise_figure",
    "spectral_filter_figure",
    "steps_and_depth_figure",
]

Rows = Sequence[Mapping[str, Any]]
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


def steps_and_depth_figure(rows: Rows, *, learners: Sequence[str], factors: Sequence[float]) -> Figure:
    """Best losses by depth beside trained stacks, and losses at multiples of the best rate.

    Args:
        rows: of the kinds best, trained and rate.
        learners: the constructed ones, in the order of their marks.
        factors: of the best rate of one step.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for learner, colour, marker in zip(learners, (SKY, ORANGE, GREEN), MARKERS, strict=False):
            chosen = [row for row in rows if row["kind"] == "best" and row["learner"] == learner]
            at, loss = _mean_by(chosen, "steps", "loss")
            left.plot(at, loss, color=colour, marker=marker, linewidth=1.8, label=f"{learner} (theory)")
        trained = [row for row in rows if row["kind"] == "trained"]
        at = [row["layers"] for row in trained]
        cross = {"color": BLUE, "markersize": 10, "markeredgewidth": 2.2, "linestyle": "", "zorder": 4}
        left.plot(at, [row["loss"] for row in trained], "x", label="trained layers", **cross)
        left.set(title="What K layers can reach", xlabel="layers, or steps, K", ylabel="loss on new tasks")
        colours = (SKY, BLUE, PURPLE, ORANGE, GREEN)
        for k, factor in enumerate(factors):
            chosen = [row for row in rows if row["kind"] == "rate" and row["factor"] == factor]
            at, loss = _mean_by(chosen, "steps", "loss")
            style = {"color": colours[k % len(colours)], "marker": MARKERS[k % len(MARKERS)], "linewidth": 1.8}
            right.plot(at, loss, label=f"{factor:g} times the best rate of one step", **style)
        right.set(title="One rate for all steps", xlabel="steps K", ylabel="loss on new tasks")
        steps = sorted({int(row["steps"]) for row in rows if row["kind"] == "best"})
        for axes in (left, right):
            axes.set(yscale="log")
            axes.set_xticks(steps)
            axes.legend(fontsize=9)
    return figure


def spectral_filter_figure(
    *,
    grid: Float[np.ndarray, " p"],
    curves: Mapping[int, Float[np.ndarray, " p"]],
    curvatures: Float[np.ndarray, " r"],
    learnt: Mapping[int, Float[np.ndarray, " r"]],
    steps: Float[np.ndarray, " s"],
    predicted: Mapping[str, Float[np.ndarray, " s"]],
    measured: Mapping[str, Float[np.ndarray, " s"]],
) -> Figure:
    """What T steps learn along every direction, and how far they are from the ridge solution.

    Args:
        grid: curvatures times the learning rate.
        curves: by T, the share that is learnt there.
        curvatures: those of the keys, times the learning rate.
        learnt: by T, the share that attention was seen to learn along them.
        steps: T of the second panel.
        predicted: by learning rate, the distance to the ridge solution.
        measured: the same, measured.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for k, number in enumerate(curves):
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            left.plot(grid, curves[number], color=colour, linewidth=1.8)
            left.plot(curvatures, learnt[number], mark, color=colour, markersize=6.5)
            label = f"{number} steps" if number > 1 else "1 step"
            left.plot([], [], "-", marker=mark, color=colour, label=label)
        left.axhline(1, color=INK, linewidth=0.8)
        left.set(title="Steps are a filter on the spectrum", ylabel="share of the ridge solution")
        left.set(xlabel="learning rate times curvature, $\\eta h$", xlim=(0, grid[-1]))
        left.legend(fontsize=9.5, loc="lower right")
        for k, label in enumerate(predicted):
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            right.plot(steps, predicted[label], color=colour, linewidth=1.8)
            right.plot(steps, measured[label], mark, color=colour, markersize=5.5)
            right.plot([], [], "-", marker=mark, color=colour, label=label)
        right.set(title="Steps go to ridge attention, or away", ylabel="distance to ridge attention")
        right.set(xlabel="steps T", xscale="log", yscale="log")
        right.set_xticks(steps, [f"{x:g}" for x in steps])
        right.xaxis.set_minor_locator(NullLocator())
        right.legend(fontsize=9.5)
    return figure


def age_weights_figure(
    *, predicted: Mapping[str, Float[np.ndarray, " n"]], measured: Mapping[str, Float[np.ndarray, " n"]]
) -> Figure:
    """How much a token counts by its age: closed forms as lines, a trained dual as marks.

    Args:
        predicted: by the name of the rule, one weight a token, oldest first.
        measured: the same, measured.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.2), layout="constrained")
        axes = figure.subplots()
        for k, (label, weights) in enumerate(predicted.items()):
            ages = np.arange(len(weights))[::-1]
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            axes.plot(ages, weights, color=colour, linewidth=1.8)
            axes.plot(ages, measured[label], mark, color=colour, markersize=6.5)
            axes.plot([], [], "-", marker=mark, color=colour, label=label)
        axes.set(title="What an older token counts", xlabel="age of the token (0: the newest)")
        axes.set(ylabel="weight beside $k_i^\\top q$", ylim=(0, None))
        axes.legend(fontsize=9.5)
    return figure


def key_noise_figure(
    *,
    radii: Float[np.ndarray, " r"],
    bounds: Mapping[str, Float[np.ndarray, " r"]],
    found: Mapping[str, Float[np.ndarray, " r"]],
    strengths: Float[np.ndarray, " s"],
    predicted: Mapping[str, Float[np.ndarray, " s"]],
    measured: Mapping[str, Float[np.ndarray, " s"]],
    spread: Mapping[str, Float[np.ndarray, " s"]],
) -> Figure:
    """The worst change of the keys against its bound, and what random changes leave in the mean.

    Args:
        radii: of the worst case.
        bounds: by attention form, the bound of the output's change.
        found: the change that a search found.
        strengths: deviations of the noise.
        predicted: by estimate, its bias.
        measured: the same, measured.
        spread: standard errors of these.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for k, label in enumerate(bounds):
            left.plot(radii, bounds[label], color=CYCLE[k], linewidth=1.8, label=f"{label}: bound")
            left.plot(radii, found[label], MARKERS[k], color=CYCLE[k], markersize=6.5, label=f"{label}: worst found")
        left.set(title="The worst keys", xlabel="how far every key may move", ylabel="change of the output")
        left.set(xscale="log", yscale="log")
        left.set_xticks(radii, [f"{x:g}" for x in radii])
        left.xaxis.set_minor_locator(NullLocator())
        left.legend(fontsize=9.5)
        for k, label in enumerate(measured):
            style = {"color": CYCLE[k + 2], "label": label}
            right.plot(strengths, predicted[label], color=CYCLE[k + 2], linewidth=1.8)
            right.errorbar(strengths, measured[label], 3 * spread[label], fmt=MARKERS[k + 2], capsize=3, **style)
        right.set(title="Gaussian noise on the keys", xlabel="deviation of the noise", ylabel="bias of the output")
        right.legend(fontsize=9.5)
    return figure


def _losses(axes: Axes, rows: Rows, learners: Sequence[str], title: str) -> None:
    curves = [row for row in rows if row["kind"] == "loss"]
    for learner in learners:
        chosen = [row for row in curves if row["learner"] == learner]
        style = {k: v for k, v in LINES[learner].items() if k != "marker"}
        if learner == "trained":
            for seed in sorted({row["seed"] for row in chosen}):
                one = [row for row in chosen if row["seed"] == seed]
                axes.plot(*_mean_by(one, "step", "loss"), linewidth=0.9, alpha=0.5, **style)
        axes.plot(*_mean_by(chosen, "step", "loss"), linewidth=2, label=learner, **style)
    axes.set(title=title, xlabel="training steps", ylabel="half the mean squared error", yscale="log")
    _decimal(axes)
    axes.legend(fontsize=9)


def _alignment(axes: Axes, rows: Rows, references: Sequence[str], title: str) -> None:
    for reference in references:
        chosen = [row for row in rows if row["kind"] == "alignment" and row["reference"] == reference]
        for measure, (label, line) in MEASURES.items():
            at, value = _mean_by(chosen, "step", measure)
            axes.plot(at, value, line, color=LINES[reference]["color"], linewidth=2, label=f"{label}, {reference}")
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set(title=title, xlabel="training steps", ylabel="cosine with the constructed learner", ylim=(None, 1.03))
    axes.legend(fontsize=9, loc="lower right")


def _scales(axes: Axes, rows: Rows, learners: Sequence[str], title: str) -> None:
    for learner in learners:
        chosen = [row for row in rows if row["kind"] == "input_scale" and row["learner"] == learner]
        at, loss = _mean_by(chosen, "scale", "relative_loss")
        axes.plot(at, loss, linewidth=1.8, markersize=6, label=learner, **LINES[learner])
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.axvline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set(title=title, xlabel="scale of the inputs (dotted: as trained)", yscale="log")
    axes.set_ylabel("loss / loss of predicting zero")
    _decimal(axes)
    axes.legend(fontsize=9)


def _between(axes: Axes, rows: Rows, references: Sequence[str], title: str) -> None:
    for reference in references:
        chosen = [row for row in rows if row["kind"] == "between" and row["reference"] == reference]
        at, loss = _mean_by(chosen, "share", "loss")
        axes.plot(at, loss, linewidth=1.8, markersize=6, label=f"trained to {reference}", **LINES[reference])
    axes.set(title=title, xlabel="share of the constructed weights", ylabel="half the mean squared error")
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(fontsize=9)


def _decimal(axes: Axes) -> None:
    """A logarithmic axis over one or two decades, with ticks at 1, 2, 3 and 5 and no powers of ten."""
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 3, 5), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _mean_by(rows: Rows, axis: str, column: str) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " x"]]:
    """The distinct values on the axis, and the column's mean over seeds there."""
    at = np.unique([float(row[axis]) for row in rows])
    return at, np.array([np.mean([float(row[column]) for row in rows if float(row[axis]) == x]) for x in at])
