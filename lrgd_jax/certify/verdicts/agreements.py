"""What an exact layer says of two programs, of which inputs, and what may keep it from saying anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify.exact.arrays import Number
from lrgd_jax.certify.fields.exponentials import TooManyTermsError
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.tracing.program import Program
from lrgd_jax.certify.walking.discrete import UndecidableError
from lrgd_jax.certify.walking.system import UnknownPrimitiveError
from lrgd_jax.certify.walking.walker import walk

__all__ = ["FALSE_ACCEPT", "REFUSALS", "Agreement", "Disagreement", "NotApplicable", "Prepared"]

FALSE_ACCEPT = 1e-30
"""A certificate states a probability of at most this."""


@dataclass(frozen=True)
class Agreement:
    """Two programs agreed at every point.

    Attributes:
        fields: the primes p; one point in each field.
        degree: of the polynomial identity; with free symbols, in them too.
        symbols: how many free symbols and exponentials occurred; the identity holds for any function in their place.
        false_accept: the probability, at most, that a wrong identity passes.
        cases: into how many cells comparisons cut the arguments, each decided by itself.
        left_out: numbers that are no affine forms of the arguments were compared; where two of them are equal, nothing
            is said.
        depth: of exponentials within exponentials, where they were evaluated in towers of primes; each of `fields` is
            then the last prime of a tower, which determines the others.
    """

    fields: tuple[int, ...]
    degree: int
    symbols: int
    false_accept: float
    cases: int = 1
    left_out: bool = False
    depth: int = 0

    @property
    def assumes(self) -> str | None:
        """What the probability takes for granted, in words; None where it takes nothing for granted."""
        if not self.depth:
            return None
        deeper = ", those within other exponentials included" if self.depth > 1 else ""
        return f"where the exponents of what is compared are jointly uniform at a random point{deeper}"


@dataclass(frozen=True)
class Disagreement:
    """Two programs differed at a point.

    Attributes:
        modulus: of the field.
        entries: how many entries of the results differ.
        certain: nothing was taken for a free symbol or for infinity, so the programs are different functions;
            otherwise they are for some function in a symbol's place, perhaps not for the one that the program names.
        point: the leaves of arguments in the case in which they differ; None where none is known.
        settled: no other exact layer knows a law of what was taken for a symbol that this one does not.
    """

    modulus: int
    entries: int
    certain: bool
    point: tuple[np.ndarray, ...] | None = None
    settled: bool = False


@dataclass(frozen=True)
class NotApplicable:
    """A layer cannot say anything, and why."""

    reason: str


@dataclass(frozen=True)
class Prepared:
    """Programs of one list of inputs, and what makes these inputs satisfy an assumption.

    Attributes:
        inputs: one shape and dtype, or one array of integers, a leaf of what is drawn.
        given: a program from the drawn leaves to the programs' own inputs; None where they are the same.
    """

    inputs: Sequence[Any]
    given: Program | None = None

    def leaves(self, system: Any, draw: Callable[[Sequence[int], str], Number]) -> list[Any]:
        """The inputs of the programs in a number system."""
        drawn = [
            draw(x.shape, str(k)) if jnp.issubdtype(x.dtype, jnp.inexact) else x for k, x in enumerate(self.inputs)
        ]
        return drawn if self.given is None else walk(self.given, system, drawn)


REFUSALS = (OrderError, UnknownPrimitiveError, UndecidableError, TooManyTermsError, NotImplementedError)
"""What a program may raise that this layer cannot evaluate."""
