from .alteration import alter, alter_results
from .arguments import Dimensions, Integers
from .certification import Certification
from .certify_claims import certify_all, certify_claim
from .check_claims import check_all, check_claim
from .claim import Claim
from .comparison import ComparedInstance, Comparison, compare
from .dtypes import DTYPES, check_dtype
from .dual_claim import dual_claim
from .lookup import find_claim
from .mutant import Misquotation, Mutant
from .pytest_decorator import given_claim
from .pytest_layers import LayerVerdict
from .registry import load_claims
from .side import Side
from .tolerances import Adjoint, Running, Statistical, Tolerance
from .verdicts import Failure, MutantVerdict, Unevaluated, Verdict

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
    "Misquotation",
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
    "dual_claim",
    "find_claim",
    "given_claim",
    "load_claims",
]
