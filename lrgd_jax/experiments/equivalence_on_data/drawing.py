"""The figure of the equivalence on data: differences in units of the bound, and shares of equal lists."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lrgd_jax.report.style import BLUE, INK, ORANGE, PURPLE, SKY, figure_style

__all__ = ["equivalence_figure"]


def equivalence_figure(summary: Mapping[str, Any], *, duals: Sequence[str]) -> Figure:
    """Largest differences in units of the rounding bound, and whose lists are the same.

    Args:
        summary: of the experiment `equivalence-on-data`.
        duals: in the order of the bars.
    """
    with figure_style():
        figure = Figure(figsize=(11.4, 0.5 * len(duals) + 1.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        ratios = [summary[name]["difference/bound"] for name in duals]
        left.barh(range(len(duals)), ratios, color=[BLUE, *[ORANGE] * (len(duals) - 1)], height=0.6)
        left.axvline(1, color=INK, linestyle="--")
        left.set(xscale="log", title="Largest difference", xlabel="in units of the rounding bound (dashed: 1)")
        left.set_yticks(range(len(duals)), duals)
        start = np.zeros(len(duals))
        parts = (("same lists", BLUE), ("other order of ties", SKY), ("other lists", PURPLE))
        for key, colour in parts:
            share = np.array([summary[name][key] / max(summary[name]["users"], 1) for name in duals])
            right.barh(range(len(duals)), share, left=start, color=colour, height=0.6, label=key)
            start = start + share
        right.xaxis.set_major_formatter(PercentFormatter(1))
        right.set(title=f"Lists of the best {summary['k']}", xlabel="share of the users")
        left.invert_yaxis()
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
