"""Interactions from CSV files and from ordered lists, and titles from a table, in the form that `prepared` takes."""

from pathlib import Path

import polars as pl

from lrgd_jax.recommend.data.csv_files import read_bytes, read_csv

__all__ = ["read_interactions", "read_sequences", "read_title_table"]

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
        table = table.with_columns(time=_times(table["time"], file, time))
    if rating is not None:
        table = table.with_columns(rating=_numbers(table["rating"], file, rating))
    return table


def read_sequences(file: Path) -> pl.DataFrame:
    """Ordered lists: a CSV file with columns user and items, or lines of a user and the items, parted by spaces.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, empty, or no text.
    """
    content = read_bytes(file)
    if content.lstrip()[:4] == b"user" and b"," in content.split(b"\n", 1)[0]:
        table = read_csv(file, ["user", "items"])
    else:
        try:
            lines = [line.split(maxsplit=1) for line in content.decode("utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise ValueError(f"{file} is no UTF-8 text at byte {error.start}") from None
        if not lines:
            raise ValueError(f"{file} is empty; expected lines of a user and the items, oldest first")
        columns = {"user": [x[0] for x in lines], "items": [x[1] if len(x) > 1 else None for x in lines]}
        table = pl.DataFrame(columns, schema={"user": pl.String, "items": pl.String})
    twice = table.filter(table["user"].is_duplicated())
    if len(twice):
        raise ValueError(f"{file} has two lists for user {twice['user'][0]!r}; expected one line a user")
    lists = table.with_columns(item=pl.col("items").str.extract_all(r"\S+")).select("user", "item")
    return lists.explode("item")


def read_title_table(file: Path, *, item: str, title: str) -> dict[str, str]:
    """Titles from a CSV file with a header; items without one are left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or lacks a column.
    """
    table = read_csv(file, [item, title]).drop_nulls()
    return {name: " ".join(text.split()) for name, text in table.iter_rows()}


def _times(texts: pl.Series, file: Path, column: str) -> pl.Series:
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() > texts.null_count():
        dates = [texts.str.to_datetime(form, strict=False, time_unit="us") for form in DATES]
        numbers = pl.select(pl.coalesce(numbers, *(date.dt.epoch("s") for date in dates))).to_series()
    if (numbers.max() or 0) > LATEST:  # pyright: ignore[reportOperatorIssue]
        raise ValueError(f"{file}, column {column!r}: {numbers.max()} is no time in seconds; are these milliseconds?")
    return _complete(numbers, texts, file, column, "whole seconds since 1970, or dates such as 2018-01-31")


def _numbers(texts: pl.Series, file: Path, column: str) -> pl.Series:
    return _complete(texts.cast(pl.Float64, strict=False), texts, file, column, "numbers")


def _complete(values: pl.Series, texts: pl.Series, file: Path, column: str, expected: str) -> pl.Series:
    wrong = texts.filter(values.is_null() & texts.is_not_null())
    if len(wrong):
        raise ValueError(f"{file}, column {column!r}: expected {expected}, found {wrong[0]!r} ({len(wrong)} such rows)")
    return values
