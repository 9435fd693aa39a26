"""Why a claim fell, or could not be evaluated: printed with the smallest counterexample, and turned into a code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lrgd_jax.cli.errors import FALLEN, HOLDS, exit_code_of_fault, worst

if TYPE_CHECKING:
    from rich.console import Console

    from lrgd_jax.claims import Unevaluated, Verdict
    from lrgd_jax.claims.certification import Certification
    from lrgd_jax.cli.verification_results import VerificationResults

__all__ = ["explain_certification", "explain_verdict"]


def explain_verdict(
    console: Console, results: VerificationResults, verdict: Verdict | Unevaluated, *, search: bool
) -> int:
    """Prints why a claim has no verdict, or the instance at which it fell; returns the exit code.

    Args:
        console: where to.
        results: of the command, which know the claim and the seed.
        verdict: of the claim.
        search: whether a smallest counterexample is looked for.
    """
    from lrgd_jax.claims.evaluations import attempt
    from lrgd_jax.claims.failure_texts import counterexample_text, failure_text
    from lrgd_jax.claims.floating_counterexample import smallest_counterexample
    from lrgd_jax.claims.verdicts import Unevaluated

    if isinstance(verdict, Unevaluated):
        return _explain_error(console, verdict)
    if verdict.passed:
        return HOLDS
    claim = results.claim_of(verdict.slug)
    console.print("\n" + failure_text(claim, verdict), markup=False, highlight=False)
    if verdict.holds or not search:
        return FALLEN
    smallest = partial(smallest_counterexample, claim, verdict.dtype, results.seed)
    counterexample = attempt(claim, f"{verdict.dtype}, search for a counterexample", smallest)
    if isinstance(counterexample, Unevaluated):
        return worst([FALLEN, _explain_error(console, counterexample)])
    console.print(counterexample_text(counterexample), markup=False, highlight=False)
    return FALLEN


def explain_certification(
    console: Console, results: VerificationResults, certification: Certification | Unevaluated, *, search: bool
) -> int:
    """Prints why a claim is not certified, with the smallest instance at which it falls; returns the exit code.

    Args:
        console: where to.
        results: of the command, which know the claim and the seed.
        certification: what the exact layers say of the claim.
        search: whether a smallest counterexample is looked for.
    """
    from lrgd_jax.claims.evaluations import attempt
    from lrgd_jax.claims.exact_counterexample import smallest_exact_counterexample
    from lrgd_jax.claims.failure_texts import certification_text, exact_counterexample_text
    from lrgd_jax.claims.verdicts import Unevaluated

    if isinstance(certification, Unevaluated):
        return _explain_error(console, certification)
    if certification.passed:
        return HOLDS
    claim = results.claim_of(certification.slug)
    console.print("\n" + certification_text(claim, certification), markup=False, highlight=False)
    refuted = certification.refuted
    if refuted is None or refuted.mismatch is not None or not search:
        return FALLEN
    smallest = partial(smallest_exact_counterexample, claim, refuted.dimensions, seed=results.seed)
    counterexample = attempt(claim, "exact layers, search for a counterexample", smallest)
    if isinstance(counterexample, Unevaluated):
        return worst([FALLEN, _explain_error(console, counterexample)])
    console.print(exact_counterexample_text(counterexample), markup=False, highlight=False)
    return FALLEN


def _explain_error(console: Console, unevaluated: Unevaluated) -> int:
    """Prints why something has no verdict; returns the exit code."""
    text = f"\n{unevaluated.slug} ({unevaluated.layer}): error: {unevaluated.reason}"
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    return exit_code_of_fault(unevaluated.fault, internal=unevaluated.internal)
