"""Depth as steps: what K constructed layers reach, how far a rate may go, and what K trained layers make of it."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.running.interface import Rows
from lrgd_jax.experiments.steps_and_depth.config import LEARNERS, QUICK, Config
from lrgd_jax.experiments.steps_and_depth.measures import run_unit, units
from lrgd_jax.experiments.steps_and_depth.summaries import summary
from lrgd_jax.experiments.steps_and_depth.table import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Depth is steps: how much does another layer buy?"
DESCRIPTION = """\
The best expected loss of K steps of gradient descent with one rate, with a rate a step, and of GD++, by the spectrum of
random prompts; the loss when the best rate of one step is multiplied, up to divergence; the difference between K
constructed layers and K steps taken by automatic differentiation, in units of the rounding bound of both programs; and
stacks that were trained. Rates are found on one set of prompts and the losses are those on another."""
SOURCES = (
    "von Oswald et al. 2023, arXiv 2212.07677, section 3 and appendix (GD++)",
    "Ahn et al. 2023, arXiv 2306.00297, section 4 (several layers)",
    "expected losses by the residual polynomial: lrgd_jax.incontext.optimum",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Two panels: the best losses by depth with the trained stacks, and losses at multiples of the best rate."""
    from lrgd_jax.experiments.steps_and_depth.drawing import steps_and_depth_figure

    return steps_and_depth_figure(rows, learners=LEARNERS, factors=config.factors)
