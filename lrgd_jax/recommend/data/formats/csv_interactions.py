"""Interactions from a CSV file, and titles from another, in the form that `prepare_table` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import polars as pl

from lrgd_jax.recommend.data.column_guesses import guess_columns, require_known_order
from lrgd_jax.recommend.data.csv_files import read_csv, select_columns
from lrgd_jax.recommend.data.moments import LATEST, parse_moments
from lrgd_jax.recommend.data.titles import clean_title

__all__ = ["Columns", "read_interactions", "read_title_table"]


SEPARATORS = MappingProxyType({"\t": "\\t", "::": "::", ";": ";", "|": "|", ",": ","})
"""What may part columns, and how it is written on a command line; the first that is there is meant."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are read, and how.

    Attributes:
        user: column of the users.
        item: column of the items.
        time: column of the times; None where the order of the rows is to count.
        rating: column of the ratings; None where they are not read.
        time_format: how dates are written in place of ISO 8601, such as %d/%m/%Y.
        ordered: whether the rows of each user are known to be in the order of time.
        header: names of all columns of a file without a header.
    """

    user: str = "user"
    item: str = "item"
    time: str | None = None
    rating: str | None = None
    time_format: str | None = None
    ordered: bool = False
    header: tuple[str, ...] | None = None


def read_interactions(
    file: Path, columns: Columns = Columns(), *, separator: str = ","
) -> tuple[pl.DataFrame, dict[str, str]]:
    """A CSV file, one interaction a row, in the order of the file.

    Times are seconds since 1970 or dates of ISO 8601 (`parse_moments`). Without a column of times the order of the rows
    counts, if they are said to be ordered, or if no column looks like times and the rows do not go by item.

    Returns:
        The interactions, and of each column that was not read what it looks like (`guess_columns`).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, lacks a column, holds a time or rating that is none, or its order is unknown.
    """
    named = {"user": columns.user, "item": columns.item, "time": columns.time, "rating": columns.rating}
    read = {name: column for name, column in named.items() if column is not None}
    whole = read_csv(file, [], separator=separator, rest=True, header=columns.header)
    _require_columns(file, whole, list(dict.fromkeys(read.values())))
    guesses = guess_columns(whole, [name for name in whole.columns if name not in read.values()])
    table = whole.select(**{name: pl.col(column) for name, column in read.items()})
    if columns.time is not None:
        moments = _parse_times(table["time"], file, columns.time, columns.time_format)
        table = table.with_columns(time=moments)
    elif not columns.ordered:
        require_known_order(file, table, guesses)
    if columns.rating is not None:
        table = table.with_columns(rating=_parse_numbers(table["rating"], file, columns.rating))
    return table, guesses


def read_title_table(file: Path, *, item: str, title: str) -> dict[str, str]:
    """Titles from a CSV file with a header; items without one are left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or lacks a column.
    """
    table = read_csv(file, [item, title]).drop_nulls()
    titles = {name: clean_title(text) for name, text in table.iter_rows()}
    return {name: title for name, title in titles.items() if title}


def _require_columns(file: Path, table: pl.DataFrame, wanted: Sequence[str]) -> None:
    """Raises where a column is missing, and says which option makes one of what is there.

    Raises:
        ValueError: as said.
    """
    try:
        select_columns(file, table, wanted)
    except ValueError as error:
        raise ValueError(f"{error}{_way_out(table.columns)}") from None


def _way_out(names: Sequence[str]) -> str:
    """What to do about a table whose header is none of ours."""
    parts = [text for mark, text in SEPARATORS.items() if len(names) == 1 and mark in names[0]]
    if parts:
        return f"; if its columns are parted otherwise, give --separator '{parts[0]}'"
    if any(name.replace(".", "", 1).isdigit() for name in names):
        return "; if the file has no header, name its columns by --columns, such as --columns user,item,rating,time"
    return ""


def _parse_times(texts: pl.Series, file: Path, column: str, form: str | None) -> pl.Series:
    moments = parse_moments(texts, form)
    if (moments.max() or 0) > LATEST:  # pyright: ignore[reportOperatorIssue]
        raise ValueError(f"{file}, column {column!r}: {moments.max()} is no time in seconds; are these milliseconds?")
    usual = "seconds since 1970, or dates such as 2018-01-31 (for others give --time-format, such as %d/%m/%Y)"
    expected = usual if form is None else f"dates of the form {form}"
    return _require_complete(moments, texts, file, column, expected)


def _parse_numbers(texts: pl.Series, file: Path, column: str) -> pl.Series:
    numbers = texts.cast(pl.Float64, strict=False)
    # NaN is larger than every least rating
    finite = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series()
    return _require_complete(finite, texts, file, column, "finite numbers")


def _require_complete(values: pl.Series, texts: pl.Series, file: Path, column: str, expected: str) -> pl.Series:
    wrong = texts.filter(values.is_null() & texts.is_not_null())
    if len(wrong):
        raise ValueError(
            f"{file}, column {column!r}: expected {expected}, found {wrong[0][:60]!r} ({len(wrong)} such rows)"
        )
    return values
