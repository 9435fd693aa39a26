r"""What more demonstrations buy: the test error of the one-step and the ridge dual, under proven bounds.

A task is $w \sim N(0, \tau^2 I_d)$; demonstrations are $x_i \sim N(0, I_d)$, $y_i = w^\top x_i + \sigma\varepsilon_i$.
The excess test error of $\hat w$ is $\mathbb E_x (\hat w^\top x - w^\top x)^2 = \|\hat w - w\|^2$. Put $\lambda =
\sigma^2/\tau^2$, $B = \tau^2 d$ and $A = (d + 1 + \lambda)/N$.
"""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.contexts.config import DUALS, QUICK, Config
from lrgd_jax.experiments.contexts.measures import run_unit, units
from lrgd_jax.experiments.contexts.summaries import summary
from lrgd_jax.experiments.contexts.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Contexts: test error against the number of demonstrations"
DESCRIPTION = """\
Excess test error of the one-step dual (least squares, best constant rate) and of the ridge dual (its minimiser) on
random linear regression tasks, against the number N of demonstrations. Drawn over it: bounds of the mean over tasks
(for one step it is an equality), and a bound that each task's error stays under with probability 1 - delta, computed
from its demonstrations alone. Both need the prior and the noise level to be known."""
SOURCES = (
    "the setting: Garg et al. 2022, arXiv 2208.01066, section 3; von Oswald et al. 2023, arXiv 2212.07677",
    "the best one-step rate: Zhang, Frei & Bartlett 2023, arXiv 2306.09927, theorem 4.1",
    "likewise: Ahn et al. 2023, arXiv 2306.00297, theorem 1",
    "tails of quadratic forms: Laurent & Massart 2000, Annals of Statistics 28(5), lemma 1",
    "mean of an inverse Wishart matrix: Muirhead 1982, Aspects of Multivariate Statistical Theory, section 3.2",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """One panel a dual: measured errors under their bounds."""
    from lrgd_jax.experiments.contexts.drawing import contexts_figure

    return contexts_figure(rows, duals=DUALS, delta=config.failure_probability)
