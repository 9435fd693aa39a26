"""Interactions from a CSV file, and titles from another, in the form that `prepare_table` takes."""

from pathlib import Path

import polars as pl

from lrgd_jax.recommend.data.csv_files import read_csv
from lrgd_jax.recommend.data.titles import clean_title

__all__ = ["read_interactions", "read_title_table"]

DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")
LATEST = 32_503_680_000
"""The year 3000."""


def read_interactions(
    file: Path, *, user: str, item: str, time: str | None = None, rating: str | None = None, separator: str = ","
) -> pl.DataFrame:
    """A CSV file with a header, one interaction a row, in the order of the file.

    Times are whole seconds since 1970, or dates such as 2018-01-31 or 2018-01-31 12:00:00, taken as UTC.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, lacks a column, or holds a time or rating that is none.
    """
    named = {"user": user, "item": item, "time": time, "rating": rating}
    columns = {name: column for name, column in named.items() if column is not None}
    table = read_csv(file, list(dict.fromkeys(columns.values())), separator=separator)
    table = table.select(**{name: pl.col(column) for name, column in columns.items()})
    if time is not None:
        table = table.with_columns(time=_parse_times(table["time"], file, time))
    if rating is not None:
        table = table.with_columns(rating=_parse_numbers(table["rating"], file, rating))
    return table


def read_title_table(file: Path, *, item: str, title: str) -> dict[str, str]:
    """Titles from a CSV file with a header; items without one are left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or lacks a column.
    """
    table = read_csv(file, [item, title]).drop_nulls()
    titles = {name: clean_title(text) for name, text in table.iter_rows()}
    return {name: title for name, title in titles.items() if title}


def _parse_times(texts: pl.Series, file: Path, column: str) -> pl.Series:
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() > texts.null_count():
        dates = [texts.str.to_datetime(form, strict=False, time_unit="us") for form in DATES]
        numbers = pl.select(pl.coalesce(numbers, *(date.dt.epoch("s") for date in dates))).to_series()
    if (numbers.max() or 0) > LATEST:  # pyright: ignore[reportOperatorIssue]
        raise ValueError(f"{file}, column {column!r}: {numbers.max()} is no time in seconds; are these milliseconds?")
    return _require_complete(numbers, texts, file, column, "whole seconds since 1970, or dates such as 2018-01-31")


def _parse_numbers(texts: pl.Series, file: Path, column: str) -> pl.Series:
    return _require_complete(texts.cast(pl.Float64, strict=False), texts, file, column, "numbers")


def _require_complete(values: pl.Series, texts: pl.Series, file: Path, column: str, expected: str) -> pl.Series:
    wrong = texts.filter(values.is_null() & texts.is_not_null())
    if len(wrong):
        raise ValueError(f"{file}, column {column!r}: expected {expected}, found {wrong[0]!r} ({len(wrong)} such rows)")
    return values
