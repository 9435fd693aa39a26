r"""How fast the dual on positive random features (FAVOR+) approaches the dual of softmax attention.

For every error that is measured there is a variance in closed form. Write $a_i = k_i + q$, $\kappa_i = e^{k_i^\top q}$
and $Z_i(w) = e^{w^\top a_i - (\|k_i\|^2 + \|q\|^2)/2}$, so that one row $w \sim N(0, I)$ estimates $\kappa_i$ by
$Z_i$. From $\mathbb E e^{w^\top z} = e^{\|z\|^2/2}$, $\operatorname{Cov}(Z_i, Z_l) = \kappa_i\kappa_l(e^{a_i^\top a_l}
- 1)$.
"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.random_features.config import KINDS, QUANTITIES, QUICK, Config
from lrgd_jax.experiments.random_features.measures import run_unit, units
from lrgd_jax.experiments.random_features.summaries import summary
from lrgd_jax.experiments.random_features.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Random features: how many does the softmax dual need?"
DESCRIPTION = """\
Mean squared error of the FAVOR+ kernel, of the unnormalised dual's output and of the normalised one (softmax), against
the number of features, with plain and with orthogonal rows. Drawn over it: the exact variance of the kernel (both kinds
of rows) and of the output (plain rows), and the first-order variance of the normalised output (plain rows); all fall
like 1/r."""
SOURCES = (
    "Choromanski et al. 2021, arXiv 2009.14794, lemmas 1 and 2, theorem 2",
    "covariances across keys and the exact orthogonal variance: derived in this module",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """One panel a quantity: measured points, predicted lines."""
    from lrgd_jax.experiments.random_features.drawing import random_features_figure

    return random_features_figure(rows, quantities=QUANTITIES, kinds=KINDS, width=config.width)
