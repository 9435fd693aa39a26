"""Robustness: what perturbing or regularising the dual does to attention, predicted beside measured."""

from lrgd_jax.robust.adversarial import Attack, adversarial
from lrgd_jax.robust.bounds import key_bound, query_bound, ratio_bound, target_bound
from lrgd_jax.robust.change import Change, Perturbation
from lrgd_jax.robust.moments import (
    Moments,
    dropout_moments,
    linear_noise_moments,
    swap_moments,
    target_noise_moments,
)
from lrgd_jax.robust.noise import gaussian, keep, pair
from lrgd_jax.robust.perturb import (
    drop_perturbation,
    key_perturbation,
    query_perturbation,
    swap_perturbation,
    target_perturbation,
    token_perturbation,
    worst_targets,
)
from lrgd_jax.robust.problem import Problem, problem_of
from lrgd_jax.robust.regularise import anchor, clip, contrast, drop, fraction, none, ridge, weight_decay
from lrgd_jax.robust.regulariser import (
    Kernels,
    ModifiedAttention,
    Regulariser,
    kernels_of,
    regularised,
    regularised_influences,
)

__all__ = [
    "Attack",
    "Change",
    "Kernels",
    "ModifiedAttention",
    "Moments",
    "Perturbation",
    "Problem",
    "Regulariser",
    "adversarial",
    "anchor",
    "clip",
    "contrast",
    "drop",
    "drop_perturbation",
    "dropout_moments",
    "fraction",
    "gaussian",
    "keep",
    "kernels_of",
    "key_bound",
    "key_perturbation",
    "linear_noise_moments",
    "none",
    "pair",
    "problem_of",
    "query_bound",
    "query_perturbation",
    "ratio_bound",
    "regularised",
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
