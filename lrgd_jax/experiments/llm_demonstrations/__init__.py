"""Demonstrations for a language model that recommends: who chooses them, how many, in which order and format."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.llm_demonstrations.config import QUICK, Config, set_name
from lrgd_jax.experiments.llm_demonstrations.measures import run_unit, units
from lrgd_jax.experiments.llm_demonstrations.summaries import summary
from lrgd_jax.experiments.llm_demonstrations.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "A language model recommends: which demonstrations help it"
DESCRIPTION = (
    "The best items of the one-step recommender are ranked by the likelihood of their titles after a few other users' "
    "histories and what came next. Every selector of demonstrations is asked about the same users with the same "
    "candidates: the loss of the wanted title, and its rank where it is a candidate at all (elsewhere the gain is "
    "zero). Then the number, the order and the format of the demonstrations are varied, and first-order and gate "
    "scores are held against removal, and against what each demonstration alone does to the answer. The oracle sees "
    "the answer and cannot be served."
)
SOURCES = (
    "claims effect-of-demonstrations, rate-gradient, contribution-gates",
    "Brown et al. 2020, arXiv 2005.14165, section 2.4 (candidates by length-normalised likelihood)",
    "Zhao et al. 2021, arXiv 2102.09690 (calibration against a prompt without content)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """What each selector changes; a matplotlib figure."""
    from lrgd_jax.experiments.llm_demonstrations.drawing import selectors_figure

    return selectors_figure(summary(config, rows), [set_name(folder) for folder in config.data])
