"""Very many instances of a claim: one compiled program draws them, evaluates and bounds both sides, and compares."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Int, PRNGKeyArray

from lrgd_jax.certify import Bounded, UndecidableError, UnknownPrimitiveError, bounded
from lrgd_jax.claims.arguments import Arguments
from lrgd_jax.claims.comparison import Gaps, allowed_deviation, flatten_result, measure_gaps
from lrgd_jax.claims.compiled_shape import CompiledShape, claim_key
from lrgd_jax.claims.tolerances import Adjoint, Statistical
from lrgd_jax.claims.traced_side import TracedSide

__all__ = ["AT_ONCE", "MappedOutcome", "compare_instances", "compare_mapped"]

AT_ONCE = 4096
"""Instances that one call evaluates; so many that a call costs nothing, so few that they fit in memory."""


@dataclass(frozen=True)
class MappedOutcome:
    """What very many instances of a claim at one shape show.

    Attributes:
        instances: how many were compared.
        worst_ratio: largest difference in units of its tolerance.
        detection_limit: the smallest relative error of a side that every instance would have noticed; None where all
            is zero.
        fallen: the number and the arguments of the first one at which the sides do not meet; None where they always do.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> from lrgd_jax.claims.compiled_shape import make_shape
        >>> with jax.enable_x64(True):
        ...     outcome = compare_mapped(make_shape(claim, 0, "float64", instances=1, seed=0), "float64", 100, seed=0)
        >>> outcome.instances, outcome.worst_ratio < 1, outcome.fallen
        (100, True, None)
    """

    instances: int
    worst_ratio: float
    detection_limit: float | None
    fallen: tuple[int, Arguments] | None


def compare_mapped(shape: CompiledShape, dtype: str, instances: int, *, seed: int) -> MappedOutcome | None:
    """Compares the sides of a claim at very many instances, which are those that `instance_key` numbers.

    Args:
        shape: the claim at a shape, with an instance or more.
        dtype: dtype of the floating arguments.
        instances: how many.
        seed: seed of their keys.

    Returns:
        What they show; None where a side cannot be mapped over instances: it decides by its arguments, factorises a
        matrix, or is so deep that its tolerance is `Adjoint`.
    """
    if isinstance(shape.claim.tolerance, Adjoint) or jax.dtypes.canonicalize_dtype(np.float64) != np.float64:
        return None
    index = shape.claim.shapes.index(shape.dimensions)
    program = jax.jit(compare_instances(shape, dtype, claim_key(shape.claim, seed, index)))
    fallen: tuple[int, Arguments] | None = None
    ratios, limits = [], []
    for start in range(0, instances, AT_ONCE):
        # the last call goes beyond the end, for a program of another size would have to be compiled
        numbers = jnp.arange(start, start + min(AT_ONCE, instances))
        try:
            arguments, gaps = program(numbers)
        except (UndecidableError, UnknownPrimitiveError, jax.errors.JAXTypeError):
            return None
        count = min(AT_ONCE, instances - start)
        ratio = np.where(gaps.finite, gaps.ratio, np.inf)[:count]
        ratios.append(ratio)
        limits.append(np.asarray(gaps.limit)[:count])
        if fallen is None and not (ratio <= 1).all():
            k = int(np.argmax(~(ratio <= 1)))
            fallen = start + k, jax.tree.map(lambda x, k=k: x[k], arguments)
    limit = np.concatenate(limits)
    known = limit[np.isfinite(limit)]
    return MappedOutcome(
        instances, float(np.max(np.concatenate(ratios))), float(known.max()) if known.size else None, fallen
    )


def compare_instances(
    shape: CompiledShape, dtype: str, key: PRNGKeyArray
) -> Callable[[Int[Array, " instances"]], tuple[Arguments, Gaps]]:
    """From the numbers of instances to their arguments, and how far the sides are apart there; for `jax.jit`.

    Args:
        shape: the claim at a shape.
        dtype: dtype of the floating arguments.
        key: what the keys of the instances are folded from.
    """
    claim = shape.claim

    def compare_instance(number: Int[Array, ""]) -> tuple[Arguments, Gaps]:
        drawn = claim.draw(jax.random.fold_in(key, number), shape.dimensions, jnp.dtype(dtype))
        arguments = claim.prepare(drawn, shape.dimensions)
        left, right = _evaluate(shape.left, arguments), _evaluate(shape.right, arguments)
        bounds = flatten_result(left.error) + flatten_result(right.error)
        if isinstance(claim.tolerance, Statistical):
            allowed = bounded(shape.trace(claim.tolerance.deviation, "deviation").program)(dict(arguments))
            bounds = bounds + allowed_deviation(allowed, left)
        values = flatten_result(left.value), flatten_result(right.value)
        return arguments, measure_gaps(*values, bounds, relation=claim.relation)

    return jax.vmap(compare_instance)


def _evaluate(side: TracedSide, arguments: Arguments) -> Bounded:
    """What XLA computes, with the bound where the bound's own evaluation bears it out."""
    computed = side.program.unflatten(core.jaxpr_as_fun(side.program.jaxpr)(*side.program.flatten((dict(arguments),))))
    value = jax.tree.map(lambda x: x.astype(jnp.float64), computed)
    walked = bounded(side.program)(dict(arguments))
    return Bounded(
        value,
        jax.tree.map(lambda x, v, e: jnp.where(jnp.abs(x - v) <= 2 * e, e, jnp.inf), value, walked.value, walked.error),
    )
