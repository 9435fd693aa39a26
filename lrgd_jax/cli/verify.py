"""`lrgd verify`: check claims, and a real checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.claim_groups import asks_for_misquoted, keep_groups
from lrgd_jax.cli.errors import BAD_INPUT, FALLEN, HOLDS, INTERRUPTED, complain, worst
from lrgd_jax.cli.files import make_folder, require_writable
from lrgd_jax.cli.options import LARGEST_SEED, ClaimsPath, Scheduler, require_at_least_one
from lrgd_jax.cli.verify_options import ModelOptions, model_options, parse_dtypes

if TYPE_CHECKING:
    from lrgd_jax.claims import Claim
    from lrgd_jax.claims.decoder_check import DecoderVerdict
    from lrgd_jax.claims.evaluation_processes import EvaluationOptions
    from lrgd_jax.cli.verification_results import VerificationResults

__all__ = ["evaluate_claims", "refute_quoted", "verify"]


def verify(
    slugs: Annotated[list[str] | None, typer.Argument(help="Which claims; all of them if none is named.")] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="Only claims of these groups, by letter or word, such as A or attention,effect; misquoted: the claims "
            "with a wrong version that is quoted for the right one, each refuted by its smallest counterexample."
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Dtypes to check in: float64, float32 or bfloat16; several with commas.")
    ] = "float64",
    instances: Annotated[
        int,
        typer.Option(
            help="Number of random instances of every shape; a quarter as many for deep claims. From a thousand on, "
            "one program is compiled for all of them where the claim allows it."
        ),
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the random instances.")] = 0,
    model: Annotated[
        Path | None,
        typer.Option(help="A Hugging Face directory, a GGUF file, or smollm2; verified in the first dtype."),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="Its lines are demonstrations, the last one the query.")] = None,
    prompt_file: Annotated[Path | None, typer.Option(help="A file with the prompt.")] = None,
    demonstrations: Annotated[
        str | None, typer.Option(help="How many lines are demonstrations, or ranges of tokens: 0:20,20:41.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Number of greedy tokens of the model.")] = 200,
    exact: Annotated[
        bool, typer.Option("--exact", help="Certify the claims too: in exact, modular and ball arithmetic.")
    ] = False,
    certificates: Annotated[
        Path | None, typer.Option(help="Write a certificate of each claim into this folder; implies --exact.")
    ] = None,
    no_mutants: Annotated[bool, typer.Option("--no-mutants", help="Do not try the mutants.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.")] = None,
    claims_path: ClaimsPath = None,
    scheduler: Scheduler = None,
) -> None:
    """Check claims in floating point and, with --exact, in exact arithmetic; or a checkpoint as a chain of duals.

    A claim that cannot be evaluated is a row of its own, and the others go on; --json and --certificates are written
    after every claim.

    Exit code 0: everything holds; 1: a claim or the model fell, or a mutant survived; 2: bad input, or a claim's own
    functions cannot be evaluated; 3: internal error; 130: interrupted. Of several the worst counts: 3, then 2, then 1.
    """
    dtypes = parse_dtypes(dtype)
    options = model_options(model, prompt, prompt_file, demonstrations, steps)
    require_at_least_one({"--instances": instances})
    require_writable({"--json": json})
    if certificates is not None:
        make_folder("--certificates", certificates)
    exact = exact or certificates is not None
    _configure_jax([*dtypes, "float64"] if exact else dtypes)
    chosen = keep_groups(_choose(slugs or (), claims_path or (), everything=options is None), group)

    from lrgd_jax.claims.evaluation_processes import EvaluationOptions
    from lrgd_jax.cli.verification_results import VerificationResults

    results = VerificationResults(chosen, dtypes, seed, exact, json, certificates)
    interrupted = False
    try:
        results.decoder = None if options is None else _verify_model(options, dtypes[0])
        results.write()
        evaluate_claims(results, EvaluationOptions(instances, seed, not no_mutants), claims_path or (), scheduler)
        if asks_for_misquoted(group):
            refute_quoted(results)
    except KeyboardInterrupt:
        interrupted = True
        results.write()
    code = _show(results, mutants=not no_mutants, explained=not interrupted)
    if interrupted:
        complain("interrupted: {} of {} evaluations are done".format(*results.done))
        code = INTERRUPTED
    if code:
        raise typer.Exit(code)


def _configure_jax(dtypes: Sequence[str]) -> None:
    import jax

    if "float64" in dtypes:
        jax.config.update("jax_enable_x64", True)


def _choose(slugs: Sequence[str], paths: Sequence[Path], *, everything: bool) -> list[Claim]:
    from lrgd_jax.claims import find_claim, load_claims

    known = load_claims(paths)
    if slugs:
        return [find_claim(known, slug) for slug in dict.fromkeys(slugs)]
    return list(known.values()) if everything else []


def evaluate_claims(
    results: VerificationResults, options: EvaluationOptions, paths: Sequence[Path], scheduler: str | None
) -> None:
    """Every dtype of a claim, one dtype after the other, and then the exact layers."""
    from lrgd_jax.claims.certify_claims import EXACT_LAYERS
    from lrgd_jax.claims.evaluation_processes import count_processes, evaluate_elsewhere, evaluations_of
    from lrgd_jax.claims.evaluations import evaluate_each
    from lrgd_jax.cli.terminal import progress_bar
    from lrgd_jax.executors import dask_workers, local_processes

    layers = [*results.dtypes, *([EXACT_LAYERS] if results.exact else [])]
    asked = [one for layer in layers for one in evaluations_of(results.claims, layer, options)]
    processes = count_processes(len(asked))
    with contextlib.ExitStack() as stack:
        if scheduler is not None:
            executor = stack.enter_context(dask_workers(scheduler))
        elif processes > 1:
            executor = stack.enter_context(local_processes(processes))
        else:
            executor = None
        evaluations = (
            evaluate_each(asked, workers=2)
            if executor is None
            else evaluate_elsewhere(asked, options, executor, paths=paths)
        )
        bar = stack.enter_context(progress_bar())
        stack.enter_context(contextlib.closing(evaluations))
        task = bar.add_task("claims", total=len(asked))
        for place, found in evaluations:
            results.add(place, found)
            bar.update(task, advance=1, description=f"{found.slug}, {asked[place][1]}")


def refute_quoted(results: VerificationResults) -> None:
    """The smallest counterexample to each wrong version that is quoted for the right one."""
    from lrgd_jax.claims.misquotations import refute_misquotations

    results.refutations = refute_misquotations(results.claims, seed=results.seed)
    results.write()


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


def _show(results: VerificationResults, *, mutants: bool, explained: bool) -> int:
    """Prints everything, and why what fell did, if time is left to search for that; returns the exit code."""
    from lrgd_jax.certify.rounding.constants import constants_in_use
    from lrgd_jax.cli.terminal import results_console
    from lrgd_jax.cli.verify_failures import explain_certification, explain_verdict
    from lrgd_jax.report.misquotations import misquotation_lines
    from lrgd_jax.report.verdict_tables import certification_table, condition_lines, decoder_table, verdict_table

    console, codes = results_console(), [HOLDS]
    if results.verdicts:
        console.print(verdict_table(results.verdicts, mutants=mutants, constants=constants_in_use().text))
    if results.decoder is not None:
        console.print(decoder_table(results.decoder))
        for text in (*results.decoder.notes, results.decoder.greedy.text):
            if text:
                console.print(text, markup=False, highlight=False)
        codes.append(HOLDS if results.decoder.holds else FALLEN)
    codes += [explain_verdict(console, results, verdict, search=explained) for verdict in results.verdicts]
    if results.certified:
        console.print(certification_table(results.certified, mutants=mutants))
        for line in condition_lines(results.certified):
            console.print(line, markup=False, highlight=False)
    codes += [explain_certification(console, results, one, search=explained) for one in results.certified]
    for refutation in results.refutations or ():
        console.print("\n".join(misquotation_lines(refutation)), markup=False, highlight=False)
    for what, error in results.unwritten.items():
        complain(f"{what} cannot be written: {error.strerror or error}; the results stand above")
        codes.append(BAD_INPUT)
    return worst(codes)
