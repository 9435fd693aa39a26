"""What a demonstration is worth: its contribution, the effect of all, and whose doing the effect is."""

from lrgd_jax.effect.attribution import NODES, SHARE, aumann_shapley, leave_one_out, rate_gradient
from lrgd_jax.effect.baselines import (
    attention_sums,
    contribution_sums,
    gradient_times_input,
    input_gradient_norms,
    prompt_alignment,
)
from lrgd_jax.effect.contrast import ContrastLoss, contrast_loss
from lrgd_jax.effect.convergence import (
    DescentSpectrum,
    contraction_factor,
    convergence_gains,
    descent_spectrum,
    excess_loss,
    one_step_gains,
)
from lrgd_jax.effect.cost import GRADIENT, gradient_cost, multiplications
from lrgd_jax.effect.demonstrations import Demonstration, read_demonstrations
from lrgd_jax.effect.effect import Effect, effect_of_demonstrations
from lrgd_jax.effect.evaluation import gradients_at, losses_at, zero_and_few_shot_losses
from lrgd_jax.effect.explain import explain_prompt
from lrgd_jax.effect.head_contributions import (
    contribution_norms,
    contributions,
    linear_contributions,
    normalised_contributions,
    softmax_contributions,
)
from lrgd_jax.effect.interactions import (
    Interactions,
    exact_interactions,
    interactions_squared_loss,
    shapley_interactions_of,
)
from lrgd_jax.effect.losses import DualLoss, FunctionLoss, GatedLoss, half_squared_error
from lrgd_jax.effect.methods import DEFAULT, METHODS, Method, score_demonstrations
from lrgd_jax.effect.prompt import Prompt, few_shot
from lrgd_jax.effect.prompt_attribution import Contrast, PromptAttribution, TokenProbability
from lrgd_jax.effect.prompt_convergence import prompt_convergence_gains, prompt_one_step_gains
from lrgd_jax.effect.prompt_loss import Control, PromptLoss
from lrgd_jax.effect.ridge import ridge_influence
from lrgd_jax.effect.scores import ScoreIntervals, Scores
from lrgd_jax.effect.shapley import LARGEST, exact_shapley, permutation_shapley, shapley_of, shapley_squared_loss
from lrgd_jax.effect.subsets import SubsetLosses, subset_losses
from lrgd_jax.effect.template import Template
from lrgd_jax.effect.tracin import gradient_alignment

__all__ = [
    "DEFAULT",
    "GRADIENT",
    "LARGEST",
    "METHODS",
    "NODES",
    "SHARE",
    "Contrast",
    "ContrastLoss",
    "Control",
    "Demonstration",
    "DescentSpectrum",
    "DualLoss",
    "Effect",
    "FunctionLoss",
    "GatedLoss",
    "Interactions",
    "Method",
    "Prompt",
    "PromptAttribution",
    "PromptLoss",
    "ScoreIntervals",
    "Scores",
    "SubsetLosses",
    "Template",
    "TokenProbability",
    "attention_sums",
    "aumann_shapley",
    "contraction_factor",
    "contrast_loss",
    "contribution_norms",
    "contribution_sums",
    "contributions",
    "convergence_gains",
    "descent_spectrum",
    "effect_of_demonstrations",
    "exact_interactions",
    "exact_shapley",
    "excess_loss",
    "explain_prompt",
    "few_shot",
    "gradient_alignment",
    "gradient_cost",
    "gradient_times_input",
    "gradients_at",
    "half_squared_error",
    "input_gradient_norms",
    "interactions_squared_loss",
    "leave_one_out",
    "linear_contributions",
    "losses_at",
    "multiplications",
    "normalised_contributions",
    "one_step_gains",
    "permutation_shapley",
    "prompt_alignment",
    "prompt_convergence_gains",
    "prompt_one_step_gains",
    "rate_gradient",
    "read_demonstrations",
    "ridge_influence",
    "score_demonstrations",
    "shapley_interactions_of",
    "shapley_of",
    "shapley_squared_loss",
    "softmax_contributions",
    "subset_losses",
    "zero_and_few_shot_losses",
]
