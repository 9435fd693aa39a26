"""The figure of steps and depth: the best losses by depth, and losses at multiples of the best rate."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import mean_by
from lrgd_jax.report.style import BLUE, GREEN, MARKERS, ORANGE, PURPLE, SKY, STYLE

__all__ = ["steps_and_depth_figure"]


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
            at, loss = mean_by(chosen, "steps", "loss")
            left.plot(at, loss, color=colour, marker=marker, linewidth=1.8, label=f"{learner} (theory)")
        trained = [row for row in rows if row["kind"] == "trained"]
        at = [row["layers"] for row in trained]
        cross = {"color": BLUE, "markersize": 10, "markeredgewidth": 2.2, "linestyle": "", "zorder": 4}
        left.plot(at, [row["loss"] for row in trained], "x", label="trained layers", **cross)
        left.set(title="What K layers can reach", xlabel="layers, or steps, K", ylabel="loss on new tasks")
        colours = (SKY, BLUE, PURPLE, ORANGE, GREEN)
        for k, factor in enumerate(factors):
            chosen = [row for row in rows if row["kind"] == "rate" and row["factor"] == factor]
            at, loss = mean_by(chosen, "steps", "loss")
            style = {"color": colours[k % len(colours)], "marker": MARKERS[k % len(MARKERS)], "linewidth": 1.8}
            right.plot(at, loss, label=f"{factor:g} times the best rate of one step", **style)
        right.set(title="One rate for all steps", xlabel="steps K", ylabel="loss on new tasks")
        steps = sorted({int(row["steps"]) for row in rows if row["kind"] == "best"})
        for axes in (left, right):
            axes.set(yscale="log")
            axes.set_xticks(steps)
            axes.legend(fontsize=9)
    return figure
