"""Tables that come from elsewhere, read whole, with one clear message for what is wrong."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lrgd_jax.outside.archives import open_gzip

__all__ = ["read_bytes", "read_csv", "require_file", "select_columns"]


QUOTES_AND_LINES = '"\r\n'
"""What cannot part columns."""


def require_file(file: Path) -> Path:
    """The file itself.

    Raises:
        FileNotFoundError: it is not there, or is a folder.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}; give the path of one that is")
    return file


def read_bytes(file: Path) -> bytes:
    """The bytes of a file, decompressed where its name ends in .gz, without a byte order mark of UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no whole gzip file, or unpacks to more than `largest_unpacked` says.
    """
    require_file(file)
    if file.suffix != ".gz":
        return file.read_bytes().removeprefix(codecs.BOM_UTF8)
    with open_gzip(file) as stream:
        return stream.read().removeprefix(codecs.BOM_UTF8)


def read_csv(file: Path, columns: Sequence[str], *, separator: str = ",", rest: bool = False) -> pl.DataFrame:
    """The named columns of a CSV file with a header, gzipped or not, all as text; with `rest` the others too.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no CSV, or lacks a column.
    """
    if len(separator.encode()) != 1 or separator in QUOTES_AND_LINES:
        raise ValueError(f"the separator is {separator!r}; expected one character, such as ',' or a tab")
    content = read_bytes(file)
    if not content.strip():
        raise ValueError(f"{file} is empty; expected a header with {', '.join(columns)}")
    try:
        table = pl.read_csv(content, separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(f"{file} cannot be read as CSV: {_first_line(error)}") from None
    named = select_columns(file, table, columns)
    return table if rest else named


def select_columns(file: Path, table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns of a table.

    Raises:
        ValueError: one is missing.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"{file} has no column {', '.join(map(repr, missing))}; its columns are {', '.join(table.columns)}"
        )
    return table.select(columns)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
