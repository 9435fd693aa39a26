"""Robustness: what perturbing or regularising the dual does to attention, predicted beside measured."""

from lrgd_jax.robust.adversarial import AdversarialPerturbation, adversarial_perturbation
from lrgd_jax.robust.bounds import key_bound, query_bound, ratio_bound, target_bound
from lrgd_jax.robust.modified_attention import (
    Kernels,
    ModifiedAttention,
    Regulariser,
    kernels_of,
    regularise,
    regularised_influences,
)
from lrgd_jax.robust.moments import (
    Moments,
    dropout_moments,
    linear_noise_moments,
    swap_moments,
    target_noise_moments,
)
from lrgd_jax.robust.perturbations import (
    drop_perturbation,
    key_perturbation,
    query_perturbation,
    swap_perturbation,
    target_perturbation,
    token_perturbation,
    worst_targets,
)
from lrgd_jax.robust.prediction import Perturbation, Prediction
from lrgd_jax.robust.problem import Problem, problem_of
from lrgd_jax.robust.random_perturbations import dropout_mask, gaussian_noise, random_pair
from lrgd_jax.robust.regularisers import anchor, clip, contrast, drop, fraction, none, ridge, weight_decay

__all__ = [
    "AdversarialPerturbation",
    "Kernels",
    "ModifiedAttention",
    "Moments",
    "Perturbation",
    "Prediction",
    "Problem",
    "Regulariser",
    "adversarial_perturbation",
    "anchor",
    "clip",
    "contrast",
    "drop",
    "drop_perturbation",
    "dropout_mask",
    "dropout_moments",
    "fraction",
    "gaussian_noise",
    "kernels_of",
    "key_bound",
    "key_perturbation",
    "linear_noise_moments",
    "none",
    "problem_of",
    "query_bound",
    "query_perturbation",
    "random_pair",
    "ratio_bound",
    "regularise",
    "regularised_influences",
    "ridge",
    "swap_moments",
    "swap_perturbation",
    "target_bound",
    "target_noise_moments",
    "target_perturbation",
    "token_perturbation",
    "weight_decay",
    "worst_targets",
]
