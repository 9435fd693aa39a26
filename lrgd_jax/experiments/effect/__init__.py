"""Does the first-order effect say what happens when a demonstration, a user or a share of the context is taken out?"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.effect.config import QUICK, WHICH, Config
from lrgd_jax.experiments.effect.measures import run_unit, units
from lrgd_jax.experiments.effect.summaries import summary
from lrgd_jax.experiments.effect.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Effect_D on real data: does it predict what happens?"
DESCRIPTION = (
    "The first-order effect of demonstrations and of users on the validation loss, beside the true change of that "
    "loss, and of the test loss, when they are taken out; by size of the effect. And the test metrics without the "
    "share of the context with the worst, the best or random effects."
)
SOURCES = (
    "claims effect-is-data-value, gradient-alignment, unlearning",
    "Koh and Liang 2017, arXiv 1703.04730 (predicted against actual change of the loss)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Predicted against true changes, and what is left without a share; a matplotlib figure."""
    from lrgd_jax.experiments.effect.drawing import effect_figure

    return effect_figure(rows, which=WHICH)
