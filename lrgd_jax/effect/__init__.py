"""What a demonstration is worth: its contribution, the effect of all, and whose doing the effect is."""

from lrgd_jax.effect.alignment import contribution_norms, gradient_alignment
from lrgd_jax.effect.attribution import NODES, aumann_shapley, leave_one_out, rate_gradient
from lrgd_jax.effect.contribution import (
    contributions,
    linear_contributions,
    normalised_contributions,
    softmax_contributions,
)
from lrgd_jax.effect.demonstration import Effect, effect_of_demonstrations
from lrgd_jax.effect.evaluation import GRADIENT, ends, gradients_at, losses_at
from lrgd_jax.effect.losses import Control, DualLoss, FunctionLoss, GatedLoss, PromptLoss, half_squared_error
from lrgd_jax.effect.scores import Interval, Scores
from lrgd_jax.effect.shapley import LARGEST, exact_shapley, permutation_shapley, shapley_of
from lrgd_jax.effect.squared_loss import shapley_squared_loss

__all__ = [
    "GRADIENT",
    "LARGEST",
    "NODES",
    "Control",
    "DualLoss",
    "Effect",
    "FunctionLoss",
    "GatedLoss",
    "Interval",
    "PromptLoss",
    "Scores",
    "aumann_shapley",
    "contribution_norms",
    "contributions",
    "effect_of_demonstrations",
    "ends",
    "exact_shapley",
    "gradient_alignment",
    "gradients_at",
    "half_squared_error",
    "leave_one_out",
    "linear_contributions",
    "losses_at",
    "normalised_contributions",
    "permutation_shapley",
    "rate_gradient",
    "shapley_of",
    "shapley_squared_loss",
    "softmax_contributions",
]
