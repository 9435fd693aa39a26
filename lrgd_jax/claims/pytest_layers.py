"""All layers of a claim, one after the other: floating point on drawn instances, exact, rigorous, mutants.

Floating point is one layer a dtype: instances that hypothesis draws, evaluated without compiling, then the claim's own
shapes, compiled. A layer that fails raises an AssertionError that says what is claimed and where it falls.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NoReturn

import jax

from lrgd_jax.certify.exact import Disagreement
from lrgd_jax.certify.rigorous import Exclusion
from lrgd_jax.claims.arguments import Dimensions
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.certify_claims import certify_claim
from lrgd_jax.claims.check_claims import check_claim
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.dtypes import DTYPES
from lrgd_jax.claims.registry import find_claim, load_claims
from lrgd_jax.claims.tolerances import Statistical
from lrgd_jax.claims.uncompiled_sides import UncompiledSides
from lrgd_jax.claims.verdicts import Verdict

__all__ = ["LAYERS", "ClaimLayers", "LayerVerdict", "claim_layers"]

LAYERS = ("floating", "exact", "rigorous", "mutants")
"""What a claim goes through; "floating" stands for every dtype."""

Certified = Literal["exact", "rigorous"]


@dataclass(frozen=True)
class LayerVerdict:
    """What a layer, which did not fail, said of a claim.

    Attributes:
        layer: its name: a dtype, "exact", "rigorous" or "mutants".
        verdicts: what was found.
        skipped: why the layer does not apply; None where it does.
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
        dtypes: of the floating arguments.
        examples: how many instances hypothesis draws for each dtype.
        magnitude: drawn floating arguments lie between minus this and this.
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

    def run(self, name: str, function: Callable[[ComparedInstance], Any] | None = None) -> LayerVerdict:
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
                return self._mutants()
            if name == "exact" or name == "rigorous":
                return self._certified(name)
            return self._floating(name, function)

    @cached_property
    def _certification(self) -> Certification:
        return certify_claim(self.claim, mutants="mutants" in self.layers)

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        return {}

    def _verdict(self, dtype: str) -> Verdict:
        """Of the compiled sides at the claim's own shapes."""
        if dtype not in self._verdicts:
            self._verdicts[dtype] = check_claim(self.claim, dtype=dtype, mutants="mutants" in self.layers)
        return self._verdicts[dtype]

    def _floating(self, dtype: str, function: Callable[[ComparedInstance], Any] | None) -> LayerVerdict:
        __tracebackhide__ = True
        judged = not isinstance(self.claim.tolerance, Statistical)
        unusable = self._draw(dtype, function) if judged or function is not None else None
        verdict = self._verdict(dtype)
        if verdict.failure is not None:
            self._fail_at_own_shapes(verdict)
        if unusable is not None:
            raise AssertionError(
                f"{self._head(dtype)}\n\nnone of {self.examples} drawn instances could be compared; the last one: "
                f"{unusable}\nchoose a magnitude below {self.magnitude:g}, narrower dimensions, or let the claim's "
                "`given` keep the arguments where the sides can be evaluated and are finite"
            )
        return LayerVerdict(dtype, (verdict,))

    def _draw(self, dtype: str, function: Callable[[ComparedInstance], Any] | None) -> str | None:
        """Compares drawn instances and calls the function with each; returns why none could be compared, if so."""
        __tracebackhide__ = True
        import hypothesis
        from hypothesis import HealthCheck

        from lrgd_jax.claims.floating_counterexample import strategy

        evaluate = _Comparisons(self.claim)

        def each(drawn: tuple[dict[str, int], dict[str, Any]]) -> None:
            __tracebackhide__ = True
            instance = evaluate(*drawn)
            if instance is None:
                return
            # a statistical claim may fall at some point without being false
            if not instance.comparison.holds and not isinstance(self.claim.tolerance, Statistical):
                raise _FallenError(instance)
            if function is not None:
                function(instance)

        settings = hypothesis.settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
        )
        drawn = strategy(self.claim, dtype, magnitude=self.magnitude)
        fallen: ComparedInstance | None = None
        try:
            with jax.default_matmul_precision("highest"):
                settings(hypothesis.given(drawn)(each))()
        except _FallenError as error:
            fallen = error.instance
        # outside of the handler, so that the report shows one exception
        if fallen is not None:
            self._fail_at(dtype, fallen)
        return None if evaluate.compared else evaluate.unusable

    def _certified(self, layer: Certified) -> LayerVerdict:
        __tracebackhide__ = True
        found = self._certification
        if _refutes(found, layer):
            self._fail_certified(layer)
        certified = getattr(found, layer) is not None
        reason = found.reasons.get(layer) or found.reason or "the other exact layer refutes the claim"
        return LayerVerdict(layer, (found,), None if certified else reason)

    def _mutants(self) -> LayerVerdict:
        __tracebackhide__ = True
        layers: list[Certified] = [layer for layer in ("exact", "rigorous") if layer in self.layers]
        # mutants fall in floating point unless other layers alone are asked for
        floating = [self._verdict(dtype) for dtype in self.dtypes] if "floating" in self.layers or not layers else []
        certified = [self._certification] if layers else []
        lines = [line for verdict in floating for line in _survivors(verdict)]
        lines += [line for found in certified for line in _survivors_of(found, layers)]
        if lines:
            raise AssertionError("\n".join([self._head("mutants"), "", *lines]))
        tried = [*floating, *(found for found in certified if found.mutants)]
        return LayerVerdict("mutants", tuple(tried), None if tried else "no exact layer applies to the claim")

    def _head(self, layer: str) -> str:
        return f"{self.claim.slug} ({layer}): {self.claim.title}\n{self.claim.statement.strip()}"

    def _fail_at(self, dtype: str, instance: ComparedInstance) -> NoReturn:
        """The smallest instance that compiled sides confirm, or else the drawn one, which hypothesis has shrunk."""
        __tracebackhide__ = True
        from lrgd_jax.claims.failure_texts import counterexample_text
        from lrgd_jax.claims.floating_counterexample import smallest_counterexample

        found = smallest_counterexample(self.claim, dtype, magnitude=self.magnitude)
        # one that overflows would hide that the sides differ where all is finite
        found = found if found is not None and found.comparison.finite else instance
        reason = f"falls: {found.comparison.reason}"
        raise AssertionError("\n".join([self._head(dtype), "", reason, counterexample_text(found)]))

    def _fail_at_own_shapes(self, verdict: Verdict) -> NoReturn:
        __tracebackhide__ = True
        from lrgd_jax.claims.failure_texts import counterexample_text, failure_text
        from lrgd_jax.claims.floating_counterexample import smallest_counterexample

        text, failure = failure_text(self.claim, replace(verdict, mutants=())), verdict.failure
        if failure is not None and failure.instance is not None:
            text += f"\n  left  = {failure.left}\n  right = {failure.right}"
            text += f"\n  largest error/tolerance of {verdict.instances} instances: {verdict.worst_ratio:.2g}"
        smaller = smallest_counterexample(self.claim, verdict.dtype, magnitude=self.magnitude)
        raise AssertionError(f"{text}\n{counterexample_text(smaller)}")

    def _fail_certified(self, layer: Certified) -> NoReturn:
        __tracebackhide__ = True
        from lrgd_jax.claims.exact_counterexample import smallest_exact_counterexample
        from lrgd_jax.claims.failure_texts import certification_text, exact_counterexample_text

        text = certification_text(self.claim, replace(self._certification, mutants=()))
        evidence = text.split("\n")[1:]  # below its own heading
        refuted = self._certification.refuted
        if refuted is not None and refuted.mismatch is None:
            smaller = smallest_exact_counterexample(self.claim, refuted.dimensions)
            evidence.append(exact_counterexample_text(smaller))
        raise AssertionError("\n".join([self._head(layer), "", *evidence]))


def claim_layers(claim: Claim | str, **options: Any) -> ClaimLayers:
    """The layers of a claim, or of the shipped claim of a slug; the options are the attributes of `ClaimLayers`.

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


class _FallenError(Exception):
    """A drawn instance at which the sides differ for sure."""

    def __init__(self, instance: ComparedInstance) -> None:
        super().__init__(instance.comparison.reason)
        self.instance = instance


class _Comparisons:
    """Instances that hypothesis draws, one by one.

    Attributes:
        compared: how many instances decided something.
        unusable: why the last of the others did not.
    """

    def __init__(self, claim: Claim) -> None:
        self.instances = UncompiledSides(claim)
        self.compared = 0
        self.unusable = "none was drawn"

    def __call__(self, dimensions: Dimensions, drawn: dict[str, Any]) -> ComparedInstance | None:
        """None where a side cannot be evaluated or something is not finite, which decides nothing."""
        try:
            arguments = self.instances.prepare(dimensions, drawn)
            left, right, comparison = self.instances.compare(dimensions, arguments)
        except ValueError as fault:
            self.unusable = str(fault)
            return None
        if not comparison.finite:
            self.unusable = str(comparison.reason)
            return None
        self.compared += 1
        return ComparedInstance(dimensions, arguments, left.value, right.value, comparison)


def _refutes(found: Certification, layer: Certified) -> bool:
    """Whether this layer itself shows that the sides differ (or cannot be compared), and not the other one alone."""
    if any(shape.mismatch for shape in found.shapes):
        return True
    verdicts = [getattr(shape, layer) for shape in found.shapes]
    return any(isinstance(one, Exclusion) or (isinstance(one, Disagreement) and one.certain) for one in verdicts)


def _survivors(verdict: Verdict) -> list[str]:
    return [
        f"mutant not rejected in {verdict.dtype}: {mutant.name} ({mutant.reason}; {mutant.instances} instances)"
        for mutant in verdict.mutants
        if not mutant.rejected
    ]


def _survivors_of(found: Certification, layers: Sequence[Certified]) -> list[str]:
    """As `MutantLayers.rejected`, for some of the layers."""
    if found.refuted is not None or all(getattr(found, layer) is None for layer in layers):
        return []
    lines = []
    for mutant in found.mutants:
        said = {layer: getattr(mutant, layer) for layer in layers if getattr(mutant, layer) is not None}
        alive = [layer for layer, rejected in said.items() if not rejected]
        if alive or not said:
            lines.append(
                f"mutant not rejected: {mutant.name} ({' and '.join(alive) or 'no exact layer applies to it'})"
            )
    return lines
