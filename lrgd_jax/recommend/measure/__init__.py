"""How good a recommender is: rankings, metrics, intervals, baselines, windows of time."""

from lrgd_jax.recommend.measure.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
