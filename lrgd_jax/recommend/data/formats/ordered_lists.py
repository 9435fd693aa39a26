"""Ordered lists of items, one line a user, in the form that `prepare_table` takes."""

from pathlib import Path

import polars as pl

from lrgd_jax.recommend.data.csv_files import read_bytes, read_csv

__all__ = ["read_sequences"]


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
