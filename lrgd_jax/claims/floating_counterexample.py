"""The simplest instance at which a claim is false: smallest sizes first, then the plainest numbers."""

import random
from collections.abc import Callable

import hypothesis
import jax
import numpy as np
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.extra import numpy as hnp

from lrgd_jax.certify.counterexamples.strategies import named
from lrgd_jax.claims.arguments import Arguments, Dimensions, Integers
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance, Comparison
from lrgd_jax.claims.compiled_shape import CompiledShape
from lrgd_jax.claims.dtypes import check_dtype
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.uncompiled_sides import UncompiledSides
from lrgd_jax.strategies import arrays, sizes

__all__ = ["Instance", "smallest_counterexample", "strategy"]

Instance = tuple[dict[str, int], Arguments]
Key = tuple[tuple[str, int], ...]

# A value evaluated in float64 and the compiled one each lie within the bound of the exact one. So a difference of more
# than three tolerances between the evaluated values is one of more than one tolerance between the compiled values.
CERTAIN = 3.0


def strategy(claim: Claim, dtype: str, *, magnitude: float = 8.0) -> st.SearchStrategy[Instance]:
    """Dimensions and arguments of a claim, before `given`, which shrink to small sizes and plain numbers.

    Args:
        claim: declares them.
        dtype: dtype of the floating arguments.
        magnitude: floating arguments lie between minus this and this.
    """
    check_dtype(dtype)

    def argument(name: str, dimensions: Dimensions) -> st.SearchStrategy[np.ndarray]:
        spec, shape = claim.arguments[name], claim.shape_of(name, dimensions)
        if isinstance(spec, Integers):
            return hnp.arrays(np.int32, shape, elements=st.integers(0, max(dimensions[spec.below] - 1, 0)))
        return arrays(shape, scale=magnitude, dtype=dtype)

    def arguments(dimensions: dict[str, int]) -> st.SearchStrategy[Instance]:
        drawn = {name: argument(name, dimensions) for name in claim.arguments}
        return st.tuples(st.just(dimensions), named(drawn))

    return sizes(**claim.dimensions).flatmap(arguments)


def smallest_counterexample(
    claim: Claim, dtype: str, seed: int = 0, *, magnitude: float = 8.0, examples: int = 200
) -> ComparedInstance | None:
    """Searches for an instance at which the claim falls, and shrinks it.

    The search evaluates the traced sides without compiling; what it finds is confirmed with compiled ones. Instances
    whose numbers are finite come first; only if there are none may a side overflow or become NaN. A statistical claim
    may fall at some point of its domain without being false, so none is searched for.

    Args:
        claim: what is claimed.
        dtype: dtype of the floating arguments.
        seed: seed of the search.
        magnitude: as for `strategy`.
        examples: how many to try before giving up.

    Returns:
        The counterexample, or None where none was found.
    """
    if isinstance(claim.tolerance, Statistical):
        return None
    instances = UncompiledSides(claim)
    conditions: tuple[Callable[[Comparison], bool], ...] = (
        lambda comparison: comparison.finite and comparison.ratio > CERTAIN,
        lambda comparison: not comparison.finite,
    )
    with jax.default_matmul_precision("highest"):
        for condition in conditions:
            instance = _find(strategy(claim, dtype, magnitude=magnitude), instances, condition, seed, examples)
            if instance is not None:
                return _confirm(instances, *instance)
    return None


def _confirm(instances: UncompiledSides, dimensions: Dimensions, drawn: Arguments) -> ComparedInstance | None:
    """The instance through compiled sides, with the tolerance that the claim names."""
    arguments = instances.prepare(dimensions, drawn)
    shape = CompiledShape(instances.claim, dimensions, (arguments,))
    (comparison,) = shape.comparisons()
    ((left, right),) = shape.results
    if comparison.holds:
        return None
    return ComparedInstance(dimensions, arguments, left.value, right.value, comparison)


def _find(
    strategy: st.SearchStrategy[Instance],
    instances: UncompiledSides,
    condition: Callable[[Comparison], bool],
    seed: int,
    examples: int,
) -> Instance | None:
    def falls(instance: Instance) -> bool:
        dimensions, drawn = instance
        try:
            _, _, comparison = instances.compare(dimensions, instances.prepare(dimensions, drawn))
        except ValueError:
            # a side that cannot be evaluated is no counterexample
            return False
        return condition(comparison)

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        # without the phase that explains, which takes longer than all others
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=(
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ),
    )
    try:
        return hypothesis.find(strategy, falls, settings=settings, random=random.Random(seed))
    except NoSuchExample:
        return None
