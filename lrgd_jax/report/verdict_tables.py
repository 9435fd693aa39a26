"""Verdicts, certificates and rechecks as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from lrgd_jax.claims.certification import Certification
from lrgd_jax.claims.decoder_check import DecoderVerdict
from lrgd_jax.claims.recheck import Recheck
from lrgd_jax.claims.verdicts import Unevaluated, Verdict
from lrgd_jax.report.plain_text import CAPTION, TITLE, plain

__all__ = [
    "certification_table",
    "condition_lines",
    "decoder_table",
    "recheck_table",
    "verdict_table",
]

ERROR = "[bold red]error[/bold red]"
"""In the place of a verdict, where there is none."""


def verdict_table(
    verdicts: Sequence[Verdict | Unevaluated], *, mutants: bool = True, constants: str | None = None
) -> Table:
    """One row a claim and dtype; below, which measured constants the bounds rest on.

    Args:
        verdicts: or why there is none, in the order of the rows.
        mutants: whether mutants were tried.
        constants: the measured constants, in words; no caption where None.
    """
    table = Table("claim", "dtype", "holds", "error/bound", "detection limit", "mutants rejected", "seconds")
    table.caption = None if constants is None else plain(constants, CAPTION)
    table.caption_justify = "left"
    table.columns[0].no_wrap = True
    for column in table.columns[3:]:
        column.justify = "right"
    for verdict in verdicts:
        if isinstance(verdict, Unevaluated):
            table.add_row(plain(verdict.slug), plain(verdict.layer), ERROR, "-", "-", "-", f"{verdict.seconds:.1f}")
            continue
        rejected = sum(mutant.rejected for mutant in verdict.mutants)
        table.add_row(
            plain(verdict.slug),
            verdict.dtype,
            _yes(verdict.holds),
            _number(verdict.worst_ratio),
            _number(verdict.detection_limit),
            f"{rejected}/{len(verdict.mutants)}" if mutants else "not tried",
            f"{verdict.seconds:.1f}",
        )
    return table


def certification_table(certifications: Sequence[Certification | Unevaluated], *, mutants: bool = True) -> Table:
    """One row a claim: what holds in exact arithmetic; of a claim that only points were tried for, at how many.

    Args:
        certifications: or why there is none, in the order of the rows.
        mutants: whether mutants were tried.
    """
    table = Table(
        "claim",
        "certified",
        "fields",
        "degree",
        "false with probability",
        "bits",
        "radius",
        "mutants rejected",
        "seconds",
    )
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for certification in certifications:
        if isinstance(certification, Unevaluated):
            table.add_row(plain(certification.slug), ERROR, *["-"] * 6, f"{certification.seconds:.1f}")
            continue
        exact, rigorous = certification.exact, certification.rigorous
        table.add_row(
            plain(certification.slug),
            _certainty_cell(certification),
            "-" if exact is None else str(len(exact.fields)),
            "-" if exact is None else str(exact.degree),
            "-" if exact is None else f"<= {_number(exact.false_accept)}",
            "-" if rigorous is None else str(rigorous.bits),
            "-" if rigorous is None else _number(rigorous.radius),
            f"{sum(m.rejected for m in certification.mutants)}/{len(certification.mutants)}"
            if mutants
            else "not tried",
            f"{certification.seconds:.1f}",
        )
    return table


def _certainty_cell(certification: Certification) -> str:
    if certification.status == "points":
        return f"no ({certification.points} points)"
    return _yes(certification.passed) if certification.status != "not applicable" else certification.status


MOST_LISTED = 3
"""Claims whose conditions are listed; those of more are counted, and stand in full in the JSON file."""


def condition_lines(certifications: Sequence[Certification | Unevaluated]) -> list[str]:
    """The conditions of a few claims, and branches that no point reached, in words; of many, how many there are.

    Args:
        certifications: or why there is none.

    Returns:
        A line a condition or branch, or one line in all.
    """
    evaluated = [certification for certification in certifications if not isinstance(certification, Unevaluated)]
    if len(evaluated) > MOST_LISTED:
        number = sum(len(certification.conditions) for certification in evaluated)
        return [f"{number} conditions (poles, masks, casts, ...) stand in the JSON file and in kept certificates"]
    lines = [
        f"{certification.slug}, {one.kind}: {one}" for certification in evaluated for one in certification.conditions
    ]
    return lines + [
        f"{certification.slug}, not reached: {branch}"
        for certification in evaluated
        for branch in certification.unreached
    ]


def recheck_table(rechecks: Sequence[Recheck | Unevaluated]) -> Table:
    """One row a certificate: whether it still holds, what it says wrongly, and what changed.

    Args:
        rechecks: or why a certificate could not be evaluated, in the order of the rows.
    """
    table = Table("certificate", "holds now", "what changed since")
    for one in rechecks:
        if isinstance(one, Unevaluated):
            table.add_row(plain(one.slug), ERROR, plain(one.reason))
            continue
        said = [f"it says what does not come out: {text}" for text in one.contradictions]
        table.add_row(plain(one.slug), _yes(one.holds), plain("\n".join([*said, *one.changes]) or "nothing"))
    return table


def decoder_table(verdict: DecoderVerdict) -> Table:
    """One row for the logits, one a layer, one for the tokens.

    Args:
        verdict: on a checkpoint as a chain of duals.
    """
    table = Table(
        "the decoder as a chain of duals",
        "holds",
        "largest difference",
        "bound",
        "error/bound",
        "detection limit",
        title=plain(
            f"{verdict.directory}: {verdict.prompt_tokens} tokens, {verdict.demonstrations} demonstrations, "
            f"{verdict.dtype}",
            TITLE,
        ),
    )
    for column in table.columns[2:]:
        column.justify = "right"
    names = [f"layer {k + 1}, same input" for k in range(len(verdict.layers) - 1)] + ["final norm, same input"]
    rows = [("logits at every position", verdict.logits), *zip(names, verdict.layers, strict=True)]
    for name, one in rows:
        numbers = one.difference, one.tolerance, one.ratio, one.detection_limit
        table.add_row(name, _yes(one.holds), *map(_number, numbers))
    greedy = verdict.greedy
    what = "identical" if greedy.identical else f"differ at step {greedy.first_difference}"
    gap = "" if greedy.smallest_gap is None else f"smallest gap {_number(greedy.smallest_gap)}"
    table.add_row(f"{len(greedy.tokens)} greedy tokens", _yes(greedy.identical), what, gap, "", "")
    return table


def _yes(holds: bool) -> str:
    return "[green]yes[/green]" if holds else "[bold red]no[/bold red]"


def _number(x: float | None) -> str:
    return "-" if x is None else f"{x:.2g}"
