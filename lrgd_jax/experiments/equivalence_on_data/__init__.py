"""The same recommender run as attention and as its dual, for every user of a data set: are the lists the same?"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.equivalence_on_data.measures import QUICK, Config, run_unit, summary, units
from lrgd_jax.experiments.equivalence_on_data.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Attention and its dual on real data: the same lists"
DESCRIPTION = (
    "Every test user's scores once by attention over all transitions and once by the dual after its step: the largest "
    "difference in units of the rounding bound, and whether the lists of the best items are the same. Beside it duals "
    "that are wrong on purpose."
)
SOURCES = (
    "claims linear-attention, item-knn-is-one-step",
    "Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1 (rounding of inner products)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Differences in units of the bound, and shares of equal lists; a matplotlib figure."""
    from lrgd_jax.experiments.equivalence_on_data.drawing import equivalence_figure

    return equivalence_figure(summary(config, rows), duals=config.duals)
