"""In-context prediction beside fine-tuning of the model's own weights on the same demonstrations.

That attention is one gradient step of a dual model is algebra. It does not say that a decoder which reads
demonstrations predicts what the same decoder predicts after its own weights were trained on them; here both are
measured, side by side.
"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.icl_against_fine_tuning.config import QUICK, Config
from lrgd_jax.experiments.icl_against_fine_tuning.measures import run_unit, units
from lrgd_jax.experiments.icl_against_fine_tuning.summaries import summary
from lrgd_jax.experiments.icl_against_fine_tuning.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "In-context learning against fine-tuning"
DESCRIPTION = """\
What a decoder predicts after it read demonstrations (ICL), and what it predicts without them once its own weights were
fine-tuned on them: by SGD and Adam, on all at once or one by one in order, for several numbers of passes, at learning
rates chosen on other prompts. Distance of the predictions at the query's tokens, overlap of the likeliest tokens, and
how much the target's likelihood depends on the order of the demonstrations; beside the model without demonstrations."""
SOURCES = (
    "Shen, Mishra & Khashabi 2024, arXiv 2310.08540, sections 4 and 5",
    "Dai et al. 2023, arXiv 2212.10559, section 4",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """Distances, overlaps and order sensitivities of all methods."""
    from lrgd_jax.experiments.icl_against_fine_tuning.drawing import fine_tuning_figure

    return fine_tuning_figure(summary(config, rows)["methods"])
