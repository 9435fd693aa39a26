"""Experiments for a terminal: the list of all, and the summary of a run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, TypeGuard

from rich.console import RenderableType
from rich.table import Column, Table

from lrgd_jax.report.plain_text import CAPTION, TITLE, plain

__all__ = ["cell_text", "experiment_table", "record_columns", "split_summary", "summary_tables"]

WIDEST = 9
"""Columns of a table; more would be squeezed to a letter each."""
DETAILS = (" low", "_low", " high", "_high", " p", "_p")
"""Ends of the names of columns that a table leaves out: the ends of an interval, and p-values."""


def experiment_table(titles: Mapping[str, str | ValueError]) -> Table:
    """One row an experiment: its name and its title, or why it cannot be run.

    Args:
        titles: by name, the title or the error.
    """
    table = Table("experiment", "title")
    table.columns[0].no_wrap = True
    for name, title in titles.items():
        unusable = isinstance(title, ValueError)
        table.add_row(name, plain(f"cannot be run: {title}", "red") if unusable else plain(title))
    return table


def summary_tables(title: str, summary: Mapping[str, object]) -> Iterator[RenderableType]:
    """A summary as tables: one of its single entries, one for each list of dictionaries."""
    single, lists = split_summary(summary)
    if single:
        table = Table(Column(plain(title)), "", title_justify="left")
        for key, value in single.items():
            table.add_row(plain(key), plain(value))
        yield table
    for key, records in lists.items():
        yield _record_table(f"{title}: {key}", records)


Records: TypeAlias = Sequence[Mapping[str, object]]
"""A list of dictionaries."""


def split_summary(summary: Mapping[str, object]) -> tuple[dict[str, str], dict[str, Records]]:
    """The single entries of a summary as texts, and its lists of dictionaries, by the names of all that they lie in.

    Args:
        summary: as an experiment makes it.

    Examples:
        >>> split_summary({"gap": 0.5, "by": {"depth": [{"layers": 1}]}})
        ({'gap': '0.5'}, {'by / depth': [{'layers': 1}]})
    """
    entries = dict(_flat(summary))
    lists = {key: value for key, value in entries.items() if _records(value)}
    return {key: cell_text(value) for key, value in entries.items() if key not in lists}, lists


def record_columns(records: Records) -> tuple[list[str], list[str]]:
    """Which columns a table shows, and which are left out since it would be too wide.

    Args:
        records: the rows.
    """
    columns = list(dict.fromkeys(key for record in records for key in record))
    shown = [column for column in columns if not column.endswith(DETAILS)][:WIDEST]
    return shown, [column for column in columns if column not in shown]


def _records(value: object) -> TypeGuard[Records]:
    """Whether a value is a list of dictionaries."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _record_table(title: str, records: Records) -> RenderableType:
    shown, left = record_columns(records)
    caption = f"{len(left)} more columns in summary.json: {', '.join(left)}" if left else None
    table = Table(*(Column(plain(name)) for name in shown), title=plain(title, TITLE), title_justify="left")
    table.caption = None if caption is None else plain(caption, CAPTION)
    for record in records:
        table.add_row(*(plain(cell_text(record.get(column, ""))) for column in shown))
    return table


def _flat(summary: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in summary.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} / ")
        else:
            yield f"{prefix}{key}", value


def cell_text(value: object) -> str:
    """An entry of a summary in a few words; numbers with four digits.

    Args:
        value: any.
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(cell_text, value))
    return "not finite" if value is None else str(value)
