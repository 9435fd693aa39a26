"""An in-context recommender: attention over past users' transitions is one step of its dual model."""

from lrgd_jax.recommend.data.dataset import Catalogue, Dataset, Queries, Sequences, Split
from lrgd_jax.recommend.effect.data_values import DataValues, data_values
from lrgd_jax.recommend.effect.score_explanation import ScoreExplanation, explanation
from lrgd_jax.recommend.forms.meta_parameters import ORDERED, TIMED, Meta
from lrgd_jax.recommend.forms.one_step import OneStep
from lrgd_jax.recommend.forms.registry import FORMS, build
from lrgd_jax.recommend.forms.transitions import Transitions, transitions
from lrgd_jax.recommend.learning.meta_learning import learn_meta
from lrgd_jax.recommend.serving.recommender import Recommended, Recommender
from lrgd_jax.recommend.serving.storage import load_recommender, save_recommender

__all__ = [
    "FORMS",
    "ORDERED",
    "TIMED",
    "Catalogue",
    "DataValues",
    "Dataset",
    "Meta",
    "OneStep",
    "Queries",
    "Recommended",
    "Recommender",
    "ScoreExplanation",
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
