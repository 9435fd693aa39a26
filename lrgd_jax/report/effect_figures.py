"""Figures of what demonstrations are worth: from zero-shot to few-shot, scores against the truth, their parts."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lrgd_jax.report.style import BLUE, CYCLE, INK, MARKERS, ORANGE, figure_style

__all__ = ["effect_path_figure", "fidelity_figure", "parts_figure"]

HARMS_HELPS = LinearSegmentedColormap.from_list("harms to helps", [ORANGE, "#ffffff", BLUE])


def effect_path_figure(
    fractions: Float[np.ndarray, " s"],
    losses: Mapping[str, Float[np.ndarray, "p s"]],
    *,
    marked: float = 0.1,
) -> Figure:
    """How much of the effect is there when all numbers stand at a fraction of one: a panel a control, a line a prompt.

    Args:
        fractions: from zero to one, not evenly spaced, so that the beginning is seen.
        losses: by control, of each prompt at each fraction; the first and the last are the ends.
        marked: a fraction up to which the panel is shaded.
    """
    with figure_style():
        figure = Figure(figsize=(4.9 * len(losses), 3.9), layout="constrained")
        panels = np.ravel(figure.subplots(1, len(losses), sharey=True, squeeze=False))
        for axes, (name, curves) in zip(panels, losses.items(), strict=True):
            reached = (curves[:, :1] - curves) / (curves[:, :1] - curves[:, -1:])
            axes.axvspan(0, marked, color=ORANGE, alpha=0.12, linewidth=0)
            axes.plot(fractions, reached.T, color=INK, linewidth=0.7, alpha=0.35)
            axes.plot(fractions, np.median(reached, axis=0), color=BLUE, linewidth=2.6, label="median")
            share = float(np.median([np.interp(marked, fractions, row) for row in reached]))
            axes.set(title=f"{name}: {share:.0%} up to {marked:g}", xlabel="all of them set to", xlim=(0, 1))
        panels[0].set_ylabel("share of the effect that is reached")
        panels[-1].plot([], [], color=INK, linewidth=0.7, alpha=0.6, label="one prompt")
        panels[-1].legend(loc="lower right")
    return figure


def fidelity_figure(
    truth: Float[np.ndarray, " d"], cheap: Mapping[str, Float[np.ndarray, " d"]], *, name: str = "exact Shapley value"
) -> Figure:
    """A panel a score: its values against the true ones, with their correlation.

    Args:
        truth: of each demonstration of all prompts.
        cheap: the same by each score.
        name: of the truth.
    """
    with figure_style():
        figure = Figure(figsize=(3.7 * len(cheap), 3.8), layout="constrained")
        panels = np.ravel(figure.subplots(1, len(cheap), squeeze=False))
        for k, (axes, (method, values)) in enumerate(zip(panels, cheap.items(), strict=True)):
            ends = [min(truth.min(), values.min()), max(truth.max(), values.max())]
            axes.plot(ends, ends, color=INK, linewidth=1, linestyle="--")
            style = {"color": CYCLE[k % len(CYCLE)], "markeredgecolor": "white", "markeredgewidth": 0.5}
            axes.plot(truth, values, MARKERS[k % len(MARKERS)], **style)
            axes.set(title=f"{method}, r = {np.corrcoef(truth, values)[0, 1]:.2f}", xlabel=f"{name} (nats)")
        panels[0].set_ylabel("score (nats)")
    return figure


def parts_figure(parts: Float[np.ndarray, "L h N"], labels: Sequence[str], *, shown: int | None = None) -> Figure:
    """Where the effect arises: layers for all demonstrations, and layers and heads for one of them.

    Args:
        parts: of the scores, by layer, head and demonstration.
        labels: of the demonstrations.
        shown: whose heads are shown; those of the largest score unless given.
    """
    best = int(np.argmax(parts.sum(axis=(0, 1)))) if shown is None else shown
    layers, heads, n = parts.shape
    with figure_style():
        figure = Figure(figsize=(10.4, 1.6 + 0.34 * max(n, heads)), layout="constrained")
        left, right = figure.subplots(1, 2)
        _map(figure, left, parts.sum(axis=1).T, "By layer", labels)
        _map(figure, right, parts[:, :, best].T, f"Heads: {labels[best]}", [f"head {h + 1}" for h in range(heads)])
        for axes in (left, right):
            axes.set_xlabel("layer")
            axes.set_xticks(at := range(0, layers, 1 if layers < 16 else 5), [str(k + 1) for k in at])
    return figure


def _map(figure: Figure, axes: Axes, values: Float[np.ndarray, "r c"], title: str, rows: Sequence[str]) -> None:
    """A map from harm to help with its own scale."""
    largest = float(np.abs(values).max()) or 1.0
    drawn = axes.imshow(values, cmap=HARMS_HELPS, vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(title)
    axes.grid(visible=False)
    figure.colorbar(drawn, ax=axes, label="nats; positive helps")
