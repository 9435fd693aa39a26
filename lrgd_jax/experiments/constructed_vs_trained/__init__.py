"""A trained stack of linear self-attention beside the constructed one that is gradient descent, and beside GD++."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.constructed_vs_trained.config import QUICK, REFERENCES, Config
from lrgd_jax.experiments.constructed_vs_trained.measures import run_unit, units
from lrgd_jax.experiments.constructed_vs_trained.summaries import summary
from lrgd_jax.experiments.constructed_vs_trained.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Does a trained layer of linear attention become gradient descent?"
DESCRIPTION = """\
Linear self-attention is trained on in-context linear regression and compared, while it learns, with the constructed
weights that are one gradient step a layer, at the best learning rates, and with GD++, whose layers also shrink their
inputs: the loss on new tasks, predictions, sensitivities to the query, losses of the weights between the two, and
losses on inputs and tasks of other scales. For one layer the optimum has a closed form."""
SOURCES = (
    "von Oswald et al. 2023, arXiv 2212.07677, section 3, figures 2 and 3",
    "Ahn et al. 2023, arXiv 2306.00297, theorem 1 (the optimum of one layer is one preconditioned step)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """A row of panels a depth: losses, alignment, scales, weights between."""
    from lrgd_jax.experiments.constructed_vs_trained.drawing import constructed_vs_trained_figure

    return constructed_vs_trained_figure(rows, layers=config.layers, references=REFERENCES)
