"""The figure of the recommenders: NDCG@10 with its interval on every data set."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import BLUE, ORANGE, figure_style

__all__ = ["recommend_figure"]


def recommend_figure(rows: Rows, *, recommenders: Sequence[str], reference: str) -> Figure:
    """NDCG@10 with its interval, one panel a data set.

    Args:
        rows: of the experiment `recommend`.
        recommenders: in the order of the lines.
        reference: drawn as a vertical line.
    """
    sets = list(dict.fromkeys(row["data"] for row in rows))
    with figure_style():
        figure = Figure(figsize=(3.0 * len(sets) + 2.2, 0.32 * len(recommenders) + 1.4), layout="constrained")
        panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, sets, strict=True):
            there = {row["recommender"]: row for row in rows if row["data"] == name and "NDCG@10" in row}
            for k, who in enumerate(recommenders):
                if who in there:
                    x, low, high = (there[who][key] for key in ("NDCG@10", "NDCG@10 low", "NDCG@10 high"))
                    axes.errorbar(x, k, xerr=[[x - low], [high - x]], fmt="o", color=BLUE, markersize=5, capsize=3)
            if reference in there:
                axes.axvline(there[reference]["NDCG@10"], color=ORANGE, linewidth=1.2, linestyle="--")
            axes.set(title=name.removeprefix("amazon_"), xlabel="test NDCG@10")
        panels[0].set_yticks(range(len(recommenders)), recommenders)
        panels[0].invert_yaxis()
    return figure
