"""One file of HTML for a reviewer or an appendix: nothing in it runs, and nothing is fetched."""

import base64
from itertools import groupby

from lrgd_jax.claims.groups import group_name
from lrgd_jax.report.html import escape_text, page, table
from lrgd_jax.report.html_pieces import badge, code, cut, definitions, piece, tiles
from lrgd_jax.report.misquotations import arguments_text, results_text
from lrgd_jax.report.summary_html import run_html
from lrgd_jax.report.whole_report import CertificateRow, Experiment, Quoted, ReportContent, VerdictRow

__all__ = ["report_page"]

SECTIONS = {
    "origins": "What was run now, and what is read from files",
    "verdicts": "Verdicts",
    "certificates": "Certificates",
    "misquoted": "Commonly misquoted",
    "experiments": "Experiments",
    "environment": "Environment and constants",
}
STATUS = {"certified": True, "not certified": False}


def report_page(content: ReportContent) -> str:
    """All of a report as one page.

    Args:
        content: what it tells.
    """
    bodies = {
        "origins": _origins(content),
        "verdicts": _verdicts(content),
        "certificates": _certificates(content),
        "misquoted": "".join(map(_quoted, content.verdicts.misquotations or ())) or "<p>None are in this report.</p>",
        "experiments": "".join(map(_experiment, content.experiments)) or "<p>None are in this report.</p>",
        "environment": definitions({cut(k): cut(x) for k, x in _environment(content).items()}),
    }
    links = " · ".join(f'<a href="#{name}">{title}</a>' for name, title in SECTIONS.items())
    sections = "".join(
        f'<section id="{name}"><h2>{SECTIONS[name]}</h2>{body}</section>' for name, body in bodies.items()
    )
    commit = "" if content.commit is None else f", commit {code(content.commit)}"
    body = (
        f"<h1>In-context learning as gradient descent: verification report</h1>"
        f'<p class="muted">Written {escape_text(content.written)} by lrgd_jax '
        f"{escape_text(content.environment.get('lrgd-jax', content.verdicts.version))}{commit}</p>"
        f"{tiles(content.counts)}<nav><p>{links}</p></nav>{sections}"
    )
    return page("lrgd_jax: verification report", piece(f"<main>{body}</main>"), pictures=True)


def _origins(content: ReportContent) -> str:
    return definitions({escape_text(one.part): f"<b>{one.how}</b> {escape_text(one.text)}" for one in content.origins})


def _environment(content: ReportContent) -> dict[str, str]:
    return {**content.environment, "constants of the verdicts": content.verdicts.constants.text}


def _verdicts(content: ReportContent) -> str:
    rows = sorted(content.verdicts.claims, key=lambda row: (row.group, row.slug, row.dtype))
    if not rows:
        return "<p>None are in this report.</p>"
    head = ["claim", "dtype", "", "error/bound", "detection limit", "mutants", "exact arithmetic"]
    made = ""
    for group, members in groupby(rows, key=lambda row: row.group):
        lines = [_verdict(content, row) for row in members]
        made += f'<h3>{escape_text(group_name(group))}</h3><div class="wide">{table(head, lines, words=[0])}</div>'
    unfinished = "" if content.verdicts.complete else "<p><b>The run was not finished: verdicts are missing.</b></p>"
    return unfinished + made


def _verdict(content: ReportContent, row: VerdictRow) -> list[str]:
    title = content.titles.get(row.slug)
    name = code(row.slug) + ("" if title is None else f"<br>{_prose(title)}")
    if row.holds is None:
        return [f"{name}<br>{cut(row.error or '')}", cut(row.dtype), badge("error", None), *["–"] * 4]
    rejected = sum(mutant.rejected for mutant in row.mutants)
    exact = "–" if row.status is None else badge(row.status, STATUS.get(row.status))
    return [
        name,
        cut(row.dtype),
        badge("holds" if row.holds else "falls", row.holds),
        _number(row.worst_ratio),
        _number(row.detection_limit),
        f"{rejected}/{len(row.mutants)}" if row.mutants else "not tried",
        exact,
    ]


def _certificates(content: ReportContent) -> str:
    if not content.certificates:
        return "<p>None are in this report.</p>"
    head = ["claim", "", "shapes", "fields", "degree", "false with probability", "bits", "radius"]
    rows = [_certificate(one) for one in sorted(content.certificates, key=lambda one: one.claim)]
    return f'<div class="wide">{table(head, rows, words=[0])}</div>'


def _certificate(one: CertificateRow) -> list[str]:
    exact, rigorous = ["–"] * 3, ["–"] * 2
    if one.exact is not None:
        exact = [str(len(one.exact.fields)), str(one.exact.degree), f"≤ {_number(one.exact.false_accept)}"]
    if one.rigorous is not None:
        rigorous = [str(one.rigorous.bits), _number(one.rigorous.radius)]
    return [
        f"{code(one.claim)}<br>{_prose(one.title)}",
        badge(one.status, STATUS.get(one.status)),
        str(len(one.shapes)),
        *exact,
        *rigorous,
    ]


def _quoted(one: Quoted) -> str:
    rows = {"where": escape_text(one.source), "rather": escape_text(one.rather), "claim": code(one.slug)}
    if one.counterexample is not None:
        point = one.counterexample
        sizes = ", ".join(f"{name} = {size}" for name, size in point.dimensions.items())
        rows["falls at"] = cut(f"{sizes}; {arguments_text(point.arguments)}")
        rows["as quoted"], rows["rightly"] = cut(results_text(point.quoted)), cut(results_text(point.right))
    return f"<h3>{escape_text(one.says)}</h3>{definitions(rows)}"


def _experiment(one: Experiment) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    picture = ""
    if one.picture is not None:
        data = base64.b64encode(one.picture).decode()
        picture = f'<img class="picture" alt="{escape_text(one.title)}" src="data:image/png;base64,{data}">'
    made = run_html(one.name, one.title, one.summary, one.rows, one.settings, level=3)
    return f"<article>{made}{picture}<p class=muted>{cut(one.folder)}; computed with {cut(versions)}</p></article>"


def _prose(text: str) -> str:
    return f'<span class="prose">{cut(text)}</span>'


def _number(x: float | None) -> str:
    return "–" if x is None else f"{x:.2g}"
