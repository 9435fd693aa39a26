"""Dual models: what attention does with the demonstrations, as one step of gradient descent."""

from lrgd_jax.dual.correspondence import FORMS, dual_of
from lrgd_jax.dual.functional import FunctionalDual, KernelExpansion
from lrgd_jax.dual.head import HeadDual, LinearDual, SoftmaxDual
from lrgd_jax.dual.heads import MultiHeadDual
from lrgd_jax.dual.model import DualModel, projective_readout, projective_targets
from lrgd_jax.dual.objectives import Objective, alignment
from lrgd_jax.dual.roles import Roles, Segments, roles, segments_of

__all__ = [
    "FORMS",
    "DualModel",
    "FunctionalDual",
    "HeadDual",
    "KernelExpansion",
    "LinearDual",
    "MultiHeadDual",
    "Objective",
    "Roles",
    "Segments",
    "SoftmaxDual",
    "alignment",
    "dual_of",
    "projective_readout",
    "projective_targets",
    "roles",
    "segments_of",
]
