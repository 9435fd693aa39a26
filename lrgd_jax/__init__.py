"""In-context learning as gradient descent, executable.

Attention forms beside their explicit dual models, and claims that say where they meet. Importing this package changes
no JAX configuration and imports no plotting library.
"""

from lrgd_jax import features, kernels, positions
from lrgd_jax.attention import HeadWeights, LinearAttention, MultiHeadAttention, Rotary, SoftmaxAttention
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, alignment, dual_of

__version__ = "0.1.0"

__all__ = [
    "DualModel",
    "FunctionalDual",
    "HeadWeights",
    "KernelExpansion",
    "LinearAttention",
    "MultiHeadAttention",
    "Rotary",
    "SoftmaxAttention",
    "__version__",
    "alignment",
    "dual_of",
    "features",
    "kernels",
    "positions",
]
