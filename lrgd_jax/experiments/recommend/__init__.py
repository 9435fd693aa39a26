"""The in-context recommender beside the classical ones, on every data set: full ranking, paired intervals."""

from typing import TYPE_CHECKING

from lrgd_jax.experiments.recommend.measures import QUICK, REFERENCE, Config, run_unit, summary, units
from lrgd_jax.experiments.recommend.table import tables
from lrgd_jax.experiments.running.interface import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DESCRIPTION", "QUICK", "SOURCES", "TITLE", "Config", "figure", "run_unit", "summary", "tables", "units"]

TITLE = "Attention over past users as a recommender"
DESCRIPTION = (
    "Test HR@10 and NDCG@10 of attention over all past transitions, in its linear, normalised, softmax, delta, ridge "
    "and several-step forms, none of them trained, and of popularity, Markov chains and item-kNN. The whole catalogue "
    "is ranked; no demonstration is later than what is asked for, where times are known. Differences are paired by "
    "user."
)
SOURCES = (
    "claims item-knn-is-one-step, user-knn-is-softmax-attention, ease-is-ridge-attention",
    "Sarwar et al. 2001, WWW (item-kNN); Rendle et al. 2010, WWW (Markov chains)",
    "Krichene and Rendle 2020, KDD (rank the whole catalogue)",
)


def figure(config: Config, rows: Rows) -> "Figure":
    """NDCG of every recommender on every data set, with intervals; a matplotlib figure."""
    from lrgd_jax.experiments.recommend.drawing import recommend_figure

    return recommend_figure(rows, recommenders=config.recommenders, reference=REFERENCE)
