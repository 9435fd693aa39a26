"""Figures of the tutorials on steps and perturbation: theory as lines, measurement as marks."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from jaxtyping import Complex, Float
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from lrgd_jax.report.style import CYCLE, INK, MARKERS, STYLE

__all__ = ["age_weights_figure", "key_noise_figure", "spectral_filter_figure", "spectrum_figure"]

SPECTRUM_REACH = 1.5
"""How far an eigenvalue may lie from zero and be seen."""


def spectral_filter_figure(
    *,
    grid: Float[np.ndarray, " p"],
    curves: Mapping[int, Float[np.ndarray, " p"]],
    curvatures: Float[np.ndarray, " r"],
    learnt: Mapping[int, Float[np.ndarray, " r"]],
    steps: Float[np.ndarray, " s"],
    predicted: Mapping[str, Float[np.ndarray, " s"]],
    measured: Mapping[str, Float[np.ndarray, " s"]],
) -> Figure:
    """What T steps learn along every direction, and how far they are from the ridge solution.

    Args:
        grid: curvatures times the learning rate.
        curves: by T, the share that is learnt there.
        curvatures: those of the keys, times the learning rate.
        learnt: by T, the share that attention was seen to learn along them.
        steps: T of the second panel.
        predicted: by learning rate, the distance to the ridge solution.
        measured: the same, measured.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for k, number in enumerate(curves):
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            left.plot(grid, curves[number], color=colour, linewidth=1.8)
            left.plot(curvatures, learnt[number], mark, color=colour, markersize=6.5)
            label = f"{number} steps" if number > 1 else "1 step"
            left.plot([], [], "-", marker=mark, color=colour, label=label)
        left.axhline(1, color=INK, linewidth=0.8)
        left.set(title="Steps are a filter on the spectrum", ylabel="share of the ridge solution")
        left.set(xlabel="learning rate times curvature, $\\eta h$", xlim=(0, grid[-1]))
        left.legend(fontsize=9.5, loc="lower right")
        for k, label in enumerate(predicted):
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            right.plot(steps, predicted[label], color=colour, linewidth=1.8)
            right.plot(steps, measured[label], mark, color=colour, markersize=5.5)
            right.plot([], [], "-", marker=mark, color=colour, label=label)
        right.set(title="Steps go to ridge attention, or away", ylabel="distance to ridge attention")
        right.set(xlabel="steps T", xscale="log", yscale="log")
        right.set_xticks(steps, [f"{x:g}" for x in steps])
        right.xaxis.set_minor_locator(NullLocator())
        right.legend(fontsize=9.5)
    return figure


def age_weights_figure(
    *, predicted: Mapping[str, Float[np.ndarray, " n"]], measured: Mapping[str, Float[np.ndarray, " n"]]
) -> Figure:
    """How much a token counts by its age: closed forms as lines, a trained dual as marks.

    Args:
        predicted: by the name of the rule, one weight a token, oldest first.
        measured: the same, measured.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.2), layout="constrained")
        axes = figure.subplots()
        for k, (label, weights) in enumerate(predicted.items()):
            ages = np.arange(len(weights))[::-1]
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            axes.plot(ages, weights, color=colour, linewidth=1.8)
            axes.plot(ages, measured[label], mark, color=colour, markersize=6.5)
            axes.plot([], [], "-", marker=mark, color=colour, label=label)
        axes.set(title="What an older token counts", xlabel="age of the token (0: the newest)")
        axes.set(ylabel="weight beside $k_i^\\top q$", ylim=(0, None))
        axes.legend(fontsize=9.5)
    return figure


def key_noise_figure(
    *,
    radii: Float[np.ndarray, " r"],
    bounds: Mapping[str, Float[np.ndarray, " r"]],
    found: Mapping[str, Float[np.ndarray, " r"]],
    strengths: Float[np.ndarray, " s"],
    predicted: Mapping[str, Float[np.ndarray, " s"]],
    measured: Mapping[str, Float[np.ndarray, " s"]],
    spread: Mapping[str, Float[np.ndarray, " s"]],
) -> Figure:
    """The worst change of the keys against its bound, and what random changes leave in the mean.

    Args:
        radii: of the worst case.
        bounds: by attention form, the bound of the output's change.
        found: the change that a search found.
        strengths: deviations of the noise.
        predicted: by estimate, its bias.
        measured: the same, measured.
        spread: standard errors of these.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for k, label in enumerate(bounds):
            left.plot(radii, bounds[label], color=CYCLE[k], linewidth=1.8, label=f"{label}: bound")
            left.plot(radii, found[label], MARKERS[k], color=CYCLE[k], markersize=6.5, label=f"{label}: worst found")
        left.set(title="The worst keys", xlabel="how far every key may move", ylabel="change of the output")
        left.set(xscale="log", yscale="log")
        left.set_xticks(radii, [f"{x:g}" for x in radii])
        left.xaxis.set_minor_locator(NullLocator())
        left.legend(fontsize=9.5)
        for k, label in enumerate(measured):
            style = {"color": CYCLE[k + 2], "label": label}
            right.plot(strengths, predicted[label], color=CYCLE[k + 2], linewidth=1.8)
            right.errorbar(strengths, measured[label], 3 * spread[label], fmt=MARKERS[k + 2], capsize=3, **style)
        right.set(title="Gaussian noise on the keys", xlabel="deviation of the noise", ylabel="bias of the output")
        right.legend(fontsize=9.5)
    return figure


def spectrum_figure(eigenvalues: Mapping[str, Complex[np.ndarray, " n"]]) -> Figure:
    """Where the eigenvalues of steps lie: within the unit circle a mode of the error shrinks, off the axis it rings.

    Args:
        eigenvalues: of the Jacobian of each update, by its name.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 4.6), layout="constrained")
        axes = figure.subplots()
        angles = np.linspace(0, 2 * np.pi, 181)
        axes.plot(np.cos(angles), np.sin(angles), color=INK, linewidth=0.8)
        axes.axhline(0, color=INK, linewidth=0.5)
        for k, (name, numbers) in enumerate(eigenvalues.items()):
            colour, mark = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
            # the later ones are smaller, so that none is hidden where several share a place
            axes.plot(np.real(numbers), np.imag(numbers), mark, color=colour, markersize=11 - k, label=name)
        axes.set(title="Eigenvalues of a step", xlabel="real part", ylabel="imaginary part", aspect="equal")
        # the same for every setting of a knob
        axes.set(xlim=(-SPECTRUM_REACH, SPECTRUM_REACH), ylim=(-SPECTRUM_REACH, SPECTRUM_REACH))
        axes.legend(fontsize=9.5, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure
