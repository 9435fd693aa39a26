r"""The tables of a report for a paper: LaTeX with booktabs and longtable, one file a table, which `\input` takes in."""

import re
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from lrgd_jax.report.misquotations import arguments_text
from lrgd_jax.report.summary_tables import cell_text, record_columns, split_summary
from lrgd_jax.report.whole_report import Experiment, ReportContent

__all__ = ["escape_latex", "latex_table", "latex_tables"]

NEEDS = "% needs \\usepackage{amsmath,amssymb,booktabs,longtable}; letters beyond ASCII need LuaLaTeX or XeLaTeX"
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


WIDE, NARROW = r"p{0.25\textwidth}", r"p{0.2\textwidth}"
VERDICTS = "llrrrl", ["claim", "dtype", "", "error/bound", "mutants", "exact"]
CERTIFICATES = "llrrr", ["claim", "", "degree", "false with probability", "radius"]
MISQUOTED = WIDE + NARROW + WIDE + NARROW, ["as it is said", "where", "rather", "falls at"]
ENVIRONMENT = r"lp{0.7\textwidth}", ["what", "here"]
"""Columns and heads of the tables."""

FIXED = frozenset({"verdicts", "certificates", "misquoted", "environment"})
"""What tables are called that are no experiment's, whether they are there or not."""


def latex_tables(content: ReportContent) -> dict[str, str]:
    """The text of each file by its name, which ends in .tex; a table that would be empty has none.

    Args:
        content: what the report tells.
    """
    verdicts = [
        [
            rf"\texttt{{{escape_latex(row.slug)}}}",
            escape_latex(row.dtype),
            {True: "holds", False: "falls", None: "error"}[row.holds],
            _number(row.worst_ratio),
            f"{sum(mutant.rejected for mutant in row.mutants)}/{len(row.mutants)}",
            escape_latex(row.status or "--"),
        ]
        for row in content.verdicts.claims
    ]
    certificates = [
        [
            rf"\texttt{{{escape_latex(one.claim)}}}",
            escape_latex(one.status),
            *(["--"] * 2 if one.exact is None else [str(one.exact.degree), _number(one.exact.false_accept)]),
            "--" if one.rigorous is None else _number(one.rigorous.radius),
        ]
        for one in content.certificates
    ]
    misquoted = [
        [
            escape_latex(one.says),
            escape_latex(one.source),
            escape_latex(one.rather),
            "--" if one.counterexample is None else escape_latex(arguments_text(one.counterexample.arguments)),
        ]
        for one in content.verdicts.misquotations or ()
    ]
    environment = [[escape_latex(name), escape_latex(said)] for name, said in content.environment.items()]
    tables = [
        ("verdicts", VERDICTS, verdicts, "Verdicts"),
        ("certificates", CERTIFICATES, certificates, "Certificates"),
        ("misquoted", MISQUOTED, misquoted, "Commonly misquoted"),
        ("environment", ENVIRONMENT, environment, "What computed it"),
    ]
    made = {
        f"{name}.tex": latex_table(name, columns, head, rows, caption)
        for name, (columns, head), rows, caption in tables
        if rows
    }
    for one in content.experiments:
        made |= _experiment_tables(one, made)
    return made


def latex_table(label: str, columns: str, head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    r"""A table that may go over pages.

    Args:
        label: for \ref, after "tab:".
        columns: as longtable takes them.
        head: a text a column, LaTeX already.
        rows: likewise.
        caption: likewise.

    Examples:
        >>> print(latex_table("a", "l", ["x"], [["1"]], "One").splitlines()[-3])
        1 \\
    """
    lines = [" & ".join(row) + r" \\" for row in rows]
    return "\n".join(
        [
            NEEDS,
            rf"\begin{{longtable}}{{{columns}}}",
            rf"\caption{{{caption}}}\label{{tab:{label}}}\\",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            r"\endfirsthead",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            r"\endhead",
            *lines,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )


def escape_latex(text: str) -> str:
    r"""Text as text: nothing in it is a command; a line, and no control characters.

    Args:
        text: of anybody's.

    Examples:
        >>> escape_latex("50 % of $x_1$")
        '50 \\% of \\$x\\_1\\$'
    """
    seen = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in " ".join(text.split()))
    return "".join(SPECIAL.get(letter, letter) for letter in seen)


def _experiment_tables(one: Experiment, taken: Iterable[str]) -> dict[str, str]:
    """Tables of a run, called after its folder, and so that no other table has the name."""
    single, lists = split_summary(one.summary)
    made, own = dict[str, str](), re.sub(r"[^a-z0-9]+", "-", Path(one.folder).name.lower()).strip("-") or "run"
    others = {label.removesuffix(".tex") for label in taken} | FIXED
    tried = (own if number == 1 else f"{own}-run-{number}" for number in count(1))
    name = next(one for one in tried if not any(re.fullmatch(rf"{one}(-\d+)?", other) for other in others))
    if single:
        rows = [[escape_latex(key), escape_latex(said)] for key, said in single.items()]
        made[f"{name}.tex"] = latex_table(name, r"lp{0.6\textwidth}", ["what", "value"], rows, escape_latex(one.title))
    for number, (key, records) in enumerate(lists.items(), 1):
        shown, _ = record_columns(records)
        rows = [[escape_latex(cell_text(record.get(column, ""))) for column in shown] for record in records]
        label = f"{name}-{number}"
        caption = escape_latex(f"{one.title}: {key}")
        made[f"{label}.tex"] = latex_table(label, "l" * len(shown), [*map(escape_latex, shown)], rows, caption)
    return made


def _number(x: float | None) -> str:
    return "--" if x is None else f"{x:.2g}"
