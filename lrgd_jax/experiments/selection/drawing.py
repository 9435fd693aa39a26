"""The figure of selection: hit rates against the budget."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import CYCLE, INK, MARKERS, figure_style

__all__ = ["selection_figure"]

STYLES = ("-", "--", ":", "-.")

SCOPES = {"shared": "One context for all users", "personal": "A context for each user"}


def selection_figure(rows: Rows, *, oracle: str) -> Figure:
    """Test HR@10 against the budget, one panel a scope.

    Args:
        rows: of the experiment `selection`.
        oracle: the selector that reads the test items; drawn in grey.
    """
    with figure_style():
        figure = Figure(figsize=(12.4, 6.4), layout="constrained")
        for axes, (scope, title) in zip(figure.subplots(1, 2), SCOPES.items(), strict=True):
            own = [row for row in rows if row["scope"] == scope and "HR@10" in row]
            names = [x for x in dict.fromkeys(row["selector"] for row in own) if x not in ("none", "all")]
            for k, name in enumerate(names):
                _budget_line(axes, [row for row in own if row["selector"] == name], k, name == oracle)
            for name, style in (("all", "--"), ("none", ":")):
                levels = [row["HR@10"] for row in own if row["selector"] == name]
                if levels:
                    axes.axhline(
                        float(np.mean(levels)), color=INK, linewidth=1, linestyle=style, label=f"{name} of them"
                    )
            budgets = sorted({row["budget"] for row in own if row["selector"] in names})
            axes.set(title=title, xlabel="budget K", ylabel="test HR@10", xscale="log", ylim=(0, None))
            axes.set_xticks(budgets, [f"{x:,}" for x in budgets])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelsize=8)
            axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return figure


def _budget_line(axes: Axes, rows: Rows, k: int, oracle: bool) -> None:
    """Means over the seeds, with the mean interval."""
    budgets = sorted({row["budget"] for row in rows})
    groups = [[row for row in rows if row["budget"] == budget] for budget in budgets]
    mean, low, high = (np.array([np.mean([row[x] for row in own]) for own in groups]) for x in ("HR@10", "low", "high"))
    label = f"{rows[0]['selector']} (reads the test items)" if oracle else rows[0]["selector"]
    colour = "#999999" if oracle else CYCLE[k % len(CYCLE)]
    axes.errorbar(
        budgets,
        mean,
        [mean - low, high - mean],
        linestyle=STYLES[k // len(CYCLE) % len(STYLES)],
        marker=MARKERS[k % len(MARKERS)],
        color=colour,
        markersize=4,
        linewidth=1.4,
        elinewidth=0.7,
        label=label,
    )
