"""Claims: statements with proofs, checked against derived tolerances and tried against mutants."""

from lrgd_jax.claims.certified import Certification, certify_all, certify_claim
from lrgd_jax.claims.check import DTYPES, check_all, check_claim, check_dtype
from lrgd_jax.claims.claim import Adjoint, Claim, Dimensions, Integers, Mutant, Running, Side, Statistical, Tolerance
from lrgd_jax.claims.comparison import Comparison, compare
from lrgd_jax.claims.given import given_claim
from lrgd_jax.claims.layers import GivenInstance, LayerVerdict
from lrgd_jax.claims.registry import find, load_claims
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Unevaluated, Verdict

__all__ = [
    "DTYPES",
    "Adjoint",
    "Certification",
    "Claim",
    "Comparison",
    "Dimensions",
    "Failure",
    "GivenInstance",
    "Integers",
    "LayerVerdict",
    "Mutant",
    "MutantVerdict",
    "Running",
    "Side",
    "Statistical",
    "Tolerance",
    "Unevaluated",
    "Verdict",
    "certify_all",
    "certify_claim",
    "check_all",
    "check_claim",
    "check_dtype",
    "compare",
    "find",
    "given_claim",
    "load_claims",
]
