"""`lrgd verify`: check claims, and a real checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.claims import ClaimsPath
from lrgd_jax.cli.errors import BAD_INPUT, FALLEN, HOLDS, INTERRUPTED, blamed, complain, worst
from lrgd_jax.cli.verify_options import ModelOptions, dtypes_of, folder, model_options, writable

if TYPE_CHECKING:
    from rich.console import Console

    from lrgd_jax.claims import Claim, Unevaluated, Verdict
    from lrgd_jax.claims.certification import Certification
    from lrgd_jax.claims.decoder_check import DecoderVerdict
    from lrgd_jax.cli.verification_results import VerificationResults

__all__ = ["verify"]


def verify(
    slugs: Annotated[list[str] | None, typer.Argument(help="Which claims; all of them if none is named.")] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Only claims of these groups, by letter or word, such as A or attention,effect."),
    ] = None,
    dtype: Annotated[str, typer.Option(help="float64, float32 or bfloat16; several with commas.")] = "float64",
    instances: Annotated[
        int, typer.Option(help="Random instances of every shape; a quarter as many for deep claims.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the random instances.")] = 0,
    model: Annotated[
        Path | None,
        typer.Option(help="A Hugging Face directory, a GGUF file, or smollm2; verified in the first dtype."),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="Its lines are demonstrations, the last one the query.")] = None,
    prompt_file: Annotated[Path | None, typer.Option(help="A file with the prompt.")] = None,
    demonstrations: Annotated[
        str | None, typer.Option(help="How many lines are demonstrations, or ranges of tokens: 0:20,20:41.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Greedy tokens of the model.")] = 200,
    exact: Annotated[
        bool, typer.Option("--exact", help="Certify the claims too: in exact, modular and ball arithmetic.")
    ] = False,
    certificates: Annotated[
        Path | None, typer.Option(help="Write a certificate of each claim into this folder; implies --exact.")
    ] = None,
    no_mutants: Annotated[bool, typer.Option("--no-mutants", help="Do not try the mutants.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.")] = None,
    claims_path: ClaimsPath = None,
) -> None:
    """Check claims in floating point and, with --exact, in exact arithmetic; or a checkpoint as a chain of duals.

    A claim that cannot be evaluated is a row of its own, and the others go on; --json and --certificates are written
    after every claim.

    Exit code 0: everything holds; 1: a claim or the model fell, or a mutant survived; 2: bad input, or a claim's own
    functions cannot be evaluated; 3: internal error; 130: interrupted. Of several the worst counts: 3, then 2, then 1.
    """
    dtypes = dtypes_of(dtype)
    options = model_options(model, prompt, prompt_file, demonstrations, steps)
    if instances < 1:
        raise ValueError(f"--instances must be at least 1, got {instances}")
    if json is not None:
        writable(json)
    if certificates is not None:
        folder(certificates)
    exact = exact or certificates is not None
    _prepare([*dtypes, "float64"] if exact else dtypes)
    chosen = _of_groups(_chosen(slugs or (), claims_path or (), everything=options is None), group)

    from lrgd_jax.cli.verification_results import VerificationResults

    findings = VerificationResults(chosen, dtypes, seed, exact, json, certificates)
    interrupted = False
    try:
        findings.decoder = None if options is None else _verify_model(options, dtypes[0])
        findings.write()
        _verify_claims(findings, instances, mutants=not no_mutants)
        _certify_claims(findings, mutants=not no_mutants)
    except KeyboardInterrupt:
        interrupted = True
        findings.write()
    code = _show(findings, mutants=not no_mutants, explained=not interrupted)
    if interrupted:
        complain("interrupted: {} of {} evaluations are done".format(*findings.done))
        code = INTERRUPTED
    if code:
        raise typer.Exit(code)


def _prepare(dtypes: Sequence[str]) -> None:
    import jax

    if "float64" in dtypes:
        jax.config.update("jax_enable_x64", True)


def _chosen(slugs: Sequence[str], paths: Sequence[Path], *, everything: bool) -> list[Claim]:
    from lrgd_jax.claims import find_claim, load_claims

    known = load_claims(paths)
    if slugs:
        return [find_claim(known, slug) for slug in dict.fromkeys(slugs)]
    return list(known.values()) if everything else []


def _of_groups(chosen: list[Claim], groups: str | None) -> list[Claim]:
    if groups is None:
        return chosen
    from lrgd_jax.claims.groups import group_letter, group_name

    names = [name.strip() for name in groups.split(",")]
    known = sorted({group_letter(claim.group) for claim in chosen})
    unknown = [name for name in names if group_letter(name) not in known]
    if unknown:
        there = ", ".join(map(group_name, known))
        raise ValueError(f"--group {groups}: there are no claims of {unknown[0]!r}; there are {there}")
    wanted = set(map(group_letter, names))
    return [claim for claim in chosen if group_letter(claim.group) in wanted]


def _verify_claims(findings: VerificationResults, instances: int, *, mutants: bool) -> None:
    from lrgd_jax.claims.check_claims import checks_of
    from lrgd_jax.claims.evaluations import evaluate_each
    from lrgd_jax.cli.terminal import progress_bar

    checks = checks_of(findings.claims, findings.dtypes, instances=instances, seed=findings.seed, mutants=mutants)
    with progress_bar() as bar, contextlib.closing(evaluate_each(checks, workers=2)) as found:
        task = bar.add_task("claims", total=len(checks))
        for place, verdict in found:
            findings.checked(place, verdict)
            bar.update(task, advance=1, description=verdict.slug)


def _certify_claims(findings: VerificationResults, *, mutants: bool) -> None:
    from lrgd_jax.claims.certify_claims import certifications_of
    from lrgd_jax.claims.evaluations import evaluate_each
    from lrgd_jax.cli.terminal import progress_bar

    if not findings.exact:
        return
    with progress_bar() as bar:
        task = bar.add_task("exact layers", total=len(findings.claims))
        for place, one in evaluate_each(certifications_of(findings.claims, seed=findings.seed, mutants=mutants)):
            findings.certify(place, one)
            bar.update(task, advance=1, description=f"{one.slug}, exact layers")


def _verify_model(options: ModelOptions, dtype: str) -> DecoderVerdict:
    from lrgd_jax.claims.decoder_check import verify_decoder
    from lrgd_jax.cli.terminal import progress_bar

    with progress_bar() as bar:
        task = bar.add_task("model", total=100)
        return verify_decoder(
            options.directory,
            options.prompt,
            options.demonstrations,
            dtype=dtype,
            steps=options.steps,
            progress=lambda stage, share: bar.update(task, completed=int(100 * share), description=stage),
        )


def _show(findings: VerificationResults, *, mutants: bool, explained: bool) -> int:
    """Prints everything, and why what fell did, if time is left to search for that; returns the exit code."""
    from lrgd_jax.certify.rounding.constants import constants_in_use
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.report.verdict_tables import certification_table, condition_lines, decoder_table, verdict_table

    console, codes = results_console(), [HOLDS]
    if findings.verdicts:
        console.print(verdict_table(findings.verdicts, mutants=mutants, constants=constants_in_use().text))
    if findings.decoder is not None:
        console.print(decoder_table(findings.decoder))
        for text in (*findings.decoder.notes, findings.decoder.greedy.text):
            if text:
                console.print(text, markup=False, highlight=False)
        codes.append(HOLDS if findings.decoder.holds else FALLEN)
    codes += [_explain(console, findings, verdict, searched=explained) for verdict in findings.verdicts]
    if findings.certified:
        console.print(certification_table(findings.certified, mutants=mutants))
        for line in condition_lines(findings.certified):
            console.print(line, markup=False, highlight=False)
    codes += [_explain_certified(console, findings, found, searched=explained) for found in findings.certified]
    for what, error in findings.unwritten.items():
        complain(f"{what} cannot be written: {error.strerror or error}; the results stand above")
        codes.append(BAD_INPUT)
    return worst(codes)


def _explain(console: Console, findings: VerificationResults, verdict: Verdict | Unevaluated, *, searched: bool) -> int:
    """Prints why a claim has no verdict, or the instance at which it fell; returns the exit code."""
    from lrgd_jax.claims.evaluations import attempt
    from lrgd_jax.claims.failure_texts import counterexample_text, failure_text
    from lrgd_jax.claims.floating_counterexample import smallest_counterexample
    from lrgd_jax.claims.verdicts import Unevaluated

    if isinstance(verdict, Unevaluated):
        return _error(console, verdict)
    if verdict.passed:
        return HOLDS
    claim = next(claim for claim in findings.claims if claim.slug == verdict.slug)
    console.print("\n" + failure_text(claim, verdict), markup=False, highlight=False)
    if verdict.holds or not searched:
        return FALLEN
    search = partial(smallest_counterexample, claim, verdict.dtype, findings.seed)
    found = attempt(claim, f"{verdict.dtype}, search for a counterexample", search)
    if isinstance(found, Unevaluated):
        return worst([FALLEN, _error(console, found)])
    console.print(counterexample_text(found), markup=False, highlight=False)
    return FALLEN


def _explain_certified(
    console: Console, findings: VerificationResults, found: Certification | Unevaluated, *, searched: bool
) -> int:
    """Prints why a claim is not certified, with the smallest instance at which it falls; returns the exit code."""
    from lrgd_jax.claims.evaluations import attempt
    from lrgd_jax.claims.exact_counterexample import smallest_exact_counterexample
    from lrgd_jax.claims.failure_texts import certification_text, exact_counterexample_text
    from lrgd_jax.claims.verdicts import Unevaluated

    if isinstance(found, Unevaluated):
        return _error(console, found)
    if found.passed:
        return HOLDS
    claim = next(claim for claim in findings.claims if claim.slug == found.slug)
    console.print("\n" + certification_text(claim, found), markup=False, highlight=False)
    refuted = found.refuted
    if refuted is None or refuted.mismatch is not None or not searched:
        return FALLEN
    search = partial(smallest_exact_counterexample, claim, refuted.dimensions, seed=findings.seed)
    smallest = attempt(claim, "exact layers, search for a counterexample", search)
    if isinstance(smallest, Unevaluated):
        return worst([FALLEN, _error(console, smallest)])
    console.print(exact_counterexample_text(smallest), markup=False, highlight=False)
    return FALLEN


def _error(console: Console, found: Unevaluated) -> int:
    """Prints why something has no verdict; returns the exit code."""
    text = f"\n{found.slug} ({found.layer}): error: {found.reason}"
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    return blamed(found.fault, internal=found.internal)
