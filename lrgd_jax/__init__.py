"""In-context learning as gradient descent, executable.

Attention forms beside their explicit dual models, and claims that say where they meet. Importing this package changes
no JAX configuration and imports no plotting library.
"""

from lrgd_jax import features, kernels, positions
from lrgd_jax.attention import (
    DeltaRule,
    DescentAttention,
    GatedLinearAttention,
    HeadWeights,
    LinearAttention,
    MomentumAttention,
    MultiHeadAttention,
    Retention,
    RidgeAttention,
    Rotary,
    SoftmaxAttention,
    TTTLinear,
)
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, alignment, dual_of

__version__ = "0.1.0"

__all__ = [
    "DeltaRule",
    "DescentAttention",
    "DualModel",
    "FunctionalDual",
    "GatedLinearAttention",
    "HeadWeights",
    "KernelExpansion",
    "LinearAttention",
    "MomentumAttention",
    "MultiHeadAttention",
    "Retention",
    "RidgeAttention",
    "Rotary",
    "SoftmaxAttention",
    "TTTLinear",
    "__version__",
    "alignment",
    "dual_of",
    "features",
    "kernels",
    "positions",
]
