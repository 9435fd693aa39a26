"""Checks claims in floating point: both sides meet within their rounding bounds, and no mutant does."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import jax

from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import Comparison, merge_limits
from lrgd_jax.claims.compiled_shape import CompiledShape, MutantEvaluation, make_shape, size_of
from lrgd_jax.claims.dtypes import check_dtype
from lrgd_jax.claims.evaluations import Evaluation, evaluate_each
from lrgd_jax.claims.mutant import Mutant
from lrgd_jax.claims.tolerances import Adjoint
from lrgd_jax.claims.verdicts import Failure, MutantVerdict, Unevaluated, Verdict

__all__ = ["check_all", "check_claim", "checks_of"]


def check_claim(claim: Claim, *, dtype: str, instances: int = 8, seed: int = 0, mutants: bool = True) -> Verdict:
    """Checks one claim at all of its shapes.

    Args:
        claim: what is claimed.
        dtype: dtype of the floating arguments.
        instances: random ones at every shape; a quarter as many where the tolerance is `Adjoint`, whose reverse pass
            is compiled anew for every instance.
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
        shapes = [make_shape(claim, k, dtype, instances, seed) for k in range(len(claim.shapes))]
        failure, comparisons = _compare(shapes)
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


def _compare(shapes: Sequence[CompiledShape]) -> tuple[Failure | None, list[Comparison]]:
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
