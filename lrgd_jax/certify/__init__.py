"""Derived tolerances read off the traced program, and certificates in exact arithmetic."""

from lrgd_jax.certify.adjoint import AdjointBound, adjoint_bound
from lrgd_jax.certify.balls import Balls
from lrgd_jax.certify.certificates import Certificate, Counterexample
from lrgd_jax.certify.coverage import Coverage, coverage
from lrgd_jax.certify.discrete import Open, UndecidableError
from lrgd_jax.certify.equal import NotCertifiableError, equal
from lrgd_jax.certify.exact import agree_exactly
from lrgd_jax.certify.fields import PrimeField
from lrgd_jax.certify.free import free
from lrgd_jax.certify.jaxpr import System, UnknownPrimitiveError, walk
from lrgd_jax.certify.program import Program, trace
from lrgd_jax.certify.rationals import Rationals
from lrgd_jax.certify.rigorous import enclose_difference
from lrgd_jax.certify.rounding import Bounded, running_error
from lrgd_jax.certify.unrefuted import Unrefuted

__all__ = [
    "AdjointBound",
    "Balls",
    "Bounded",
    "Certificate",
    "Counterexample",
    "Coverage",
    "NotCertifiableError",
    "Open",
    "PrimeField",
    "Program",
    "Rationals",
    "System",
    "UndecidableError",
    "UnknownPrimitiveError",
    "Unrefuted",
    "adjoint_bound",
    "agree_exactly",
    "coverage",
    "enclose_difference",
    "equal",
    "free",
    "running_error",
    "trace",
    "walk",
]
