from .data.dataset import Catalogue, Dataset, Queries, Split
from .data.sequences import Sequences
from .effect.data_values import DataValues, data_values
from .effect.score_explanation import ScoreExplanation, explanation
from .forms.meta_parameters import ORDERED, TIMED, Meta
from .forms.one_step import OneStep
from .forms.registry import FORMS, build, build_from_histories
from .forms.transitions import Transitions, transitions
from .learning.meta_learning import learn_meta
from .serving.recommended import Recommended
from .serving.recommender import Recommender
from .serving.storage import load_recommender, save_recommender

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
    "build_from_histories",
    "data_values",
    "explanation",
    "learn_meta",
    "load_recommender",
    "save_recommender",
    "transitions",
]
