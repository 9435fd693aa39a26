"""Does it keep adapting? Recommenders that go on learning, or forget, against one that was frozen, window by window."""

from pathlib import Path
from typing import TYPE_CHECKING

from lrgd_jax.experiments.adaptability.config import QUICK, Config
from lrgd_jax.experiments.adaptability.measures import run_unit, units, variants
from lrgd_jax.experiments.adaptability.summaries import summary
from lrgd_jax.experiments.adaptability.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Adaptability: a recommender that keeps learning against a frozen one, window by window"
DESCRIPTION = (
    "Time is cut into windows; each is first asked about and then learnt from by one more step. HR@10 and NDCG@10 of a "
    "recommender frozen at the start, of ones that go on by the window and by the day, of ones that forget what is "
    "old, and of rates adapted on the window before."
)
SOURCES = (
    "claims weight-decay-is-retention, popularity-is-the-initial-weights, effect-is-data-value",
    "Dawid 1984, JRSS A 147",
    "Gama, Sebastião & Rodrigues 2013, Machine Learning 90(3)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """NDCG@10 above the frozen recommender, window by window, one panel a data set."""
    from lrgd_jax.experiments.adaptability.drawing import adaptability_figure

    return adaptability_figure(rows, data=[Path(one).name for one in config.data], variants=list(variants(config)))
