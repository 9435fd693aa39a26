"""Dual models: what attention does with the demonstrations, as one step of gradient descent."""

from lrgd_jax.dual.base import Coordinates, Dual, OneStepDual, TrainingSet
from lrgd_jax.dual.correspondence import dual_of, known_attentions, register_dual
from lrgd_jax.dual.descent import decayed_sgd, preconditioned, recursive_least_squares
from lrgd_jax.dual.fast_weights import OnlineDual
from lrgd_jax.dual.finite import DualModel
from lrgd_jax.dual.full_batch import FullBatchDescent, inverse_moment
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.least_squares import DescentDual, RidgeDual
from lrgd_jax.dual.multi_head import MultiHeadDual
from lrgd_jax.dual.objectives import Objective, alignment, ridge_penalty, squared_error
from lrgd_jax.dual.one_step import LinearDual, SoftmaxDual
from lrgd_jax.dual.online import OnlineDescent
from lrgd_jax.dual.projective import projective_readout, projective_targets
from lrgd_jax.dual.single_head import HeadDual, OrderedHeadDual
from lrgd_jax.dual.token_roles import Segments, TokenRoles, segments_of, token_roles

__all__ = [
    "Coordinates",
    "DescentDual",
    "Dual",
    "DualModel",
    "FullBatchDescent",
    "FunctionalDual",
    "HeadDual",
    "KernelExpansion",
    "LinearDual",
    "MultiHeadDual",
    "Objective",
    "OneStepDual",
    "OnlineDescent",
    "OnlineDual",
    "OrderedHeadDual",
    "RidgeDual",
    "Segments",
    "SoftmaxDual",
    "TokenRoles",
    "TrainingSet",
    "alignment",
    "decayed_sgd",
    "dual_of",
    "inverse_moment",
    "known_attentions",
    "preconditioned",
    "projective_readout",
    "projective_targets",
    "recursive_least_squares",
    "register_dual",
    "ridge_penalty",
    "segments_of",
    "squared_error",
    "token_roles",
]
