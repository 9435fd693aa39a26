"""Why a claim fell, in plain text: what is claimed, the instance, both sides, and error over tolerance."""

from collections.abc import Mapping

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import PyTree

from lrgd_jax.certify.answers.result_texts import nested_text
from lrgd_jax.certify.rounding.constants import constants_in_use
from lrgd_jax.certify.verdicts.enclosures import Exclusion
from lrgd_jax.certify.verdicts.random_fields import Disagreement
from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.claim import Claim
from lrgd_jax.claims.comparison import ComparedInstance
from lrgd_jax.claims.exact_counterexample import ExactCounterexample
from lrgd_jax.claims.verdicts import Verdict

__all__ = [
    "certification_text",
    "counterexample_text",
    "exact_counterexample_text",
    "failure_text",
    "number_text",
    "sizes_text",
]


def failure_text(claim: Claim, verdict: Verdict) -> str:
    """What is claimed, and the instance or the mutant at which the check fell."""
    lines = [f"{claim.slug} ({verdict.dtype}): {claim.title}", claim.statement.strip()]
    if verdict.failure is not None:
        failure = verdict.failure
        lines += ["", f"falls: {failure.reason}", f"  dimensions: {sizes_text(failure.dimensions)}"]
        if failure.instance is not None:
            lines.append(f"  random instance: {failure.instance}")
        lines.append(f"  {constants_in_use().text}")
    lines += [
        f"mutant not rejected: {mutant.name} ({mutant.reason}; {mutant.instances} instances)"
        for mutant in verdict.mutants
        if not mutant.rejected
    ]
    return "\n".join(lines)


def certification_text(claim: Claim, certification: Certification) -> str:
    """Why a claim is not certified: the shape at which its sides differ, or the mutants that survive."""
    lines = [f"{claim.slug} (exact layers): {claim.title}"]
    refuted = certification.refuted
    if refuted is not None and refuted.mismatch is not None:
        lines.append(f"falls at {sizes_text(refuted.dimensions)}: {refuted.mismatch}")
    elif refuted is not None:
        lines.append(f"falls: the sides differ at {sizes_text(refuted.dimensions)}")
        if isinstance(refuted.exact, Disagreement):
            lines.append(f"  in {refuted.exact.entries} entries at a random point of GF({refuted.exact.modulus})")
        if isinstance(refuted.rigorous, Exclusion):
            one = refuted.rigorous
            lines += [
                f"  by at least {one.difference} ({one.bits} bits)",
                f"  left  = {one.left}",
                f"  right = {one.right}",
            ]
    elif certification.exact is None and certification.rigorous is None:
        lines += [f"not certified; {layer}: {reason}" for layer, reason in certification.reasons.items()]
    for mutant in certification.mutants:
        passed = [layer for layer in ("exact", "rigorous") if getattr(mutant, layer) is False]
        if not mutant.rejected:
            lines.append(f"mutant not rejected: {mutant.name} ({' and '.join(passed) or 'no layer applies to it'})")
    return "\n".join(lines)


def counterexample_text(instance: ComparedInstance | None) -> str:
    """The smallest counterexample, argument by argument."""
    if instance is None:
        return "no smaller counterexample was found"
    comparison = instance.comparison
    arguments = [f"  {name} = {_array(value)}" for name, value in instance.arguments.items()]
    return "\n".join(
        [
            "smallest counterexample:",
            f"  dimensions: {sizes_text(instance.dimensions)}",
            *arguments,
            f"  left  = {_tree(instance.left)}",
            f"  right = {_tree(instance.right)}",
            f"  error/tolerance = {number_text(comparison.difference)} / {number_text(comparison.tolerance)}"
            f" = {number_text(comparison.ratio)}",
        ]
    )


def exact_counterexample_text(counterexample: ExactCounterexample | None) -> str:
    """The smallest counterexample in exact arithmetic, argument by argument, and where the sides part."""
    if counterexample is None:
        return "no point was found at which rational numbers or balls tell the sides apart"
    difference, names = counterexample.difference, ("left", "right")
    results = zip(names, (difference.left, difference.right), strict=True)
    return "\n".join(
        [
            f"smallest counterexample in {difference.numbers}:",
            f"  dimensions: {sizes_text(counterexample.dimensions)}",
            *(f"  {name} = {_array(value)}" for name, value in counterexample.arguments.items()),
            *(f"  {side:5} = {', '.join(nested_text(x) for x in result)}" for side, result in results),
            f"  they differ by at least {difference.apart}",
            *(
                f"  {line}"
                for line in ([] if counterexample.parting is None else counterexample.parting.lines(names, nested_text))
            ),
        ]
    )


def number_text(x: float | None) -> str:
    """Two digits."""
    return "-" if x is None else f"{x:.2g}"


def sizes_text(dimensions: Mapping[str, int]) -> str:
    """Names and sizes of the dimensions."""
    return ", ".join(f"{name} = {size}" for name, size in dimensions.items()) or "none"


def _array(x: ArrayLike) -> str:
    array = np.asarray(x)
    return f"empty, shape {list(array.shape)}" if not array.size else str(array.tolist())


def _tree(tree: PyTree) -> str:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    if len(leaves) == 1 and not leaves[0][0]:
        return _array(leaves[0][1])
    return "; ".join(
        f"{jax.tree_util.keystr(path, simple=True, separator=', ')}: {_array(leaf)}" for path, leaf in leaves
    )
