"""A claim at fixed dimensions, in floating point: random instances, both sides compiled, what they return."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from lrgd_jax.certify import Bounded
from lrgd_jax.certify.tracing.faults import name_with_line, naming_faults
from lrgd_jax.certify.tracing.structures import mismatch
from lrgd_jax.claims.arguments import Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import Comparison, compare
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.side import Side
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.traced_side import TracedSide, side_names, trace_side

__all__ = ["CompiledShape", "MutantEvaluation", "claim_key", "instance_key", "make_shape", "size_of"]

MutantEvaluation: TypeAlias = Literal["uncompiled", "running", "compiled"]
"""How a mutant is evaluated: by the walk alone; compiled, with a running error; compiled, as the claim says."""


def instance_key(claim: Claim, seed: int, shape: int, instance: int) -> PRNGKeyArray:
    """The key of an instance: it depends on the claim's name, not on what else is checked."""
    return jax.random.fold_in(claim_key(claim, seed, shape), instance)


def claim_key(claim: Claim, seed: int, shape: int) -> PRNGKeyArray:
    """The key that those of all instances at a shape come from."""
    key = jax.random.key(seed)
    for number in (zlib.crc32(claim.slug.encode()), shape):
        key = jax.random.fold_in(key, number)
    return key


@dataclass(frozen=True)
class CompiledShape:
    """A claim at fixed dimensions: its arguments there, its sides traced and compiled once, what the sides return."""

    claim: Claim
    dimensions: Dimensions
    arguments: tuple[Arguments, ...]
    mutants: dict[Mutant, TracedSide] = field(default_factory=dict)

    def trace(self, side: Side, what: str, *, twice: bool = False) -> TracedSide:
        """A side of the claim, or a mutant of one, at this shape; `twice` as for `trace_side`."""
        return trace_side(self.claim, side, what, self.arguments[0], self.dimensions, twice=twice)

    @property
    def smallest(self) -> bool:
        """Whether no shape of the claim is smaller: what depends on more than its arguments does so there too."""
        return size_of(self.dimensions) <= min(map(size_of, self.claim.shapes), default=0)

    @property
    def largest(self) -> bool:
        """Whether no shape of the claim is larger."""
        return size_of(self.dimensions) >= max(map(size_of, self.claim.shapes), default=0)

    @cached_property
    def left(self) -> TracedSide:
        """The left side at this shape."""
        return self.trace(self.claim.left, "left side", twice=self.smallest)

    @cached_property
    def right(self) -> TracedSide:
        """The right side at this shape."""
        return self.trace(self.claim.right, "right side", twice=self.smallest)

    @cached_property
    def results(self) -> list[tuple[Bounded, Bounded]]:
        """Both sides at every instance."""
        return [(self.left(arguments), self.right(arguments)) for arguments in self.arguments]

    @cached_property
    def deviations(self) -> list[Bounded | None]:
        """What statistics allow at every instance."""
        if not isinstance(self.claim.tolerance, Statistical):
            return [None] * len(self.arguments)
        deviation = self.trace(self.claim.tolerance.deviation, "deviation")
        return [deviation.evaluate(arguments) for arguments in self.arguments]

    def comparisons(self) -> Iterator[Comparison]:
        """Every instance."""
        for (left, right), deviation in zip(self.results, self.deviations, strict=True):
            yield compare(left, right, relation=self.claim.relation, deviation=deviation)

    def mutant_comparisons(self, mutant: Mutant, evaluation: MutantEvaluation) -> Iterator[Comparison]:
        """Every instance, with the side that the mutant replaces evaluated in this way."""
        replacement = self._trace_mutant(mutant)
        if evaluation == "running":
            replacement = replace(replacement, adjoint=None)
        evaluate = replacement.evaluate if evaluation == "uncompiled" else replacement
        for arguments, (left, right), deviation in zip(self.arguments, self.results, self.deviations, strict=True):
            wrong = evaluate(arguments)
            left, right = (wrong, right) if mutant.replaces == "left" else (left, wrong)
            yield compare(left, right, relation=self.claim.relation, deviation=deviation)

    def mismatch(self) -> str | None:
        """Why the sides' results cannot be compared at all."""
        programs = self.left.program, self.right.program
        dtypes = [[aval.dtype for aval in program.out_avals] for program in programs]
        first, second = side_names(self.claim)
        reason = mismatch(*programs, (first, second))
        if reason is None and dtypes[0] != dtypes[1]:
            left, right = (", ".join(map(str, each)) for each in dtypes)
            reason = f"the results cannot be compared: {first} returns {left}, {second} returns {right}"
        return reason and f"{reason}; return the same structure, shapes and dtypes from both"

    def _trace_mutant(self, mutant: Mutant) -> TracedSide:
        if mutant in self.mutants:
            return self.mutants[mutant]
        # mutants are tried at the largest shape first
        side = self.trace(mutant.side, f"mutant {mutant.name!r}", twice=self.largest)
        replaced = self.left if mutant.replaces == "left" else self.right
        if side.output != replaced.output:
            raise ValueError(
                f"{name_with_line(side.name, mutant.side)} returns {side.output}, "
                f"the {mutant.replaces} side that it replaces {replaced.output}; "
                "a mutant must return the same structure, shapes and dtypes"
            )
        self.mutants[mutant] = side
        return side


def size_of(dimensions: Dimensions) -> int:
    """The sum of the dimensions, by which shapes are ordered."""
    return sum(dimensions.values())


def make_shape(claim: Claim, index: int, dtype: str, instances: int, seed: int) -> CompiledShape:
    """A claim's shape with its random arguments."""
    dimensions = claim.shapes[index]
    drawn = [claim.draw(instance_key(claim, seed, index, k), dimensions, jnp.dtype(dtype)) for k in range(instances)]
    if claim.given is not None:
        with naming_faults(f"claim {claim.slug}: `given` at {dict(dimensions)} cannot be evaluated", claim.given):
            prepare = jax.jit(lambda arguments: claim.prepare(arguments, dimensions))
            drawn = [prepare(arguments) for arguments in drawn]
    return CompiledShape(claim, dimensions, tuple(drawn))
