"""Weights that know other catalogues: what demonstrations add on one that was never seen, and by which steps."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.unseen_catalogue.config import QUICK, Config
from lrgd_jax.experiments.unseen_catalogue.measures import run_unit, units
from lrgd_jax.experiments.unseen_catalogue.summaries import summary
from lrgd_jax.experiments.unseen_catalogue.table import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Unseen catalogue: weights that know other catalogues, and demonstrations of this one"
DESCRIPTION = (
    "Attention stacks of a handful of scalars are trained on games and CDs and asked about catalogues that they have "
    "not seen; an item is its title's vector, rotated anew, and a random signature. Gains by similar and by random "
    "demonstrations, layers against steps, a layer beside an explicit gradient step, step sizes against 2/lambda_max."
)
SOURCES = (
    "von Oswald et al. 2023, arXiv 2212.07677 (layers as steps)",
    "claims linear-attention, ridge-attention",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Falls of the loss by design and by the number of demonstrations; a matplotlib figure."""
    from lrgd_jax.experiments.unseen_catalogue.drawing import unseen_catalogue_figure

    curve = config.curve_designs[0] if config.curve_designs else config.designs[0]
    return unseen_catalogue_figure(summary(config, rows), ties=config.ties[0], curve=curve)
