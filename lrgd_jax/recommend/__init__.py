"""An in-context recommender: attention over past users' transitions is one step of its dual model."""

from lrgd_jax.recommend.data.dataset import Catalogue, Dataset, Queries, Sequences, Split
from lrgd_jax.recommend.data_values import DataValues, data_values
from lrgd_jax.recommend.explanation import Explanation, explanation
from lrgd_jax.recommend.forms.family import FORMS, build
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.transitions import Transitions, transitions
from lrgd_jax.recommend.learning import learn_meta
from lrgd_jax.recommend.meta import ORDERED, TIMED, Meta
from lrgd_jax.recommend.recommender import Recommended, Recommender
from lrgd_jax.recommend.saving import load_recommender, save_recommender

__all__ = [
    "FORMS",
    "ORDERED",
    "TIMED",
    "Catalogue",
    "DataValues",
    "Dataset",
    "Explanation",
    "Meta",
    "OneStep",
    "Queries",
    "Recommended",
    "Recommender",
    "Sequences",
    "Split",
    "Transitions",
    "build",
    "data_values",
    "explanation",
    "learn_meta",
    "load_recommender",
    "save_recommender",
    "transitions",
]
