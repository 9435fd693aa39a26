"""Which demonstrations to keep under a budget: a context for all users, and a small one for each user alone."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.selection.config import ORACLE, QUICK, Config
from lrgd_jax.experiments.selection.measures import run_unit, units
from lrgd_jax.experiments.selection.summaries import summary
from lrgd_jax.experiments.selection.table import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Selection: which demonstrations are worth their place"
DESCRIPTION = (
    "Test hit rate with the first K of the training transitions in the order of each selector, as one context for all "
    "users; and with K of the demonstrations that a user attends to, chosen for that user. Stage one chooses by the "
    "first-order effect on validation users. The oracle reads the test items and cannot be served."
)
SOURCES = (
    "claims effect-is-data-value, item-knn-is-one-step",
    "Carbonell and Goldstein 1998, SIGIR (MMR)",
    "Chen, Zhang and Zhou 2018, arXiv 1709.05135 (greedy DPP)",
    "Pruthi et al. 2020, arXiv 2002.08484 (first-order effects of training examples)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Hit rates against the budget, for a shared and for a user's own context; a matplotlib figure."""
    from lrgd_jax.experiments.selection.drawing import selection_figure

    return selection_figure(rows, oracle=ORACLE)
