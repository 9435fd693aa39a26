"""The figure of attacked and perturbed data: detection and defence, and the robustness curves."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import look
from lrgd_jax.report.style import STYLE

__all__ = ["data_robustness_figure"]


def data_robustness_figure(rows: Rows, *, attacks: Sequence[str], perturbations: Sequence[str]) -> Figure:
    """One panel an attack: how often the pushed item is shown; one a perturbation: NDCG@10 against its strength.

    Args:
        rows: of the experiment `robustness`; averaged over the seeds.
        attacks: kinds, in the order of the panels.
        perturbations: likewise, below.
    """
    names = list(dict.fromkeys(row["regulariser"] for row in rows))
    columns = max(len(attacks), -(-len(perturbations) // 2), 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * columns, 10.2), layout="constrained")
        panels = figure.subplots(3, columns, squeeze=False)
        for axes, kind in zip(panels[0], attacks, strict=False):
            own = [row for row in rows if row["part"] == "attack" and row["kind"] == kind]
            _curves(axes, own, names, "attack_share")
            axes.set(title=f"{kind} attack", xlabel="fake share of the demonstrations", ylim=(-0.03, 1.03))
        for axes, kind in zip(panels[1:].ravel(), perturbations, strict=False):
            own = [row for row in rows if row["kind"] == kind or row["part"] == "clean"]
            _curves(axes, own, names, "ndcg")
            axes.set(title=kind, xlabel="probability", ylim=(0, None))
        for axes in [*panels[0][len(attacks) :], *panels[1:].ravel()[len(perturbations) :]]:
            axes.set_visible(False)
        panels[0][0].set_ylabel("lists that show the pushed item")
        for line in panels[1:]:
            line[0].set_ylabel("NDCG@10")
        handles = [panels[0][0].plot([], [], label=name, **look(k))[0] for k, name in enumerate(names)]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=10)
    return figure


def _curves(axes: Axes, rows: Rows, names: Sequence[str], column: str) -> None:
    """Means over the seeds, one line a regulariser."""
    for k, name in enumerate(names):
        own = [row for row in rows if row["regulariser"] == name and column in row]
        at = sorted({row["strength"] for row in own})
        means = [np.mean([row[column] for row in own if row["strength"] == x]) for x in at]
        axes.plot(at, means, clip_on=False, **look(k))
    axes.set_xticks(ticks := sorted({row["strength"] for row in rows}), [f"{x:g}" for x in ticks])
