from . import (
    attention,
    certify,
    claims,
    decoder,
    dual,
    effect,
    experiments,
    features,
    incontext,
    kernels,
    positions,
    recommend,
    robust,
)
from .attention import (
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
from .certify import equal, running_error
from .claims import Claim, Mutant, given_claim
from .decoder.loading import load_decoder
from .dual import DualModel, FunctionalDual, KernelExpansion, alignment, dual_of
from .recommend.serving.recommender import Recommender
from .report.explanation import explain

__version__: str

__all__ = [
    "Claim",
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
    "Mutant",
    "Recommender",
    "Retention",
    "RidgeAttention",
    "Rotary",
    "SoftmaxAttention",
    "TTTLinear",
    "__version__",
    "alignment",
    "attention",
    "certify",
    "claims",
    "decoder",
    "dual",
    "dual_of",
    "effect",
    "equal",
    "experiments",
    "explain",
    "features",
    "given_claim",
    "incontext",
    "kernels",
    "load_decoder",
    "positions",
    "recommend",
    "robust",
    "running_error",
]
