"""All layers of a claim, one after the other: floating point on drawn instances, exact, rigorous, mutants.

Floating point is one layer a dtype: instances that hypothesis draws, evaluated without compiling, then the claim's own
shapes, compiled. A layer that fails raises an AssertionError that says what is claimed and where it falls.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict, Unpack

import jax

from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.check_claims import check_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.dtypes import DTYPES
from lrgd_jax.claims.layer_failures import (
    ExactLayer,
    fail_at_exact_layer,
    fail_at_instance,
    fail_at_own_shapes,
    heading,
    refutes,
    survivors,
    survivors_of_exact_layers,
)
from lrgd_jax.claims.lookup import find_claim
from lrgd_jax.claims.registry import load_claims
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.verdicts import Verdict

__all__ = ["LAYERS", "ClaimLayers", "LayerOptions", "LayerVerdict", "claim_layers"]

LAYERS = ("floating", "exact", "rigorous", "mutants")
"""What a claim goes through; "floating" stands for every dtype."""


@dataclass(frozen=True)
class LayerVerdict:
    """What a layer, which did not fail, said of a claim.

    Attributes:
        layer: its name: a dtype, "exact", "rigorous" or "mutants".
        verdicts: what the check of each dtype says, or the exact layers.
        skipped: why the layer does not apply; None where it does.

    Examples:
        >>> from lrgd_jax.claims.claim_template import claim
        >>> verdict = claim_layers(claim, dtypes=("float32",), examples=2).run("float32")
        >>> verdict.layer, verdict.skipped
        ('float32', None)
    """

    layer: str
    verdicts: tuple[Verdict | Certification, ...]
    skipped: str | None = None


@dataclass(frozen=True)
class ClaimLayers:
    """A claim, and the layers that a test-suite runs it through; what was computed once is kept.

    Attributes:
        claim: what is claimed.
        layers: some of `LAYERS`.
        dtypes: dtypes of the floating arguments.
        examples: how many instances hypothesis draws for each dtype.
        magnitude: drawn floating arguments lie between minus this and this.

    Raises:
        ValueError: a layer or dtype is unknown, none is named, or no example is drawn.
    """

    claim: Claim
    layers: Sequence[str] = LAYERS
    dtypes: Sequence[str] = ("float64", "float32")
    examples: int = 50
    magnitude: float = 8.0

    def __post_init__(self) -> None:
        for what, got, known in (("layers", self.layers, LAYERS), ("dtypes", self.dtypes, DTYPES)):
            if isinstance(got, str) or not got or not set(got) <= set(known):
                raise ValueError(f"{what} must be some of {known}, as a tuple; got {got!r}")
        if self.examples < 1:
            raise ValueError(f"at least one example is needed, got {self.examples}")

    @property
    def names(self) -> tuple[str, ...]:
        """The layers, with every dtype by its own name."""
        floating = tuple(self.dtypes) if "floating" in self.layers else ()
        return (*floating, *(layer for layer in LAYERS[1:] if layer in self.layers))

    def run(self, name: str, function: Callable[[ComparedInstance], object] | None = None) -> LayerVerdict:
        """Runs one layer, with JAX in 64 bits meanwhile.

        Args:
            name: one of `names`.
            function: called with every drawn instance, in the layers of floating point.

        Raises:
            AssertionError: the claim falls, or a mutant survives.
            ValueError: a side or a mutant cannot be evaluated.
        """
        __tracebackhide__ = True
        with jax.enable_x64(True):
            if name == "mutants":
                return self._run_mutants()
            if name == "exact" or name == "rigorous":
                return self._run_exact_layer(name)
            return self._run_floating(name, function)

    @cached_property
    def _certification(self) -> Certification:
        return certify_claim(self.claim, mutants="mutants" in self.layers)

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        return {}

    def _verdict(self, dtype: str) -> Verdict:
        """The verdict of the compiled sides at the claim's own shapes."""
        if dtype not in self._verdicts:
            self._verdicts[dtype] = check_claim(self.claim, dtype=dtype, mutants="mutants" in self.layers)
        return self._verdicts[dtype]

    def _run_floating(self, dtype: str, function: Callable[[ComparedInstance], object] | None) -> LayerVerdict:
        __tracebackhide__ = True
        judged = not isinstance(self.claim.tolerance, Statistical)
        unusable = self._draw(dtype, function) if judged or function is not None else None
        verdict = self._verdict(dtype)
        if verdict.failure is not None:
            fail_at_own_shapes(self.claim, verdict, self.magnitude)
        if unusable is not None:
            raise AssertionError(
                f"{heading(self.claim, dtype)}\n\nnone of {self.examples} drawn instances could be compared; the last "
                f"one: {unusable}\nchoose a magnitude below {self.magnitude:g}, narrower dimensions, or let the "
                "claim's `given` keep the arguments where the sides can be evaluated and are finite"
            )
        return LayerVerdict(dtype, (verdict,))

    def _draw(self, dtype: str, function: Callable[[ComparedInstance], object] | None) -> str | None:
        """Compares drawn instances and calls the function with each; returns why none could be compared, if so."""
        __tracebackhide__ = True
        from lrgd_jax.claims.drawn_comparisons import compare_drawn

        outcome = compare_drawn(self.claim, dtype, examples=self.examples, magnitude=self.magnitude, function=function)
        if outcome.fallen is not None:
            fail_at_instance(self.claim, dtype, outcome.fallen, self.magnitude)
        return outcome.unusable

    def _run_exact_layer(self, layer: ExactLayer) -> LayerVerdict:
        __tracebackhide__ = True
        certification = self._certification
        if refutes(certification, layer):
            fail_at_exact_layer(self.claim, layer, certification)
        certified = getattr(certification, layer) is not None
        reason = certification.reasons.get(layer) or certification.reason or "the other exact layer refutes the claim"
        return LayerVerdict(layer, (certification,), None if certified else reason)

    def _run_mutants(self) -> LayerVerdict:
        __tracebackhide__ = True
        layers: list[ExactLayer] = [layer for layer in ("exact", "rigorous") if layer in self.layers]
        # mutants fall in floating point unless other layers alone are asked for
        floating = [self._verdict(dtype) for dtype in self.dtypes] if "floating" in self.layers or not layers else []
        certified = [self._certification] if layers else []
        lines = [line for verdict in floating for line in survivors(verdict)]
        lines += [line for one in certified for line in survivors_of_exact_layers(one, layers)]
        if lines:
            raise AssertionError("\n".join([heading(self.claim, "mutants"), "", *lines]))
        tried = [*floating, *(one for one in certified if one.mutants)]
        return LayerVerdict("mutants", tuple(tried), None if tried else "no exact layer applies to the claim")


class LayerOptions(TypedDict, total=False):
    """The options of a test: the attributes of `ClaimLayers` beside the claim."""

    layers: Sequence[str]
    dtypes: Sequence[str]
    examples: int
    magnitude: float


def claim_layers(claim: Claim | str, **options: Unpack[LayerOptions]) -> ClaimLayers:
    """The layers of a claim, or of the shipped claim of a slug.

    Args:
        claim: what is claimed, or its name.
        **options: the attributes of `ClaimLayers`.

    Raises:
        ValueError: there is no such claim, or an option is no such thing.
    """
    if isinstance(claim, str):
        claim = find_claim(load_claims(), claim)
    if not isinstance(claim, Claim):
        raise ValueError(
            f"expected a Claim, or the slug of one that comes with the package; got {claim!r}. As a decorator write "
            "@given_claim(my_claim)"
        )
    return ClaimLayers(claim, **options)
