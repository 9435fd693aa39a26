"""Attacked and perturbed data: how far the recommender's lists move, and which regulariser holds them."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.robustness.config import QUICK, Config
from lrgd_jax.experiments.robustness.measures import run_unit, units
from lrgd_jax.experiments.robustness.summaries import summary
from lrgd_jax.experiments.robustness.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Attacked and perturbed data: what a recommender's lists suffer, and what helps"
DESCRIPTION = (
    "Fake users who push one item, and wrong, lost, shuffled and missing interactions, at several strengths and under "
    "several regularisers: NDCG@10 of honest users, how often the pushed item is shown, how well effects find the fake "
    "demonstrations, and how many honest ones are lost with them."
)
SOURCES = (
    "claims effect-is-data-value, popularity-is-the-initial-weights, weight-decay-is-retention",
    "Lam & Riedl 2004, WWW",
    "Mobasher, Burke, Bhaumik & Williams 2007, ACM TOIT 7(4)",
    "Pruthi, Liu, Sundararajan & Kale 2020, arXiv 2002.08484",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Detection and defence, and the robustness curves."""
    from lrgd_jax.experiments.robustness.drawing import data_robustness_figure

    return data_robustness_figure(rows, attacks=config.attacks, perturbations=config.perturbations)
