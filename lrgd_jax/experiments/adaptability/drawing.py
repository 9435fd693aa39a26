"""The figure of adaptability: NDCG@10 above the frozen recommender, window by window."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.shared.drawing import look
from lrgd_jax.report.style import CYCLE, INK, STYLE

__all__ = ["adaptability_figure"]


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
        handles = [panels[0].plot([], [], label=name, **look(k))[0] for k, name in enumerate(shown)]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _gaps(axes: Axes, rows: Rows, k: int, variant: str) -> None:
    """A line, and for those that go on without forgetting the 95 % interval."""
    at = [row["window"] + 1 for row in rows]
    axes.plot(at, [row["over_frozen"] for row in rows], **look(k))
    if variant == "updated":
        low, high = ([row[f"over_frozen_{end}"] for row in rows] for end in ("low", "high"))
        axes.fill_between(at, low, high, color=CYCLE[k % len(CYCLE)], alpha=0.15, linewidth=0)
