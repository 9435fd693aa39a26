"""Do two computed results meet within their rounding bounds? Finiteness is asked first: a NaN vanishes in a maximum."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import PyTree

from lrgd_jax.certify import Bounded
from lrgd_jax.certify.tracing.structures import comparable
from lrgd_jax.claims.arguments import Arguments, Dimensions

__all__ = ["ComparedInstance", "Comparison", "compare", "merge_limits"]


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
    sides = [_flat(x) for x in (left.value, right.value)]
    bounds = [_flat(x) for x in (left.error, right.error)]
    allowed = np.zeros_like(bounds[0]) if deviation is None else _deviation(deviation, left)
    for what, numbers in (("left", sides[0]), ("right", sides[1])):
        if not np.isfinite(numbers).all():
            return _unusable(f"the {what} side is not finite: {numbers[~np.isfinite(numbers)][0]}")
    with np.errstate(over="ignore"):
        tolerance = bounds[0] + bounds[1] + allowed
        gap = sides[0] - sides[1]
    if not (np.isfinite(tolerance).all() and np.isfinite(gap).all()):
        return _unusable("the tolerance or the difference is not finite, so it decides nothing")
    excess = np.abs(gap) if relation == "equal" else np.maximum(gap, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # no difference is no fault, even where nothing is tolerated
        ratios = np.where(excess == 0, 0.0, excess / tolerance)
        smaller = np.minimum(*(np.abs(side) for side in sides))
        limits = np.where(smaller > 0, (tolerance + np.abs(gap)) / smaller, np.inf)
    ratio, limit = float(ratios.max(initial=0.0)), float(limits.min(initial=np.inf))
    holds = ratio <= 1
    verb = "differ by" if relation == "equal" else "break left <= right by"
    return Comparison(
        holds=holds,
        ratio=ratio,
        finite=True,
        difference=float(excess.max(initial=0.0)),
        tolerance=float(tolerance.max(initial=0.0)),
        detection_limit=limit if np.isfinite(limit) else None,
        reason=None if holds else f"the sides {verb} {ratio:.3g} times the tolerance",
    )


def merge_limits(limits: Iterable[float | None]) -> float | None:
    """The detection limit of several instances: what every one of them that has a limit would notice."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if known else None


def _unusable(reason: str) -> Comparison:
    return Comparison(False, np.inf, False, np.inf, np.inf, None, reason)


def _deviation(deviation: Bounded, like: Bounded) -> np.ndarray:
    """The allowed deviation for every element, with its own rounding error on top."""
    total = jax.tree.map(np.add, deviation.value, deviation.error)
    leaves, tree = jax.tree.flatten(total)
    targets, target_tree = jax.tree.flatten(like.value)
    if tree != target_tree:
        if len(leaves) != 1:
            raise ValueError(f"the deviation must be one array or have the sides' structure {target_tree}, got {tree}")
        leaves = leaves * len(targets)
    return _flat([np.broadcast_to(x, np.shape(y)) for x, y in zip(leaves, targets, strict=True)])


def _flat(tree: PyTree) -> np.ndarray:
    leaves = [np.ravel(np.asarray(x, np.float64)) for x in jax.tree.leaves(tree)]
    return np.concatenate(leaves) if leaves else np.zeros(0)
