"""Derived tolerances read off the traced program, and certificates in exact arithmetic."""

from lrgd_jax.certify.answers.certificates import Certificate
from lrgd_jax.certify.answers.comparison import NotCertifiableError
from lrgd_jax.certify.answers.counterexample import Counterexample
from lrgd_jax.certify.answers.equality import equal
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.balls.ball_arithmetic import Balls
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.fields.prime_fields import PrimeField
from lrgd_jax.certify.gradients import Conservative, Loss, Rotational, Undecided, is_gradient
from lrgd_jax.certify.rounding.adjoint import AdjointBound, adjoint_bound
from lrgd_jax.certify.rounding.bounded_programs import bounded
from lrgd_jax.certify.rounding.running_error import Bounded, running_error
from lrgd_jax.certify.rule_coverage import Coverage, coverage
from lrgd_jax.certify.tracing.free_functions import free
from lrgd_jax.certify.tracing.program import Program, trace
from lrgd_jax.certify.verdicts.enclosures import enclose_difference
from lrgd_jax.certify.verdicts.random_fields import agree_exactly
from lrgd_jax.certify.walking.discrete import Open, UndecidableError
from lrgd_jax.certify.walking.system import System, UnknownPrimitiveError
from lrgd_jax.certify.walking.walker import walk

__all__ = [
    "AdjointBound",
    "Balls",
    "Bounded",
    "Certificate",
    "Conservative",
    "Counterexample",
    "Coverage",
    "Loss",
    "NotCertifiableError",
    "Open",
    "PrimeField",
    "Program",
    "Rationals",
    "Rotational",
    "System",
    "UndecidableError",
    "Undecided",
    "UnknownPrimitiveError",
    "Unrefuted",
    "adjoint_bound",
    "agree_exactly",
    "bounded",
    "coverage",
    "enclose_difference",
    "equal",
    "free",
    "is_gradient",
    "running_error",
    "trace",
    "walk",
]
