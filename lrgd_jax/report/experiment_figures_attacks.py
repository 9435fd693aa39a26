"""Figures of the experiments on attacked and perturbed data and on adaptability."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.report.style import CYCLE, INK, MARKERS, STYLE

__all__ = ["adaptability_figure", "data_robustness_figure"]

Rows = Sequence[Mapping[str, Any]]
STYLES = ("-", "--")


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
        handles = [panels[0][0].plot([], [], label=name, **_look(k))[0] for k, name in enumerate(names)]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=10)
    return figure


def adaptability_figure(rows: Rows, *, data: Sequence[str], variants: Sequence[str]) -> Figure:
    """One panel a data set: NDCG@10 above the frozen recommender, window by window.

    Args:
        rows: of the experiment `adaptability`, first seed.
        data: names, in the order of the panels.
        variants: in the order of the legend; the frozen one is the line at 0.
    """
    shown = [name for name in variants if name != "frozen" and not name.startswith("popularity")]
    columns = min(2, max(len(data), 1))
    lines = -(-max(len(data), 1) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * columns, 0.9 + 3.6 * lines), layout="constrained")
        panels = np.ravel(figure.subplots(lines, columns, squeeze=False))
        for axes, name in zip(panels, data, strict=False):
            for k, variant in enumerate(shown):
                own = [row for row in rows if (row["data"], row["variant"], row["seed"]) == (name, variant, 0)]
                _gaps(axes, [row for row in own if row["window"] >= 0], k, variant)
            axes.axhline(0, color=INK, linewidth=1.2)
            axes.set(title=name.removeprefix("amazon_"), xlabel="window")
        for axes in panels[len(data) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("NDCG@10 above the frozen one")
        handles = [panels[0].plot([], [], label=name, **_look(k))[0] for k, name in enumerate(shown)]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _curves(axes: Axes, rows: Rows, names: Sequence[str], column: str) -> None:
    """Means over the seeds, one line a regulariser."""
    for k, name in enumerate(names):
        own = [row for row in rows if row["regulariser"] == name and column in row]
        at = sorted({row["strength"] for row in own})
        means = [np.mean([row[column] for row in own if row["strength"] == x]) for x in at]
        axes.plot(at, means, clip_on=False, **_look(k))
    axes.set_xticks(ticks := sorted({row["strength"] for row in rows}), [f"{x:g}" for x in ticks])


def _gaps(axes: Axes, rows: Rows, k: int, variant: str) -> None:
    """A line, and for those that go on without forgetting the 95 % interval."""
    at = [row["window"] + 1 for row in rows]
    axes.plot(at, [row["over_frozen"] for row in rows], **_look(k))
    if variant == "updated":
        low, high = ([row[f"over_frozen_{end}"] for row in rows] for end in ("low", "high"))
        axes.fill_between(at, low, high, color=CYCLE[k % len(CYCLE)], alpha=0.15, linewidth=0)


def _look(k: int) -> dict[str, Any]:
    return {
        "color": CYCLE[k % len(CYCLE)],
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": STYLES[k // len(CYCLE) % len(STYLES)],
        "markersize": 5,
        "linewidth": 1.6,
    }
