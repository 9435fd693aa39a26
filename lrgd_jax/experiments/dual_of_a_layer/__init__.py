"""The dual models of a real decoder's heads, in numbers: their steps, and what an explicit finite dual would cost."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.dual_of_a_layer.config import QUICK, Config
from lrgd_jax.experiments.dual_of_a_layer.measures import run_unit, units
from lrgd_jax.experiments.dual_of_a_layer.summaries import summary
from lrgd_jax.experiments.dual_of_a_layer.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "The dual of a real layer"
DESCRIPTION = """\
For every layer and head of a pretrained decoder that reads demonstrations: the size of the dual's step against its
initial function (in the Hilbert space, and in the head's output), the step's effective rank, its alignment with the
gradient of the test loss, and how many random or Taylor features a dual with explicit weights needs for a stated error
of the output. And how many of the decoder's greedy tokens the chain of duals gives, exactly and with r features."""
SOURCES = (
    "Choromanski et al. 2021, arXiv 2009.14794, lemma 1 (positive random features)",
    "Keles et al. 2022, arXiv 2209.04881 (Taylor features)",
    "Roy & Vetterli 2007, EUSIPCO, definition 1 (effective rank)",
    "Pruthi et al. 2020, arXiv 2002.08484, eq. 1 (alignment with the test gradient)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Sizes, ranks and alignments by layer; errors by number of features; the chains' tokens."""
    from lrgd_jax.experiments.dual_of_a_layer.drawing import layer_figure

    return layer_figure(rows, tolerances=config.tolerances)
