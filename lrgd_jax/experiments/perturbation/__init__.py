"""Robustness curves: how far random and worst perturbations move the dual's output, measured and in closed form.

Outputs are read before any ratio is taken, where the closed forms are exact. Every grid point compares the mean
shift of the output and its mean square with theory, in units of the Monte-Carlo standard error.
"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.perturbation.config import QUICK, Config
from lrgd_jax.experiments.perturbation.measures import run_unit, units
from lrgd_jax.experiments.perturbation.summaries import summary
from lrgd_jax.experiments.perturbation.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Perturbed demonstrations: closed form against measurement"
DESCRIPTION = (
    "Noise on targets, keys and query, dropped and swapped demonstrations and the worst targets, at several strengths "
    "and under several regularisers: the mean shift of the dual's output and its root mean square, trained anew for "
    "every sample, beside the closed forms."
)
SOURCES = (
    "claims target-perturbation, key-noise, demonstration-dropout, weight-decay-is-retention, anchored-regularisation",
    "Bishop 1995, Neural Computation 7(1)",
    "Ren & Liu 2023, arXiv 2310.13220",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Robustness curves, theory drawn over measurement; a matplotlib figure."""
    from lrgd_jax.experiments.perturbation.drawing import robustness_figure

    return robustness_figure(rows, kinds=config.kinds, regularisers=config.regularisers)
