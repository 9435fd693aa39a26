"""Why an item was recommended, as a picture."""

from dataclasses import replace

from matplotlib.figure import Figure

from lrgd_jax.recommend.serving.named_explanation import NamedExplanation
from lrgd_jax.report.recommendation_html import reason_label
from lrgd_jax.report.recommendation_reasons import explanation_title
from lrgd_jax.report.style import BLUE, GREEN, INK, ORANGE, figure_style

__all__ = ["recommendation_figure"]

COLOURS = {"transition": BLUE, "text": GREEN, "popularity": ORANGE}
WIDTH = 46
"""Characters of a label."""


def recommendation_figure(explanation: NamedExplanation, top: int = 15) -> Figure:
    """The largest parts of a score as bars, and the rest of them in one.

    Args:
        explanation: of the score.
        top: how many parts have a bar of their own.
    """
    shown, rest = explanation.parts[:top], explanation.parts[top:]
    labels = [_short(reason_label(reason)) for reason in shown]
    values, colours = [reason.part for reason in shown], [COLOURS[reason.source] for reason in shown]
    if rest:
        labels.append(f"{len(rest)} more")
        values.append(sum(reason.part for reason in rest))
        colours.append(INK)
    with figure_style():
        figure = Figure(figsize=(9.2, 1.6 + 0.32 * len(labels)), layout="constrained")
        axes = figure.subplots()
        axes.barh(range(len(labels)), values, color=colours, height=0.7)
        axes.set_yticks(range(len(labels)), labels, fontsize=9)
        axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel=f"part of the score {explanation.score:.4g}")
        axes.set_title(_short_title(explanation), x=0, fontsize=11)
        axes.grid(visible=False, axis="y")
        for source in dict.fromkeys(reason.source for reason in shown):
            axes.barh([0], [0], color=COLOURS[source], label=source)
        axes.legend(loc="lower right")
    return figure


def _short_title(explanation: NamedExplanation) -> str:
    return explanation_title(replace(explanation, item=_short(explanation.item)))


def _short(text: str) -> str:
    # a dollar sign would start a formula
    text = text.replace("$", r"\$")
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
