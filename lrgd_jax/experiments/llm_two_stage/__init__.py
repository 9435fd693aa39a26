"""Stage two in a language model's prompt: rates refined on what a user took lately, and what a guard keeps of them."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.llm_two_stage.config import QUICK, Config
from lrgd_jax.experiments.llm_two_stage.measures import run_unit, units
from lrgd_jax.experiments.llm_two_stage.summaries import summary
from lrgd_jax.experiments.llm_two_stage.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "A language model recommends: rates of its demonstrations that learn"
DESCRIPTION = (
    "Each demonstration of a prompt has its own learning rate, refined by Adam on the titles that the user took "
    "lately, with a pull to 1, with and without a guard of entropy, largest rate and effective rank; then the title "
    "that the user took next is asked for. Beside it: demonstrations with another target, with swapped items, with a "
    "shuffled history, and with one advertised item, at rates 1, 1/2 and 1/4."
)
SOURCES = (
    "claims demonstration-rates, rate-gradient",
    "Kingma and Ba 2015, arXiv 1412.6980 (Adam)",
    "Roy and Vetterli 2007, EUSIPCO (effective rank)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Gain and collapse against the updates; a matplotlib figure."""
    from lrgd_jax.experiments.llm_two_stage.drawing import two_stage_figure

    return two_stage_figure(summary(config, rows))
