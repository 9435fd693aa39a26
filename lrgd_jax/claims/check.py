"""Checks claims in floating point: both sides meet within their rounding bounds, and no mutant does."""

import math
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from lrgd_jax.certify import Bounded
from lrgd_jax.certify.faults import named_faults, placed
from lrgd_jax.certify.structures import mismatch
from lrgd_jax.claims.claim import Adjoint, Claim, Dimensions, Mutant, Side, Statistical
from lrgd_jax.claims.comparison import Comparison, compare, merge_limits
from lrgd_jax.claims.outcomes import Evaluation, each
from lrgd_jax.claims.sides import TracedSide, side_names, trace_side
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Unevaluated, Verdict

__all__ = ["DTYPES", "Shape", "check_all", "check_claim", "check_dtype", "checks_of"]

DTYPES = ("float64", "float32", "bfloat16")


def check_dtype(dtype: str) -> None:
    """Raises ValueError where a dtype is unknown, or JAX would silently compute in a narrower one."""
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; expected one of {', '.join(DTYPES)}")
    if dtype == "float64" and jnp.zeros(0, jax.dtypes.canonicalize_dtype("float64")).dtype != jnp.float64:
        raise ValueError(
            'float64 needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True) before any array is made'
        )


def _check_instances(instances: int) -> None:
    if instances < 1:
        raise ValueError(f"at least one instance of each shape is needed, got {instances}")


def instance_key(claim: Claim, seed: int, shape: int, instance: int) -> PRNGKeyArray:
    """The key of an instance: it depends on the claim's name, not on what else is checked."""
    key = jax.random.key(seed)
    for number in (zlib.crc32(claim.slug.encode()), shape, instance):
        key = jax.random.fold_in(key, number)
    return key


@dataclass(frozen=True)
class Shape:
    """A claim at fixed dimensions: its arguments there, its sides traced and compiled once, what the sides return."""

    claim: Claim
    dimensions: Dimensions
    arguments: tuple[dict[str, Any], ...]

    def traced(self, side: Side, what: str, *, twice: bool = False) -> TracedSide:
        """A side of the claim, or a mutant of one, at this shape; `twice` as for `trace_side`."""
        return trace_side(self.claim, side, what, self.arguments[0], self.dimensions, twice=twice)

    @property
    def smallest(self) -> bool:
        """Whether no shape of the claim is smaller: what depends on more than its arguments does so there too."""
        return _size(self.dimensions) <= min(map(_size, self.claim.shapes), default=0)

    @property
    def largest(self) -> bool:
        """Whether no shape of the claim is larger."""
        return _size(self.dimensions) >= max(map(_size, self.claim.shapes), default=0)

    @cached_property
    def left(self) -> TracedSide:
        """The left side at this shape."""
        return self.traced(self.claim.left, "left side", twice=self.smallest)

    @cached_property
    def right(self) -> TracedSide:
        """The right side at this shape."""
        return self.traced(self.claim.right, "right side", twice=self.smallest)

    @cached_property
    def results(self) -> list[tuple[Bounded, Bounded]]:
        """Both sides at every instance."""
        return [(self.left(arguments), self.right(arguments)) for arguments in self.arguments]

    @cached_property
    def deviations(self) -> list[Bounded | None]:
        """What statistics allow at every instance."""
        if not isinstance(self.claim.tolerance, Statistical):
            return [None] * len(self.arguments)
        deviation = self.traced(self.claim.tolerance.deviation, "deviation")
        return [deviation.evaluated(arguments) for arguments in self.arguments]

    def comparisons(self, mutant: Mutant | None = None, *, running: bool = False) -> Iterator[Comparison]:
        """Every instance, with one side replaced if there is a mutant, whose tolerance may be its running error."""
        replacement = None if mutant is None else self._mutated(mutant, running)
        for k, (left, right) in enumerate(self.results):
            if mutant is not None and replacement is not None:
                wrong = replacement(self.arguments[k])
                left, right = (wrong, right) if mutant.replaces == "left" else (left, wrong)
            yield compare(left, right, relation=self.claim.relation, deviation=self.deviations[k])

    def mismatch(self) -> str | None:
        """Why the sides' results cannot be compared at all."""
        programs = self.left.program, self.right.program
        dtypes = [[aval.dtype for aval in program.jaxpr.out_avals] for program in programs]
        first, second = side_names(self.claim)
        reason = mismatch(*programs, (first, second))
        if reason is None and dtypes[0] != dtypes[1]:
            left, right = (", ".join(map(str, each)) for each in dtypes)
            reason = f"the results cannot be compared: {first} returns {left}, {second} returns {right}"
        return reason and f"{reason}; return the same structure, shapes and dtypes from both"

    def _mutated(self, mutant: Mutant, running: bool) -> TracedSide:
        # mutants are tried at the largest shape first
        side = self.traced(mutant.side, f"mutant {mutant.name!r}", twice=self.largest)
        replaced = self.left if mutant.replaces == "left" else self.right
        if side.output != replaced.output:
            raise ValueError(
                f"{placed(side.name, mutant.side)} returns {side.output}, the {mutant.replaces} side that it replaces "
                f"{replaced.output}; a mutant must return the same structure, shapes and dtypes"
            )
        return replace(side, adjoint=None) if running else side


def _size(dimensions: Dimensions) -> int:
    return sum(dimensions.values())


def make_shape(claim: Claim, index: int, dtype: str, instances: int, seed: int) -> Shape:
    """A claim's shape with its random arguments."""
    dimensions = claim.shapes[index]
    drawn = [claim.drawn(instance_key(claim, seed, index, k), dimensions, jnp.dtype(dtype)) for k in range(instances)]
    if claim.given is not None:
        with named_faults(f"claim {claim.slug}: `given` at {dict(dimensions)} cannot be evaluated", claim.given):
            prepare = jax.jit(lambda arguments: claim.prepared(arguments, dimensions))
            drawn = [prepare(arguments) for arguments in drawn]
    return Shape(claim, dimensions, tuple(drawn))


def check_claim(claim: Claim, *, dtype: str, instances: int = 8, seed: int = 0, mutants: bool = True) -> Verdict:
    """Checks one claim at all of its shapes.

    Args:
        claim: what is claimed.
        dtype: of the floating arguments.
        instances: random ones at every shape; a quarter as many where the tolerance is `Adjoint`, whose reverse pass
            is compiled anew for every instance.
        seed: of their keys.
        mutants: whether the mutants are tried too.

    Raises:
        ValueError: the dtype or the number of instances is no such thing, or a side or mutant cannot be evaluated.
    """
    check_dtype(dtype)
    _check_instances(instances)
    if not claim.shapes:
        raise ValueError(f"claim {claim.slug} states no shapes, so there is nothing to check")
    if isinstance(claim.tolerance, Adjoint):
        instances = math.ceil(instances / 4)
    start = time.perf_counter()
    # accelerators multiply float32 matrices in a narrower format unless told otherwise
    with jax.default_matmul_precision("highest"):
        shapes = [make_shape(claim, k, dtype, instances, seed) for k in range(len(claim.shapes))]
        failure, comparisons = _compared(shapes)
        comparable = failure is None or failure.instance is not None
        verdicts = tuple(_try(mutant, shapes) for mutant in claim.mutants) if mutants and comparable else ()
    return Verdict(
        slug=claim.slug,
        group=claim.group,
        title=claim.title,
        dtype=dtype,
        holds=failure is None,
        instances=len(comparisons),
        worst_ratio=max((comparison.ratio for comparison in comparisons), default=math.inf),
        detection_limit=merge_limits(comparison.detection_limit for comparison in comparisons),
        mutants=verdicts,
        seconds=time.perf_counter() - start,
        failure=failure,
    )


def check_all(
    claims: Sequence[Claim],
    *,
    dtype: str,
    instances: int = 8,
    seed: int = 0,
    mutants: bool = True,
    workers: int = 2,
    progress: Callable[[Claim], None] | None = None,
) -> list[Verdict | Unevaluated]:
    """Checks claims, some at a time; one that cannot be evaluated does not keep the others from their verdicts.

    Args:
        claims: which.
        dtype: as for `check_claim`.
        instances: as for `check_claim`.
        seed: as for `check_claim`.
        mutants: as for `check_claim`.
        workers: threads.
        progress: called with each claim as it is done.

    Returns:
        The verdicts, or why there is none, in the order of the claims.
    """
    found: dict[int, Verdict | Unevaluated] = {}
    checks = checks_of(claims, (dtype,), instances=instances, seed=seed, mutants=mutants)
    for place, verdict in each(checks, workers=workers):
        found[place] = verdict
        if progress is not None:
            progress(claims[place])
    return [found[place] for place in range(len(claims))]


def checks_of(
    claims: Sequence[Claim], dtypes: Sequence[str], *, instances: int = 8, seed: int = 0, mutants: bool = True
) -> list[Evaluation[Verdict]]:
    """The check of each claim in each dtype, all of one dtype first, for `lrgd_jax.claims.outcomes.each`.

    Raises:
        ValueError: a dtype or the number of instances is no such thing.
    """
    for dtype in dtypes:
        check_dtype(dtype)
    _check_instances(instances)

    def check(claim: Claim, dtype: str) -> Verdict:
        return check_claim(claim, dtype=dtype, instances=instances, seed=seed, mutants=mutants)

    return [(claim, dtype, partial(check, claim, dtype)) for dtype in dtypes for claim in claims]


def _compared(shapes: Sequence[Shape]) -> tuple[Failure | None, list[Comparison]]:
    """The first failure, and what all instances showed."""
    failure: Failure | None = None
    comparisons: list[Comparison] = []
    for shape in shapes:
        mismatch = shape.mismatch()
        if mismatch is not None:
            return Failure(mismatch, shape.dimensions), comparisons
        for k, comparison in enumerate(shape.comparisons()):
            comparisons.append(comparison)
            if failure is None and comparison.reason is not None:
                left, right = shape.results[k]
                arguments = shape.arguments[k]
                failure = Failure(comparison.reason, shape.dimensions, k, arguments, left.value, right.value)
    if not any(aval.size for shape in shapes for aval in shape.left.program.jaxpr.out_avals):
        return Failure("the sides return nothing, so nothing was compared", shapes[0].dimensions), comparisons
    same = all(str(shape.left.program.jaxpr) == str(shape.right.program.jaxpr) for shape in shapes)
    if failure is None and same:
        return Failure("both sides are the same program, so nothing was compared", shapes[0].dimensions), comparisons
    return failure, comparisons


def _try(mutant: Mutant, shapes: Sequence[Shape]) -> MutantVerdict:
    """Tries a mutant until it is rejected, the largest shape first, which most often suffices."""
    tried, finite = 0, False
    by_size = sorted(shapes, key=lambda shape: -_size(shape.dimensions))
    # a running error is rigorous too and needs no reverse pass; where it is too wide, the adjoint bound decides
    for running in (True, False) if isinstance(shapes[0].claim.tolerance, Adjoint) else (False,):
        tried = 0
        for shape in by_size:
            for comparison in shape.comparisons(mutant, running=running):
                tried += 1
                finite = finite or comparison.finite
                if comparison.finite and not comparison.holds:
                    return MutantVerdict(mutant.name, True, tried, None)
    reason = "within the tolerance everywhere" if finite else "never finite, which is no honest rejection"
    return MutantVerdict(mutant.name, False, tried, reason)
