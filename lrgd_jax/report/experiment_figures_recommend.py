"""Figures of the experiments on recommendation: measured values with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from lrgd_jax.report.style import BLUE, CYCLE, INK, MARKERS, ORANGE, PURPLE, SKY, figure_style

__all__ = ["effect_figure", "equivalence_figure", "recommend_figure", "selection_figure", "two_stage_figure"]

Rows = Sequence[Mapping[str, Any]]
STYLES = ("-", "--", ":", "-.")
SCOPES = {"shared": "One context for all users", "personal": "A context for each user"}


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


def effect_figure(rows: Rows, *, which: Sequence[str]) -> Figure:
    """Predicted against true rise of the loss, and the metric without a share of the context.

    Args:
        rows: of the experiment `effect`.
        which: shares that are taken out.
    """
    with figure_style():
        figure = Figure(figsize=(12.4, 4.2), layout="constrained")
        panels = figure.subplots(1, 3)
        for axes, kind in zip(panels, ("demonstrations", "users"), strict=False):
            own = [row for row in rows if row["kind"] == kind]
            x = np.array([row["predicted"] for row in own])
            for part, colour, mark in (("test", ORANGE, "s"), ("valid", BLUE, "o")):
                y = np.array([row[part] for row in own])
                axes.plot(x, y, mark, color=colour, markersize=4, alpha=0.7, label=f"{part} loss")
            axes.axline((0, 0), slope=1, color=INK, linewidth=1, linestyle="--")
            small = np.abs(x[x != 0]).min(initial=1.0)
            axes.set_xscale("symlog", linthresh=10 * small)
            axes.set_yscale("symlog", linthresh=10 * small)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set(title=f"Without single {kind}", xlabel="first-order effect (nats)", ylabel="rise of the loss")
            axes.tick_params(axis="x", labelsize=8)
            axes.legend()
        for k, name in enumerate(which):
            own = [row for row in rows if row.get("which") == name]
            at = sorted({row["share"] for row in own})
            y = [np.mean([row["NDCG@10"] for row in own if row["share"] == x]) for x in at]
            panels[2].plot(
                at,
                y,
                STYLES[0],
                marker=MARKERS[k],
                color=CYCLE[k],
                label="a random share" if name == "random" else f"the {name}",
            )
        panels[2].xaxis.set_major_formatter(PercentFormatter(1))
        panels[2].set(
            title="Without a share", xlabel="share of the context taken out", ylabel="test NDCG@10", ylim=(0, None)
        )
        panels[2].legend()
    return figure


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


def two_stage_figure(rows: Rows, summary: Mapping[str, Any], *, paths: Sequence[str]) -> Figure:
    """NDCG@10 one step back and on the test items, and what is left of the context, against the updates.

    Args:
        rows: of the experiment `two-stage`; the paths of its first seed are drawn.
        summary: of the same.
        paths: with and without a guard.
    """
    with figure_style():
        figure = Figure(figsize=(13.2, 5.2), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        lines = summary["one step back"]
        counts, temperatures = (list(dict.fromkeys(x[key] for x in lines)) for key in ("origins", "temperature"))
        for x in lines:
            colour = CYCLE[counts.index(x["origins"]) % len(CYCLE)]
            style = STYLES[temperatures.index(x["temperature"]) % len(STYLES)]
            name = f"{x['origins']} origin{'s' * (x['origins'] != 1)}, temperature {x['temperature']:g}"
            left.plot(range(len(x["NDCG@10"])), x["NDCG@10"], style, color=colour, label=name)
        left.set(title="One step back", xlabel="updates", ylabel="NDCG@10")
        for path, colour, mark in zip(paths, (ORANGE, BLUE), MARKERS, strict=False):
            own = [row for row in rows if row["part"] == path and row["seed"] == 0]
            k = [row["update"] for row in own]
            middle.plot(k, [row["NDCG@10"] for row in own], mark + "-", color=colour, label=path)
            voices = [row["voices"] for row in own]
            right.plot(k, voices, mark + "-", color=colour, label=f"{path}: demonstrations that speak")
            ranks = [row["effective rank"] / own[0]["effective rank"] for row in own]
            right.plot(k, ranks, mark + ":", color=colour, label=f"{path}: effective rank")
        for axes in (left, middle, right):
            axes.axvline(summary["chosen"]["updates"], color=INK, linewidth=1, linestyle="--")
        middle.set(title="Test users (dashed: the chosen update)", xlabel="updates", ylabel="NDCG@10")
        right.set(title="What is left of the context", xlabel="updates", ylabel="in units of that at rates 1")
        for axes in (left, middle, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return figure


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
