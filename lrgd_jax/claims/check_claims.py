"""Checks claims in floating point: both sides meet within their rounding bounds, and no mutant does."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax

from lrgd_jax.claims.arguments import Arguments
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import Comparison, compare, merge_limits
from lrgd_jax.claims.compiled_shape import CompiledShape, MutantEvaluation, make_shape, size_of
from lrgd_jax.claims.dtypes import check_dtype
from lrgd_jax.claims.evaluations import Evaluation, evaluate_each
from lrgd_jax.claims.mapped_instances import compare_mapped
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.tolerances import Adjoint
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Unevaluated, Verdict

__all__ = ["check_all", "check_claim", "checks_of"]

MAPPED_FROM = 1000
"""So many instances of a shape are worth a program that is compiled for them."""

WALKED = 8
"""Instances that are evaluated one by one beside it, and that mutants meet."""


def check_claim(claim: Claim, *, dtype: str, instances: int = 8, seed: int = 0, mutants: bool = True) -> Verdict:
    """Checks one claim at all of its shapes.

    Args:
        claim: what is claimed.
        dtype: dtype of the floating arguments.
        instances: random ones at every shape; a quarter as many where the tolerance is `Adjoint`, whose reverse pass
            is compiled anew for every instance. From a thousand on, a claim that allows it is evaluated by a program
            that is compiled for all of them (`lrgd_jax.certify.bounded`), and its mutants meet the first few.
        seed: seed of their keys.
        mutants: whether the mutants are tried too.

    Returns:
        Whether both sides are within their rounding bounds at every instance, and which mutants are rejected.

    Raises:
        ValueError: the dtype or the number of instances is no such thing, or a side or mutant cannot be evaluated.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> verdict = check_claim(claim, dtype="float32", instances=2)
        >>> verdict.holds, verdict.instances, [mutant.rejected for mutant in verdict.mutants]
        (True, 4, [True, True])
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
        walked = min(instances, WALKED) if instances >= MAPPED_FROM else instances
        shapes = [make_shape(claim, k, dtype, walked, seed) for k in range(len(claim.shapes))]
        compared = _compare(shapes)
        if compared.failure is None and walked < instances:
            compared = _compare_many(shapes, dtype, instances, seed)
        failure = compared.failure
        comparable = failure is None or failure.instance is not None
        verdicts = tuple(_try(mutant, shapes) for mutant in claim.mutants) if mutants and comparable else ()
    return Verdict(
        slug=claim.slug,
        group=claim.group,
        title=claim.title,
        dtype=dtype,
        holds=failure is None,
        instances=compared.instances,
        worst_ratio=compared.worst_ratio,
        detection_limit=compared.detection_limit,
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
        claims: the claims, in the order of the results.
        dtype: as for `check_claim`.
        instances: as for `check_claim`.
        seed: as for `check_claim`.
        mutants: as for `check_claim`.
        workers: threads.
        progress: called with each claim as it is done.

    Returns:
        The verdicts, or why there is none, in the order of the claims.

    Raises:
        ValueError: the dtype or the number of instances is no such thing.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> [verdict.passed for verdict in check_all([claim], dtype="float32", instances=1)]
        [True]
    """
    verdicts: dict[int, Verdict | Unevaluated] = {}
    checks = checks_of(claims, (dtype,), instances=instances, seed=seed, mutants=mutants)
    for place, verdict in evaluate_each(checks, workers=workers):
        verdicts[place] = verdict
        if progress is not None:
            progress(claims[place])
    return [verdicts[place] for place in range(len(claims))]


def checks_of(
    claims: Sequence[Claim], dtypes: Sequence[str], *, instances: int = 8, seed: int = 0, mutants: bool = True
) -> list[Evaluation[Verdict]]:
    """The check of each claim in each dtype, all of one dtype first, for `lrgd_jax.claims.evaluations.evaluate_each`.

    Raises:
        ValueError: a dtype or the number of instances is no such thing.
    """
    for dtype in dtypes:
        check_dtype(dtype)
    _check_instances(instances)

    def check(claim: Claim, dtype: str) -> Verdict:
        return check_claim(claim, dtype=dtype, instances=instances, seed=seed, mutants=mutants)

    return [(claim, dtype, partial(check, claim, dtype)) for dtype in dtypes for claim in claims]


class _Compared(NamedTuple):
    """The first failure, and what all instances showed."""

    failure: Failure | None
    instances: int
    worst_ratio: float
    detection_limit: float | None


def _compare(shapes: Sequence[CompiledShape]) -> _Compared:
    """Instance by instance."""
    failure: Failure | None = None
    comparisons: list[Comparison] = []
    for shape in shapes:
        mismatch = shape.mismatch()
        if mismatch is not None:
            failure = Failure(mismatch, shape.dimensions)
            break
        for k, comparison in enumerate(shape.comparisons()):
            comparisons.append(comparison)
            if failure is None and comparison.reason is not None:
                left, right = shape.results[k]
                arguments = shape.arguments[k]
                failure = Failure(comparison.reason, shape.dimensions, k, arguments, left.value, right.value)
    else:
        failure = _nothing_compared(shapes, failure)
    worst = max((comparison.ratio for comparison in comparisons), default=math.inf)
    return _Compared(failure, len(comparisons), worst, merge_limits(one.detection_limit for one in comparisons))


def _nothing_compared(shapes: Sequence[CompiledShape], failure: Failure | None) -> Failure | None:
    """The failure, or the one that two sides cannot fall."""
    if not any(aval.size for shape in shapes for aval in shape.left.program.out_avals):
        return Failure("the sides return nothing, so nothing was compared", shapes[0].dimensions)
    same = all(str(shape.left.program.jaxpr) == str(shape.right.program.jaxpr) for shape in shapes)
    if failure is None and same:
        return Failure("both sides are the same program, so nothing was compared", shapes[0].dimensions)
    return failure


def _compare_many(shapes: Sequence[CompiledShape], dtype: str, instances: int, seed: int) -> _Compared:
    """Very many instances of each shape, by a compiled program where the claim allows it."""
    parts: list[_Compared] = []
    for k, shape in enumerate(shapes):
        outcome = compare_mapped(shape, dtype, instances, seed=seed)
        if outcome is None:
            parts.append(_compare([make_shape(shape.claim, k, dtype, instances, seed)]))
        else:
            failure = None if outcome.fallen is None else _failure_at(shape, *outcome.fallen)
            parts.append(_Compared(failure, outcome.instances, outcome.worst_ratio, outcome.detection_limit))
    return _Compared(
        next((part.failure for part in parts if part.failure is not None), None),
        sum(part.instances for part in parts),
        max(part.worst_ratio for part in parts),
        merge_limits(part.detection_limit for part in parts),
    )


def _failure_at(shape: CompiledShape, instance: int, arguments: Arguments) -> Failure:
    left, right = shape.left(arguments), shape.right(arguments)
    reason = compare(left, right, relation=shape.claim.relation).reason
    if reason is None:
        reason = "the sides part where they are evaluated many at a time, and meet one at a time"
    return Failure(reason, shape.dimensions, instance, arguments, left.value, right.value)


def _try(mutant: Mutant, shapes: Sequence[CompiledShape]) -> MutantVerdict:
    """Tries a mutant until it is rejected, the largest shape first, which most often suffices.

    The walk's own evaluation comes first, since most mutants fall there and need not be compiled; what compiled
    programs do decides of the others. A running error is rigorous too and needs no reverse pass; where it is too wide,
    the adjoint bound decides.
    """
    tried, finite = 0, False
    by_size = sorted(shapes, key=lambda shape: -size_of(shape.dimensions))
    ways: list[MutantEvaluation] = ["uncompiled", "compiled"]
    if isinstance(shapes[0].claim.tolerance, Adjoint):
        ways.insert(1, "running")
    for way in ways:
        tried = 0
        for shape in by_size:
            for comparison in shape.mutant_comparisons(mutant, way):
                tried += 1
                finite = finite or comparison.finite
                if comparison.finite and not comparison.holds:
                    return MutantVerdict(mutant.name, True, tried, None)
    reason = "within the tolerance everywhere" if finite else "never finite, which is no honest rejection"
    return MutantVerdict(mutant.name, False, tried, reason)


def _check_instances(instances: int) -> None:
    if instances < 1:
        raise ValueError(f"at least one instance of each shape is needed, got {instances}")
