"""Do two computed results meet within their rounding bounds? Finiteness is asked first: a NaN vanishes in a maximum."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float, PyTree

from lrgd_jax.certify import Bounded
from lrgd_jax.certify.tracing.structures import comparable
from lrgd_jax.certify.walking.array_namespace import xp
from lrgd_jax.claims.arguments import Arguments, Dimensions

__all__ = [
    "ComparedInstance",
    "Comparison",
    "Gaps",
    "allowed_deviation",
    "compare",
    "flatten_result",
    "measure_gaps",
    "merge_limits",
]


ArrayLike: TypeAlias = Any
"""An array of NumPy, or of JAX where the comparison is a part of a program."""


@dataclass(frozen=True)
class Comparison:
    """What one instance showed.

    Attributes:
        holds: the sides meet.
        ratio: largest difference in units of its tolerance; infinite where something is not finite.
        finite: both results and all bounds are finite.
        difference: largest absolute difference.
        tolerance: largest tolerance.
        detection_limit: smallest relative error of a side that would have been noticed; None where all is zero.
        reason: why the sides do not meet; None where they do.

    Examples:
        >>> from lrgd_jax.certify import Bounded
        >>> compare(Bounded(1.0, 0.1), Bounded(1.5, 0.1)).reason
        'the sides differ by 2.5 times the tolerance'
    """

    holds: bool
    ratio: float
    finite: bool
    difference: float
    tolerance: float
    detection_limit: float | None
    reason: str | None


@dataclass(frozen=True)
class ComparedInstance:
    """An instance of a claim, what both sides return there, and how far apart that is.

    Attributes:
        dimensions: sizes of the named axes.
        arguments: arrays of the instance, as the sides got them.
        left: the left side.
        right: the right side.
        comparison: how far apart the sides are, against the tolerance.

    Examples:
        >>> import numpy as np
        >>> from lrgd_jax.certify import Bounded
        >>> comparison = compare(Bounded(4.0, 0.0), Bounded(4.0, 0.0))
        >>> ComparedInstance({"n": 1}, {"x": np.asarray([2.0])}, 4.0, 4.0, comparison).comparison.holds
        True
    """

    dimensions: Dimensions
    arguments: Arguments
    left: PyTree
    right: PyTree
    comparison: Comparison


def compare(
    left: Bounded, right: Bounded, *, relation: Literal["equal", "at most"] = "equal", deviation: Bounded | None = None
) -> Comparison:
    r"""Compares two results of one structure, element by element.

    They meet where $|l - r| \le \epsilon_l + \epsilon_r + \delta$ for every element, with both rounding bounds
    $\epsilon$ and the deviation $\delta$; for "at most", where $l - r$ does not exceed the same.

    Args:
        left: the left result and its rounding bound.
        right: the right result and its own.
        relation: "equal", or "at most" for left <= right.
        deviation: what statistics allow on top: a result and its bound, of the sides' structure or one array for all
            their leaves; None for nothing.

    Returns:
        Whether they meet, and by how much.

    Raises:
        ValueError: the relation is no such thing, or the structures differ.

    Examples:
        >>> from lrgd_jax.certify import Bounded
        >>> comparison = compare(Bounded(1.0, 0.25), Bounded(1.25, 0.25))
        >>> comparison.holds, comparison.ratio
        (True, 0.5)
        >>> compare(Bounded(1.0, 0.25), Bounded(2.0, 0.25), relation="at most").holds
        True
    """
    if relation not in ("equal", "at most"):
        raise ValueError(f'the relation must be "equal" or "at most", got {relation!r}')
    comparable(left.value, right.value)
    sides = [flatten_result(x) for x in (left.value, right.value)]
    for what, numbers in (("left", sides[0]), ("right", sides[1])):
        if not np.isfinite(numbers).all():
            return _unusable(f"the {what} side is not finite: {numbers[~np.isfinite(numbers)][0]}")
    with np.errstate(all="ignore"):
        tolerance = flatten_result(left.error) + flatten_result(right.error)
        tolerance = tolerance if deviation is None else tolerance + allowed_deviation(deviation, left)
        gaps = measure_gaps(sides[0], sides[1], tolerance, relation=relation)
    if not gaps.finite:
        return _unusable("the tolerance or the difference is not finite, so it decides nothing")
    ratio, limit = float(gaps.ratio), float(gaps.limit)
    holds = ratio <= 1
    verb = "differ by" if relation == "equal" else "break left <= right by"
    return Comparison(
        holds=holds,
        ratio=ratio,
        finite=True,
        difference=float(gaps.difference),
        tolerance=float(tolerance.max(initial=0.0)),
        detection_limit=limit if np.isfinite(limit) else None,
        reason=None if holds else f"the sides {verb} {ratio:.3g} times the tolerance",
    )


class Gaps(NamedTuple):
    """How far two results are apart, as arrays of one number, of NumPy or of JAX.

    Attributes:
        finite: all numbers, tolerances and differences are finite.
        ratio: largest difference in units of its tolerance.
        limit: smallest relative error of a side that would have been noticed; infinite where all is zero.
        difference: largest difference.
    """

    finite: Bool[ArrayLike, ""]
    ratio: Float[ArrayLike, ""]
    limit: Float[ArrayLike, ""]
    difference: Float[ArrayLike, ""]


def measure_gaps(
    left: Float[ArrayLike, " k"],
    right: Float[ArrayLike, " k"],
    tolerance: Float[ArrayLike, " k"],
    *,
    relation: Literal["equal", "at most"],
) -> Gaps:
    """Measures differences against their tolerances; the arrays may be traced.

    Args:
        left: numbers of the left side.
        right: those of the right side.
        tolerance: what each difference may be.
        relation: "equal", or "at most" for left <= right.

    Examples:
        >>> gaps = measure_gaps(np.ones(2), np.array([1.0, 1.5]), np.ones(2), relation="equal")
        >>> bool(gaps.finite), float(gaps.ratio)
        (True, 0.5)
    """
    gap = left - right
    finite = xp.isfinite(left).all() & xp.isfinite(right).all() & xp.isfinite(tolerance).all() & xp.isfinite(gap).all()
    excess = xp.abs(gap) if relation == "equal" else xp.maximum(gap, 0.0)
    # no difference is no fault, even where nothing is tolerated
    ratios = xp.where(excess == 0, 0.0, excess / tolerance)
    smaller = xp.minimum(xp.abs(left), xp.abs(right))
    limits = xp.where(smaller > 0, (tolerance + xp.abs(gap)) / smaller, np.inf)
    return Gaps(finite, xp.max(ratios, initial=0.0), xp.min(limits, initial=np.inf), xp.max(excess, initial=0.0))


def merge_limits(limits: Iterable[float | None]) -> float | None:
    """The detection limit of several instances: what every one of them that has a limit would notice."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if known else None


def _unusable(reason: str) -> Comparison:
    return Comparison(False, np.inf, False, np.inf, np.inf, None, reason)


def allowed_deviation(deviation: Bounded, like: Bounded) -> Float[ArrayLike, " k"]:
    """The allowed deviation for every number of a result, with its own rounding error on top; the arrays may be traced.

    Raises:
        ValueError: it is neither one array nor of the result's structure.
    """
    total = jax.tree.map(xp.add, deviation.value, deviation.error)
    leaves, tree = jax.tree.flatten(total)
    targets, target_tree = jax.tree.flatten(like.value)
    if tree != target_tree:
        if len(leaves) != 1:
            raise ValueError(f"the deviation must be one array or have the sides' structure {target_tree}, got {tree}")
        leaves = leaves * len(targets)
    return flatten_result([xp.broadcast_to(x, np.shape(y)) for x, y in zip(leaves, targets, strict=True)])


def flatten_result(tree: PyTree) -> Float[ArrayLike, " k"]:
    """All numbers of a result, in float64; the arrays may be traced."""
    leaves = [xp.ravel(xp.asarray(x, np.float64)) for x in jax.tree.leaves(tree)]
    return xp.concatenate(leaves) if leaves else np.zeros(0)
