"""Instances that hypothesis draws, compared one by one without compiling, until one shows that the sides differ."""

from collections.abc import Callable
from dataclasses import dataclass

import hypothesis
import jax
from hypothesis import HealthCheck

from lrgd_jax.claims.arguments import Arguments, Dimensions
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.floating_counterexample import strategy
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.uncompiled_sides import UncompiledSides

__all__ = ["DrawnOutcome", "compare_drawn"]


@dataclass(frozen=True)
class DrawnOutcome:
    """What the drawn instances show.

    Attributes:
        fallen: an instance at which the sides differ for sure, shrunk; None where there was none.
        unusable: why none could be compared; None where one could.
    """

    fallen: ComparedInstance | None
    unusable: str | None


def compare_drawn(
    claim: Claim,
    dtype: str,
    *,
    examples: int,
    magnitude: float,
    function: Callable[[ComparedInstance], object] | None = None,
) -> DrawnOutcome:
    """Compares drawn instances, always the same ones, and calls a function with each.

    A statistical claim may fall at some point without being false, so at no instance does it fall for sure.

    Args:
        claim: what is claimed.
        dtype: dtype of the floating arguments.
        examples: how many instances are drawn.
        magnitude: drawn floating arguments lie between minus this and this.
        function: called with every instance that could be compared; what it raises passes.
    """
    __tracebackhide__ = True
    comparisons = _Comparisons(claim)

    def compare(drawn: tuple[dict[str, int], Arguments]) -> None:
        __tracebackhide__ = True
        instance = comparisons.compare(*drawn)
        if instance is None:
            return
        if not instance.comparison.holds and not isinstance(claim.tolerance, Statistical):
            raise _FallenError(instance)
        if function is not None:
            function(instance)

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
    )
    fallen: ComparedInstance | None = None
    try:
        with jax.default_matmul_precision("highest"):
            settings(hypothesis.given(strategy(claim, dtype, magnitude=magnitude))(compare))()
    except _FallenError as error:
        fallen = error.instance
    return DrawnOutcome(fallen, None if comparisons.compared else comparisons.unusable)


class _FallenError(Exception):
    """A drawn instance at which the sides differ for sure."""

    def __init__(self, instance: ComparedInstance) -> None:
        super().__init__(instance.comparison.reason)
        self.instance = instance


class _Comparisons:
    """Instances, one by one.

    Attributes:
        compared: how many instances decided something.
        unusable: why the last of the others did not.
    """

    def __init__(self, claim: Claim) -> None:
        self.sides = UncompiledSides(claim)
        self.compared = 0
        self.unusable = "none was drawn"

    def compare(self, dimensions: Dimensions, drawn: Arguments) -> ComparedInstance | None:
        """Compares an instance; None where a side has no value or something is not finite, which decides nothing."""
        try:
            arguments = self.sides.prepare(dimensions, drawn)
            left, right, comparison = self.sides.compare(dimensions, arguments)
        except ValueError as fault:
            self.unusable = str(fault)
            return None
        if not comparison.finite:
            self.unusable = str(comparison.reason)
            return None
        self.compared += 1
        return ComparedInstance(dimensions, arguments, left.value, right.value, comparison)
