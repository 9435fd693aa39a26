"""Ordered lists of items, one line a user, in the form that `prepare_table` takes."""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int

from lrgd_jax.recommend.data.csv_files import read_bytes, read_csv
from lrgd_jax.recommend.data.moments import LATEST

__all__ = ["GAPS", "read_moments", "read_sequences"]

GAPS = "gaps_seconds"
"""Column with the time from each item of a list to the one before it, parted by spaces; 0 within a basket."""


def read_sequences(file: Path) -> pl.DataFrame:
    """Ordered lists: a CSV file with columns user and items, or lines of a user and the items, parted by spaces.

    A CSV file may have a third column, gaps_seconds, by which items of one time are known.

    Returns:
        Columns user and item, one interaction a row, and with gaps also moment: seconds since the list began.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, empty, or no text.
    """
    content = read_bytes(file)
    if content.lstrip()[:4] == b"user" and b"," in content.split(b"\n", 1)[0]:
        table = read_csv(file, ["user", "items"], rest=True)
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
    moments = read_moments(table, file)
    lists = table.with_columns(item=pl.col("items").str.extract_all(r"\S+")).select("user", "item").explode("item")
    if moments is None:
        return lists
    # a user without items is a row without an item
    when, there = np.zeros(len(lists), np.int64), lists["item"].is_not_null().to_numpy()
    when[there] = moments
    return lists.with_columns(moment=when)


def read_moments(table: pl.DataFrame, file: Path) -> Int[np.ndarray, " m"] | None:
    """Seconds since the beginning of its list of every item; None where the table has no gaps.

    Raises:
        ValueError: a list has not as many gaps as items, or one is no whole number of seconds, negative or endless.
    """
    if GAPS not in table.columns:
        return None
    texts, counts = table[GAPS].str.extract_all(r"\S+"), table["items"].str.count_matches(r"\S+").fill_null(0)
    wrong = table.filter(texts.list.len().fill_null(0) != counts)
    if len(wrong):
        raise ValueError(f"{file}: a list has as many {GAPS} as items, and that of user {wrong['user'][0]!r} has not")
    flat = texts.explode().drop_nulls()
    gaps = flat.cast(pl.Int64, strict=False)
    strange = gaps.is_null() | (gaps < 0) | (gaps > LATEST)
    if strange.any():
        raise ValueError(
            f"{file}, column {GAPS!r}: expected whole numbers of seconds, found {flat.filter(strange)[0]!r}"
        )
    sums, lengths = np.cumsum(gaps.to_numpy()), counts.to_numpy().astype(np.int64)
    first = np.cumsum(lengths) - lengths
    return sums - sums[np.repeat(first, lengths)]
