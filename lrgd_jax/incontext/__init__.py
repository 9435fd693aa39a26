"""Transformers that are gradient descent by construction, and trained ones that come close."""

from lrgd_jax.incontext.constructions import (
    descent_stack,
    gd_plus_plus_stack,
    gd_plus_plus_step,
    gradient_step,
    preconditioned_step,
)
from lrgd_jax.incontext.interpolation import canonical, interpolate
from lrgd_jax.incontext.learner_similarity import LearnerSimilarity, Predictor, compare_learners, out_of_distribution
from lrgd_jax.incontext.linear_transformer import LinearTransformer, Projections, apply, init, layer, predict, prompt
from lrgd_jax.incontext.optimum import (
    Schedule,
    bayes_loss,
    expected_loss,
    one_step,
    optimal_schedule,
    residual_polynomial,
    ridge_prediction,
    spectra,
    zero_shot_loss,
)
from lrgd_jax.incontext.tasks import Batch, RegressionTasks
from lrgd_jax.incontext.training import Training, TrainingConfig, half_squared_error, train

__all__ = [
    "Batch",
    "LearnerSimilarity",
    "LinearTransformer",
    "Predictor",
    "Projections",
    "RegressionTasks",
    "Schedule",
    "Training",
    "TrainingConfig",
    "apply",
    "bayes_loss",
    "canonical",
    "compare_learners",
    "descent_stack",
    "expected_loss",
    "gd_plus_plus_stack",
    "gd_plus_plus_step",
    "gradient_step",
    "half_squared_error",
    "init",
    "interpolate",
    "layer",
    "one_step",
    "optimal_schedule",
    "out_of_distribution",
    "preconditioned_step",
    "predict",
    "prompt",
    "residual_polynomial",
    "ridge_prediction",
    "spectra",
    "train",
    "zero_shot_loss",
]
