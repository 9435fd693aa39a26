"""Stage two: rates that are adapted to what users took next, how far that goes, and what stops it from collapsing."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.two_stage.config import PATHS, QUICK, Config
from lrgd_jax.experiments.two_stage.measures import run_unit, units
from lrgd_jax.experiments.two_stage.summaries import summary
from lrgd_jax.experiments.two_stage.table import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Two stages: rates that learn, and collapse unless they are stopped"
DESCRIPTION = (
    "Every training transition has its own rate, adapted by exponentiated gradient to what users took next: the "
    "validation items, and the same asked some steps back in everybody's history. How many such origins, by which "
    "temperature, how many updates and how much of the context the collapse guard keeps are chosen by going through "
    "all of it one step back in time, where the validation items play the test items. Then the test items are ranked, "
    "with and without the guard, at the chosen update and eight updates further. Beside it: the same new transitions "
    "simply added to the context."
)
SOURCES = (
    "claims demonstration-rates, rate-gradient, effect-is-data-value",
    "Kivinen and Warmuth 1997, Information and Computation 132(1) (exponentiated gradient)",
    "Tashman 2000, International Journal of Forecasting 16(4) (rolling origins)",
    "Roy and Vetterli 2007, EUSIPCO (effective rank)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Gain and collapse against the updates; a matplotlib figure."""
    from lrgd_jax.experiments.two_stage.drawing import two_stage_figure

    return two_stage_figure(rows, summary(config, rows), paths=PATHS)
