"""`lrgd report`: one file for a reviewer or a paper's appendix."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrgd_jax.cli.errors import FALLEN, INTERRUPTED, complain
from lrgd_jax.cli.files import require_writable
from lrgd_jax.cli.terminal import write_line

if TYPE_CHECKING:
    from lrgd_jax.report.whole_report import CertificateRow, Experiment, Origin, ReportContent, Verdicts

__all__ = ["report"]


def report(
    slugs: Annotated[
        list[str] | None, typer.Argument(help="Which claims are checked now; all of them if none is named.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The file of HTML; it needs nothing else.")] = Path("report.html"),
    verdicts: Annotated[
        Path | None, typer.Option(help="A file that `lrgd verify --json` wrote, in place of checking now.")
    ] = None,
    certificates: Annotated[Path | None, typer.Option(help="A folder that `lrgd verify --certificates` wrote.")] = None,
    results: Annotated[
        Path | None, typer.Option(help="A folder with runs that `lrgd experiment` wrote, each in one of its own.")
    ] = None,
    latex: Annotated[
        Path | None, typer.Option(help="Write the tables into this folder, as LaTeX with booktabs.")
    ] = None,
) -> None:
    """Write one file that shows verdicts, certificates, what is misquoted, experiments, and what computed all that.

    Whatever no file is given for is checked now, in float64, or left out and named as missing; the report says which,
    with dates, versions and the commit. Nothing is written where a file that is named cannot be read.

    Exit code 0: everything that is reported holds; 1: a claim fell, a mutant survived, or a certificate says
    "not certified"; 2: bad input; 3: internal
    error; 130: interrupted, and the report holds what was done until then.
    """
    if slugs and verdicts is not None:
        raise ValueError("give either names of claims, to check now, or --verdicts FILE, not both")
    require_writable({"--out": out})
    if latex is not None and latex.exists() and not latex.is_dir():
        raise NotADirectoryError(f"--latex {latex} is a file; give the name of a folder")
    read = _read_files(certificates, results)
    found, checked, interrupted = _check(slugs or ()) if verdicts is None else (*_read_verdicts(verdicts), False)
    content = _content(found, [checked, *read.origins], read)
    _write(content, out, latex)
    if interrupted:
        complain(f"interrupted: {out} holds what was done until then")
        raise typer.Exit(INTERRUPTED)
    refused = any(one.status == "not certified" for one in read.certificates)
    if refused or any(row.holds is not True or not all(x.rejected for x in row.mutants) for row in found.claims):
        raise typer.Exit(FALLEN)


@dataclass(frozen=True)
class _Files:
    certificates: Sequence[CertificateRow]
    experiments: Sequence[Experiment]
    origins: Sequence[Origin]


def _read_files(certificates: Path | None, results: Path | None) -> _Files:
    """What is read and not computed, before anything is computed."""
    from lrgd_jax.report.whole_report import CertificateRow, Origin

    kept: list[CertificateRow] = []
    runs: list[Experiment] = []
    origins = [
        Origin("certificates", "missing", "give --certificates, a folder of `lrgd verify --certificates`"),
        Origin("experiments", "missing", "give --results, a folder with runs of `lrgd experiment`"),
    ]
    if certificates is not None:
        from lrgd_jax.claims.certificates import read_certificates
        from lrgd_jax.outside.convert import convert

        rows = read_certificates(certificates)
        kept = [convert(row, CertificateRow, where=f"{certificates}, {row['claim']}") for row in rows]
        origins[0] = Origin("certificates", "read from", f"{certificates}, written {_date_of(certificates)}")
    if results is not None:
        from lrgd_jax.experiments.running.kept_runs import read_kept_runs

        runs = read_kept_runs(results)
        origins[1] = Origin("experiments", "read from", f"{results}, written {_date_of(results)}")
    return _Files(kept, runs, origins)


def _read_verdicts(file: Path) -> tuple[Verdicts, Origin]:
    from lrgd_jax.outside.json_files import read_json
    from lrgd_jax.report.whole_report import Origin, Verdicts

    found = read_json(file, Verdicts, what="file of verdicts")
    said = f"{file}, written {_date_of(file)} by lrgd_jax {found.version}, in {found.dtype}, seed {found.seed}"
    return found, Origin("verdicts and misquotations", "read from", said)


def _check(slugs: Sequence[str]) -> tuple[Verdicts, Origin, bool]:
    """Checks claims now, and refutes what is misquoted of them; what is done when somebody interrupts is kept."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from lrgd_jax import __version__
    from lrgd_jax.atomic import plain_json
    from lrgd_jax.claims import find_claim, load_claims
    from lrgd_jax.claims.evaluation_processes import EvaluationOptions
    from lrgd_jax.cli.verification_results import VerificationResults
    from lrgd_jax.cli.verify import evaluate_claims, refute_quoted
    from lrgd_jax.outside.convert import convert
    from lrgd_jax.report.verdict_json import verdicts_content
    from lrgd_jax.report.whole_report import Origin, Verdicts

    known = load_claims()
    chosen = [find_claim(known, slug) for slug in dict.fromkeys(slugs)] if slugs else list(known.values())
    checked, interrupted = VerificationResults(chosen, ["float64"], 0), False
    try:
        evaluate_claims(checked, EvaluationOptions(), (), None)
        refute_quoted(checked)
    except KeyboardInterrupt:
        interrupted = True
    content = verdicts_content(
        __version__,
        ["float64"],
        0,
        checked.verdicts,
        {},
        None,
        complete=not interrupted,
        refutations=checked.refutations,
    )
    done = "{} of {} claims".format(*checked.done)
    origin = Origin("verdicts and misquotations", "run now", f"in float64, seed 0: {done}")
    return convert(plain_json(content), Verdicts, where="verdicts"), origin, interrupted


def _content(found: Verdicts, origins: Sequence[Origin], read: _Files) -> ReportContent:
    from lrgd_jax.certify.environment import read_environment
    from lrgd_jax.claims.claim_text import read_claim_texts
    from lrgd_jax.report.whole_report import Origin, ReportContent

    here = read_environment()
    environment: Mapping[str, str] = {
        **here.versions,
        "machine": here.machine,
        "backend": f"{here.platform}: {', '.join(here.devices)}",
        "XLA_FLAGS": here.flags or "none",
        "constants here": here.constants.text,
    }
    return ReportContent(
        written=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        origins=[*origins, Origin("environment", "run now", "of the process that wrote this report")],
        titles={slug: text.title for slug, text in read_claim_texts().items()},
        verdicts=found,
        certificates=read.certificates,
        experiments=read.experiments,
        environment=environment,
    )


def _write(content: ReportContent, out: Path, latex: Path | None) -> None:
    from lrgd_jax.atomic import write_text
    from lrgd_jax.report.whole_report_html import report_page
    from lrgd_jax.report.whole_report_latex import latex_tables

    page, tables = report_page(content), {} if latex is None else latex_tables(content)
    if latex is not None:
        latex.mkdir(parents=True, exist_ok=True)
    write_text(out, page)
    write_line(f"{out}: {', '.join(f'{name} {said}' for name, said in content.counts.items())}")
    if latex is not None:
        for name, text in tables.items():
            write_text(latex / name, text)
        write_line(f"{latex}: {len(tables)} tables")


def _date_of(path: Path) -> str:
    """When a file was written, or the latest one of a folder."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    latest = max(file.stat().st_mtime for file in files)
    return datetime.datetime.fromtimestamp(latest, datetime.UTC).strftime("%Y-%m-%d")


def _commit() -> str | None:
    """The commit of the checkout that the package lies in; None where there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10)
        return said.stdout.strip() or None
    return None
