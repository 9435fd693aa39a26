"""How a layer fails in a test-suite: an AssertionError that says what is claimed, and where it falls."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NoReturn

from lrgd_jax.certify.verdicts.enclosures import Exclusion
from lrgd_jax.certify.verdicts.random_fields import Disagreement
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.verdicts import Verdict

__all__ = [
    "ExactLayer",
    "fail_at_exact_layer",
    "fail_at_instance",
    "fail_at_own_shapes",
    "heading",
    "refutes",
    "survivors",
    "survivors_of_exact_layers",
]

ExactLayer = Literal["exact", "rigorous"]


def heading(claim: Claim, layer: str) -> str:
    """What is claimed, and at which layer."""
    return f"{claim.slug} ({layer}): {claim.title}\n{claim.statement.strip()}"


def fail_at_instance(claim: Claim, dtype: str, instance: ComparedInstance, magnitude: float) -> NoReturn:
    """Fails with the smallest instance that compiled sides confirm, or else the drawn one, which is shrunk too."""
    __tracebackhide__ = True
    from lrgd_jax.claims.failure_texts import counterexample_text
    from lrgd_jax.claims.floating_counterexample import smallest_counterexample

    smallest = smallest_counterexample(claim, dtype, magnitude=magnitude)
    # one that overflows would hide that the sides differ where all is finite
    shown = smallest if smallest is not None and smallest.comparison.finite else instance
    reason = f"falls: {shown.comparison.reason}"
    raise AssertionError("\n".join([heading(claim, dtype), "", reason, counterexample_text(shown)]))


def fail_at_own_shapes(claim: Claim, verdict: Verdict, magnitude: float) -> NoReturn:
    """Fails with the instance of the claim's own shapes at which it fell, and a smaller one if there is one."""
    __tracebackhide__ = True
    from lrgd_jax.claims.failure_texts import counterexample_text, failure_text
    from lrgd_jax.claims.floating_counterexample import smallest_counterexample

    text, failure = failure_text(claim, replace(verdict, mutants=())), verdict.failure
    if failure is not None and failure.instance is not None:
        text += f"\n  left  = {failure.left}\n  right = {failure.right}"
        text += f"\n  largest error/tolerance of {verdict.instances} instances: {verdict.worst_ratio:.2g}"
    smaller = smallest_counterexample(claim, verdict.dtype, magnitude=magnitude)
    raise AssertionError(f"{text}\n{counterexample_text(smaller)}")


def fail_at_exact_layer(claim: Claim, layer: ExactLayer, certification: Certification) -> NoReturn:
    """Fails with what an exact layer says, and the smallest instance that exact arithmetic tells apart."""
    __tracebackhide__ = True
    from lrgd_jax.claims.exact_counterexample import smallest_exact_counterexample
    from lrgd_jax.claims.failure_texts import certification_text, exact_counterexample_text

    text = certification_text(claim, replace(certification, mutants=()))
    evidence = text.split("\n")[1:]  # below its own heading
    refuted = certification.refuted
    if refuted is not None and refuted.mismatch is None:
        evidence.append(exact_counterexample_text(smallest_exact_counterexample(claim, refuted.dimensions)))
    raise AssertionError("\n".join([heading(claim, layer), "", *evidence]))


def refutes(certification: Certification, layer: ExactLayer) -> bool:
    """Whether this layer itself shows that the sides differ (or cannot be compared), and not the other one alone."""
    if any(shape.mismatch for shape in certification.shapes):
        return True
    verdicts = [getattr(shape, layer) for shape in certification.shapes]
    return any(isinstance(one, Exclusion) or (isinstance(one, Disagreement) and one.certain) for one in verdicts)


def survivors(verdict: Verdict) -> list[str]:
    """One line a mutant that floating point does not reject."""
    return [
        f"mutant not rejected in {verdict.dtype}: {mutant.name} ({mutant.reason}; {mutant.instances} instances)"
        for mutant in verdict.mutants
        if not mutant.rejected
    ]


def survivors_of_exact_layers(certification: Certification, layers: Sequence[ExactLayer]) -> list[str]:
    """One line a mutant that some of the layers do not reject, as `MutantLayers.rejected` says of all."""
    if certification.refuted is not None or all(getattr(certification, layer) is None for layer in layers):
        return []
    lines = []
    for mutant in certification.mutants:
        said = {layer: getattr(mutant, layer) for layer in layers if getattr(mutant, layer) is not None}
        alive = [layer for layer, rejected in said.items() if not rejected]
        if alive or not said:
            lines.append(
                f"mutant not rejected: {mutant.name} ({' and '.join(alive) or 'no exact layer applies to it'})"
            )
    return lines
