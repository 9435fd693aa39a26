"""Derived tolerances, read off the traced program."""

from lrgd_jax.certify.adjoint import AdjointBound, adjoint_bound
from lrgd_jax.certify.discrete import Open, UndecidableError
from lrgd_jax.certify.jaxpr import System, UnknownPrimitiveError, walk
from lrgd_jax.certify.program import Program, trace
from lrgd_jax.certify.rounding import Bounded, running_error

__all__ = [
    "AdjointBound",
    "Bounded",
    "Open",
    "Program",
    "System",
    "UndecidableError",
    "UnknownPrimitiveError",
    "adjoint_bound",
    "running_error",
    "trace",
    "walk",
]
