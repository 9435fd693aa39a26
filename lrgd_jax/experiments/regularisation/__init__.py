"""Bias and variance of the dual's output against decay, ridge, dropout and the size and number of steps.

The targets are a linear map of the keys plus noise. Over fresh noise (and fresh masks) the regularised dual, trained
anew each time, has a bias and a variance that the modified attention gives in closed form.
"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.regularisation.config import QUICK, Config
from lrgd_jax.experiments.regularisation.measures import run_unit, units
from lrgd_jax.experiments.regularisation.summaries import summary
from lrgd_jax.experiments.regularisation.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Regularised demonstrations: bias and variance"
DESCRIPTION = (
    "The test error of the regularised dual split into bias and variance, measured over fresh target noise and masks, "
    "with the closed forms of the modified attention drawn over the measurement."
)
SOURCES = (
    "claims weight-decay-is-retention, anchored-regularisation, demonstration-dropout",
    "Bishop 1995, Neural Computation 7(1)",
    "Srivastava et al. 2014, JMLR 15",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Squared bias and variance of every knob, theory drawn over measurement; a matplotlib figure."""
    from lrgd_jax.experiments.regularisation.drawing import bias_variance_figure

    return bias_variance_figure(rows, knobs=config.knobs)
