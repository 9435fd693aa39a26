"""Rows of words and numbers as a table for a terminal."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from lrgd_jax.report.plain_text import plain

__all__ = ["rows_table"]


def rows_table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> Table:
    """A table of whatever prints; floats with five digits.

    Args:
        head: names of the columns.
        rows: a cell for each column.
    """
    table = Table(*head)
    for row in rows:
        table.add_row(*(f"{cell:.5g}" if isinstance(cell, float) else plain(str(cell)) for cell in row))
    return table
