"""Claims: statements with proofs, checked against derived tolerances and tried against mutants."""

from lrgd_jax.claims.alteration import alter, alter_results
from lrgd_jax.claims.arguments import Dimensions, Integers
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.certify_claims import certify_all, certify_claim
from lrgd_jax.claims.check_claims import check_all, check_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance, Comparison, compare
from lrgd_jax.claims.dtypes import DTYPES, check_dtype
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.pytest_decorator import given_claim
from lrgd_jax.claims.pytest_layers import LayerVerdict
from lrgd_jax.claims.registry import find_claim, load_claims
from lrgd_jax.claims.side import Side
from lrgd_jax.claims.tolerances import Adjoint, Running, Statistical, Tolerance
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Unevaluated, Verdict

__all__ = [
    "DTYPES",
    "Adjoint",
    "Certification",
    "Claim",
    "ComparedInstance",
    "Comparison",
    "Dimensions",
    "Failure",
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
    "alter",
    "alter_results",
    "certify_all",
    "certify_claim",
    "check_all",
    "check_claim",
    "check_dtype",
    "compare",
    "find_claim",
    "given_claim",
    "load_claims",
]
