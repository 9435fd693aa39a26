"""What the rows of an experiment say, as HTML."""

from collections.abc import Mapping

from lrgd_jax.report.html import table
from lrgd_jax.report.html_pieces import cut, definitions, folded
from lrgd_jax.report.summary_tables import Records, cell_text, record_columns, split_summary

__all__ = ["run_html", "summary_html"]

MOST_ROWS = 60
"""Rows of a table; all of them stand in summary.json."""


def run_html(
    name: str,
    title: str,
    summary: Mapping[str, object],
    rows: int,
    settings: Mapping[str, object],
    *,
    level: int = 2,
) -> str:
    """A finished run of an experiment: its numbers, then its settings, folded.

    Args:
        name: of the experiment.
        title: in words.
        summary: what the rows say.
        rows: how many.
        settings: the configuration.
        level: of its heading.
    """
    said = definitions({cut(key): cut(cell_text(value)) for key, value in settings.items()})
    return (
        f"<h{level}>{cut(title)}</h{level}><p class=muted>{cut(name)}, {rows:,} row{'' if rows == 1 else 's'}</p>"
        f"{summary_html(summary, level + 1)}{folded('Settings', said)}"
    )


def summary_html(summary: Mapping[str, object], level: int = 3) -> str:
    """A summary as tables: one of its single entries, one for each list of dictionaries.

    Args:
        summary: as an experiment makes it.
        level: of the headings.
    """
    single, lists = split_summary(summary)
    tables = "".join(f"<h{level}>{cut(key)}</h{level}>{_records_html(records)}" for key, records in lists.items())
    return definitions({cut(key): cut(text) for key, text in single.items()}) + tables


def _records_html(records: Records) -> str:
    shown, left = record_columns(records)
    rows = [[cut(cell_text(record.get(column, ""))) for column in shown] for record in records[:MOST_ROWS]]
    more = [f"{len(records) - len(rows)} more rows"] if len(records) > len(rows) else []
    more += [f"{len(left)} more columns: {', '.join(left)}"] if left else []
    note = f"<p class=muted>{cut('; '.join(more))} (in summary.json)</p>" if more else ""
    return f'<div class="wide">{table(map(cut, shown), rows)}</div>{note}'
