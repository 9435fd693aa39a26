"""The figure of the dual of a layer: steps by layer, errors of finite features, tokens of the chains."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.report.style import BLUE, CYCLE, GREEN, INK, MARKERS, ORANGE, PURPLE, STYLE

__all__ = ["layer_figure"]

QUARTILES = (0.25, 0.5, 0.75)


def layer_figure(rows: Rows, *, tolerances: Sequence[float]) -> Figure:
    """Steps by layer, errors of finite features, and tokens of the chains.

    Args:
        rows: of the experiment `dual-of-a-layer`.
        tolerances: drawn as lines over the errors.
    """
    steps = [row for row in rows if row["measure"] == "step"]
    features = [row for row in rows if row["measure"] == "features"]
    chains = [row for row in rows if row["measure"] == "chain"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 7.4), layout="constrained")
        panels = figure.subplots(2, 3)
        _by_layer(panels[0, 0], steps, {"change": "output", "attention_on_demonstrations": "attention on them"})
        panels[0, 0].set(title="What the step changes", ylabel="share (of |f₀'s output|; of attention)", yscale="log")
        _by_layer(panels[0, 1], steps, {"log10_size": "keys as they are", "log10_size_centred": "keys centred"})
        panels[0, 1].set(title="Size of the step", ylabel=r"$\log_{10}\,\|f_1 - f_0\| / \|f_0\|$")
        _by_layer(panels[0, 2], steps, {"rank": "effective rank", "rank_centred": "keys centred"})
        panels[0, 2].set(title="Effective rank of the step", ylim=(0.9, None))
        _aligned(panels[1, 0], steps)
        _errors(panels[1, 1], features, tolerances)
        _chains(panels[1, 2], chains)
    return figure


def _by_layer(axes: Axes, rows: Rows, columns: Mapping[str, str]) -> None:
    """Medians over heads and prompts with their quartiles, by layer."""
    layers = sorted({row["layer"] for row in rows})
    for k, (column, label) in enumerate(columns.items()):
        quartiles = np.array([_quantiles([row[column] for row in rows if row["layer"] == at]) for at in layers])
        low, median, high = quartiles.T
        at = np.arange(len(layers)) + 0.12 * (k - (len(columns) - 1) / 2)
        spread = np.stack([median - low, high - median])
        axes.errorbar(at, median, spread, fmt=MARKERS[k], color=CYCLE[k], markersize=6.5, capsize=3, label=label)
    axes.set_xticks(range(len(layers)), [str(layer) for layer in layers])
    axes.set_xlabel("layer")
    axes.legend(fontsize=9)


def _aligned(axes: Axes, rows: Rows) -> None:
    _by_layer(axes, rows, {"alignment": "at the output", "zero_shot_alignment": "at the zero-shot output"})
    axes.axhline(0, color=INK, linewidth=1)
    axes.set(title="Alignment with the test gradient", ylabel="cosine")


def _errors(axes: Axes, rows: Rows, tolerances: Sequence[float]) -> None:
    """Median relative error against the dimension, by map and kind of keys."""
    kinds = list(dict.fromkeys((row["map"], row["keys"]) for row in rows))
    for k, (name, keys) in enumerate(kinds):
        own = [row for row in rows if (row["map"], row["keys"]) == (name, keys)]
        at = sorted({row["dimension"] for row in own})
        medians = [np.median([row["error"] for row in own if row["dimension"] == x]) for x in at]
        style = "-" if name == "random" else "--"
        colour = (BLUE, ORANGE, GREEN, PURPLE)[k % 4]
        marker = MARKERS[k % len(MARKERS)] if name == "random" else None
        axes.plot(at, medians, style, marker=marker, color=colour, markersize=5.5, label=f"{name}, {keys}")
    for tolerance in tolerances:
        axes.axhline(tolerance, color=INK, linewidth=0.9, linestyle=":")
    axes.set(
        xscale="log",
        yscale="log",
        title="Error of a head's output",
        xlabel="features (Taylor: monomials)",
        ylim=(1e-4, 1e2),
    )
    axes.set_ylabel("relative error (median)")
    axes.legend(fontsize=8.5)


def _chains(axes: Axes, rows: Rows) -> None:
    """The share of the greedy tokens that chains of finite duals give."""
    finite = [row for row in rows if row["chain"] != "exact"]
    for k, keys in enumerate(dict.fromkeys(row["keys"] for row in finite)):
        own = [row for row in finite if row["keys"] == keys]
        at = sorted({row["features"] for row in own})
        shares = [np.mean([row["agreeing"] for row in own if row["features"] == r]) for r in at]
        axes.plot(at, shares, MARKERS[k] + "-", color=CYCLE[k], markersize=6.5, label=f"random, {keys}")
    exact = [row["agreeing"] for row in rows if row["chain"] == "exact"]
    if exact:
        axes.axhline(float(np.mean(exact)), color=INK, linestyle="--", linewidth=1.6, label="exact chain")
    if finite:
        axes.set_xscale("log")
    axes.set(title="Tokens of the whole chain", xlabel="features in every layer", ylim=(-0.03, 1.05))
    axes.set_ylabel("share that are the decoder's")
    if rows:
        axes.legend(fontsize=9)


def _quantiles(values: Sequence[float]) -> Float[np.ndarray, " 3"]:
    return np.quantile(np.asarray(values, np.float64), QUARTILES)
