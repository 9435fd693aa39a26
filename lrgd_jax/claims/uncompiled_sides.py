"""Drawn instances compared without compiling: many shapes cost no more than their evaluation."""

import jax
import jax.numpy as jnp

from lrgd_jax.certify import Bounded
from lrgd_jax.certify.tracing.faults import naming_faults
from lrgd_jax.claims.arguments import Argument, Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import Comparison, compare
from lrgd_jax.claims.side import Side
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.traced_side import TracedSide, prepare_by, trace_side

__all__ = ["UncompiledSides"]


class UncompiledSides:
    """The sides of a claim at drawn instances; traces are kept by dimensions."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.traces: dict[tuple[object, ...], TracedSide] = {}

    def prepare(self, dimensions: Dimensions, drawn: Arguments) -> dict[str, Argument]:
        """The arguments after `given`, which may use operations that have no rule of rounding.

        Raises:
            ValueError: `given` cannot be evaluated.
        """
        if self.claim.given is None:
            return dict(drawn)
        try:
            return prepare_by(self._trace("given", self.claim.given, dimensions, drawn), drawn)
        except ValueError:
            what = f"claim {self.claim.slug}: `given` at {dict(dimensions)} cannot be evaluated"
            with naming_faults(what, self.claim.given):
                return self.claim.prepare(jax.tree.map(jnp.asarray, drawn), dimensions)

    def compare(self, dimensions: Dimensions, arguments: Arguments) -> tuple[Bounded, Bounded, Comparison]:
        """Both sides at prepared arguments, evaluated in float64, and how far they are apart.

        Raises:
            ValueError: a side cannot be evaluated.
        """
        claim = self.claim
        sides = ("left side", claim.left), ("right side", claim.right)
        left, right = (self._trace(*side, dimensions, arguments).evaluate(arguments) for side in sides)
        deviation = None
        if isinstance(claim.tolerance, Statistical):
            traced = self._trace("deviation", claim.tolerance.deviation, dimensions, arguments)
            deviation = traced.evaluate(arguments)
        return left, right, compare(left, right, relation=claim.relation, deviation=deviation)

    def _trace(self, what: str, side: Side, dimensions: Dimensions, arguments: Arguments) -> TracedSide:
        key = what, *dimensions.items()
        if key not in self.traces:
            first = all(traced[0] != what for traced in self.traces)
            self.traces[key] = trace_side(self.claim, side, what, arguments, dimensions, twice=first)
        return self.traces[key]
