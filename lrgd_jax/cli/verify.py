"""`lrgd verify`: check claims, and a real checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.claims import ClaimsPath
from lrgd_jax.cli.errors import BAD_INPUT, FALLEN, bad_input, complain
from lrgd_jax.cli.options import ModelOptions, dtypes_of, folder, model_options, writable

if TYPE_CHECKING:
    from rich.console import Console

    from lrgd_jax.claims import Claim, Verdict
    from lrgd_jax.claims.certified import Certification
    from lrgd_jax.claims.real_decoder import DecoderVerdict

__all__ = ["verify"]


def verify(
    slugs: Annotated[list[str] | None, typer.Argument(help="Which claims; all of them if none is named.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Only claims of these parts, such as A or A,B; all parts unless given.")
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

    Exit code 0: everything holds; 1: a claim or the model fell, or a mutant survived; 2: bad input.
    """
    with bad_input():
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
        decoder = None if options is None else _verify_model(options, dtypes[0])
        verdicts = _verify_claims(chosen, dtypes, instances, seed, mutants=not no_mutants)
        certified = _certify_claims(chosen if exact else (), seed, mutants=not no_mutants)
    fallen = _show(chosen, verdicts, decoder, seed, mutants=not no_mutants)
    fallen |= _show_certified(chosen, certified, mutants=not no_mutants)
    if json is not None:
        _write(json, dtypes, seed, verdicts, certified, decoder)
    if certificates is not None:
        _write_certificates(certificates, chosen, certified)
    if fallen:
        raise typer.Exit(FALLEN)


def _prepare(dtypes: Sequence[str]) -> None:
    import jax

    if "float64" in dtypes:
        jax.config.update("jax_enable_x64", True)


def _chosen(slugs: Sequence[str], paths: Sequence[Path], *, everything: bool) -> list[Claim]:
    from lrgd_jax.claims import find, load_claims

    known = load_claims(paths)
    if slugs:
        return [find(known, slug) for slug in dict.fromkeys(slugs)]
    return list(known.values()) if everything else []


def _of_groups(chosen: list[Claim], groups: str | None) -> list[Claim]:
    if groups is None:
        return chosen
    names = [name.strip() for name in groups.split(",")]
    known = sorted({claim.group for claim in chosen})
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"--group {groups}: there are no claims of {unknown[0]!r}; there are {', '.join(known)}")
    return [claim for claim in chosen if claim.group in names]


def _verify_claims(
    chosen: Sequence[Claim], dtypes: Sequence[str], instances: int, seed: int, *, mutants: bool
) -> list[Verdict]:
    from lrgd_jax.claims import check_all
    from lrgd_jax.cli.consoles import progress_bar

    verdicts: list[Verdict] = []
    with progress_bar() as bar:
        task = bar.add_task("claims", total=len(chosen) * len(dtypes))
        for dtype in dtypes:
            verdicts += check_all(
                chosen,
                dtype=dtype,
                instances=instances,
                seed=seed,
                mutants=mutants,
                progress=lambda claim: bar.update(task, advance=1, description=claim.slug),
            )
    return verdicts


def _certify_claims(chosen: Sequence[Claim], seed: int, *, mutants: bool) -> list[Certification]:
    from lrgd_jax.claims.certified import certify_all
    from lrgd_jax.cli.consoles import progress_bar

    with progress_bar() as bar:
        task = bar.add_task("exact layers", total=len(chosen))
        return certify_all(
            chosen,
            seed=seed,
            mutants=mutants,
            progress=lambda claim: bar.update(task, advance=1, description=f"{claim.slug}, exact layers"),
        )


def _verify_model(options: ModelOptions, dtype: str) -> DecoderVerdict:
    from lrgd_jax.claims.real_decoder import verify_decoder
    from lrgd_jax.cli.consoles import progress_bar

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


def _show(
    chosen: Sequence[Claim], verdicts: Sequence[Verdict], decoder: DecoderVerdict | None, seed: int, *, mutants: bool
) -> bool:
    """Prints everything; returns whether anything fell."""
    from lrgd_jax.cli.consoles import results
    from lrgd_jax.report.tables import decoder_table, verdict_table

    console = results()
    if verdicts:
        console.print(verdict_table(verdicts, mutants=mutants))
    if decoder is not None:
        console.print(decoder_table(decoder))
        for text in (*decoder.notes, decoder.greedy.text):
            if text:
                console.print(text, markup=False, highlight=False)
    claims = {claim.slug: claim for claim in chosen}
    fallen = [verdict for verdict in verdicts if not verdict.passed]
    for verdict in fallen:
        _explain(console, claims[verdict.slug], verdict, seed)
    return bool(fallen) or (decoder is not None and not decoder.holds)


def _show_certified(chosen: Sequence[Claim], certified: Sequence[Certification], *, mutants: bool) -> bool:
    """Prints what the exact layers found; returns whether a claim is not certified."""
    from lrgd_jax.claims.explain import certification_text
    from lrgd_jax.cli.consoles import results
    from lrgd_jax.report.tables import certification_table

    if not certified:
        return False
    console = results()
    console.print(certification_table(certified, mutants=mutants))
    claims = {claim.slug: claim for claim in chosen}
    fallen = [found for found in certified if not found.passed]
    for found in fallen:
        console.print("\n" + certification_text(claims[found.slug], found), markup=False, highlight=False)
    return bool(fallen)


def _explain(console: Console, claim: Claim, verdict: Verdict, seed: int) -> None:
    from lrgd_jax.claims.counterexample import smallest_counterexample
    from lrgd_jax.claims.explain import counterexample_text, failure_text

    console.print("\n" + failure_text(claim, verdict), markup=False, highlight=False)
    if not verdict.holds:
        found = smallest_counterexample(claim, verdict.dtype, seed)
        console.print(counterexample_text(found), markup=False, highlight=False)


def _write(
    file: Path,
    dtypes: Sequence[str],
    seed: int,
    verdicts: Sequence[Verdict],
    certified: Sequence[Certification],
    decoder: DecoderVerdict | None,
) -> None:
    from lrgd_jax import __version__
    from lrgd_jax.atomic import write_json
    from lrgd_jax.cli.json_file import content_of

    layers = {found.slug: found for found in certified}
    with _written(f"--json {file}"):
        write_json(file, content_of(__version__, dtypes, seed, verdicts, layers, decoder))


def _write_certificates(directory: Path, chosen: Sequence[Claim], certified: Sequence[Certification]) -> None:
    from lrgd_jax.claims.certificates import write_certificate

    with _written(f"--certificates {directory}"):
        for claim, found in zip(chosen, certified, strict=True):
            write_certificate(directory, claim, found)


@contextlib.contextmanager
def _written(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        complain(f"{what} cannot be written: {error.strerror or error}; the results stand above")
        raise typer.Exit(BAD_INPUT) from None
