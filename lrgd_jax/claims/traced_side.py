"""One side of a claim at one shape: traced once, compiled once, and bounded from the program that is compiled."""

import contextlib
from dataclasses import dataclass
from weakref import WeakSet

import jax
import numpy as np
from jax.extend import core
from jax.typing import ArrayLike

from lrgd_jax.certify import Bounded, Program, adjoint_bound, running_error
from lrgd_jax.certify.tracing.faults import name_with_line, naming_refusals, trace_or_explain
from lrgd_jax.certify.walking.discrete import is_key
from lrgd_jax.claims.arguments import Argument, Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.side import Side
from lrgd_jax.claims.tolerances import Adjoint

__all__ = ["TracedSide", "prepare_by", "side_names", "trace_side"]


@dataclass(frozen=True, eq=False)
class TracedSide:
    """A side at fixed dimensions.

    Attributes:
        name: how messages call it.
        program: its trace; arguments are one dictionary.
        compiled: the same program, compiled by XLA at its first call.
        tolerance: where its bound comes from.
    """

    name: str
    program: Program
    compiled: jax.stages.Wrapped
    adjoint: Adjoint | None

    def __call__(self, arguments: Arguments) -> Bounded:
        """What XLA computes, and how far that may be from the exact result."""
        with naming_refusals(f"{self.name} cannot be evaluated"):
            leaves = self.program.flatten((dict(arguments),))
            values = self.program.unflatten([_in_float64(x) for x in self.compiled(*leaves)])
            walked = self._walk(arguments)
            error = jax.tree.map(_confirmed_bound, values, walked.value, walked.error)
            return Bounded(values, error)

    def evaluate(self, arguments: Arguments) -> Bounded:
        """The same without compiling: the program evaluated in float64, and its running error."""
        with naming_refusals(f"{self.name} cannot be evaluated"):
            return running_error(self.program, dict(arguments))

    def _walk(self, arguments: Arguments) -> Bounded:
        if self.adjoint is None:
            return running_error(self.program, dict(arguments))
        bound = adjoint_bound(self.program, dict(arguments), cuts=self.adjoint.cuts)
        return Bounded(bound.value, bound.worst)

    @property
    def output(self) -> list[str]:
        """Structure, dtypes and shapes of the result, in words."""
        avals = [f"{aval.dtype}{list(aval.shape)}" for aval in self.program.out_avals]
        return [str(self.program.out_tree), *avals]


def _in_float64(x: ArrayLike) -> np.ndarray:
    array = np.asarray(x)
    if array.dtype.kind in "iu" and array.size and int(np.abs(array).max()) > 2**53:
        raise ValueError("integers beyond 2^53 are returned, which are not compared exactly; return smaller ones")
    return array.astype(np.float64)


def _confirmed_bound(computed: np.ndarray, walked: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The bound, where the walk's own evaluation bears it out; infinite elsewhere.

    Both evaluations lie within the bound of the exact result. Where they do not, the compiler has rearranged products
    or quotients so that one leaves the range of its format, and nothing can be said.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.abs(computed - walked) <= 2 * error, error, np.inf)


_steady: WeakSet[Side] = WeakSet()
"""Sides whose two traces were one program. Each layer asks, and tracing is half of what a claim takes."""


def trace_side(
    claim: Claim,
    side: Side,
    what: str,
    arguments: Arguments,
    dimensions: Dimensions,
    *,
    freed: bool = False,
    twice: bool = False,
) -> TracedSide:
    """Traces a side of a claim at the shapes and dtypes of `arguments`.

    Args:
        claim: whose side it is.
        side: the side, or a mutant of one.
        what: how messages call it.
        arguments: arrays of an instance.
        dimensions: sizes of the named axes.
        freed: as for `Claim.call`.
        twice: as for `lrgd_jax.certify.tracing.faults.trace_or_explain`; not again where this process has found that
            two traces of the side are one program, whatever the layer or the shape.

    Raises:
        FaultError: the side cannot be traced.
    """
    name = f"claim {claim.slug}: {what} at {dict(dimensions)}"
    program = trace_or_explain(
        f"{name} cannot be evaluated",
        side,
        lambda given: claim.call(side, given, dimensions, freed=freed),
        dict(arguments),
        twice=twice and not _is_steady(side),
    )
    if twice:
        # what has no hash or takes no weak reference is asked again
        with contextlib.suppress(TypeError):
            _steady.add(side)
    # the jaxpr itself is compiled, so that what runs is what was bounded
    compiled = jax.jit(core.jaxpr_as_fun(program.jaxpr))
    return TracedSide(name, program, compiled, claim.tolerance if isinstance(claim.tolerance, Adjoint) else None)


def _is_steady(side: Side) -> bool:
    try:
        return side in _steady
    except TypeError:
        return False


def side_names(claim: Claim) -> tuple[str, str]:
    """How messages call the sides, with the lines where they are defined."""
    return name_with_line("the left side", claim.left), name_with_line("the right side", claim.right)


def prepare_by(given: TracedSide, drawn: Arguments) -> dict[str, Argument]:
    """The drawn arguments after a traced `given`, evaluated without compiling."""
    changed = given.evaluate(drawn).value
    dtypes = given.program.unflatten([aval.dtype for aval in given.program.out_avals])
    # what is changed keeps the dtype that it was drawn in; what is added has the one that `given` computes
    dtypes = {name: drawn[name].dtype if name in drawn else dtypes[name] for name in dtypes}
    return {**drawn, **jax.tree.map(_cast, changed, dtypes)}


def _cast(x: Argument, dtype: np.dtype) -> Argument:
    return x if is_key(dtype) else np.asarray(x).astype(dtype)
