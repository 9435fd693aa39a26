"""Tables that come from elsewhere, read whole, with one clear message for what is wrong."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lrgd_jax.outside.archives import open_gzip
from lrgd_jax.outside.convert import cut_text

__all__ = ["read_bytes", "read_csv", "require_file", "select_columns"]


QUOTES_AND_LINES = '"\r\n'
"""What cannot part columns."""
WRITTEN_TAB = "\\t"
"""A tab as one can write it on a command line."""
COLONS = "::"
"""What parts the columns of MovieLens 1M and 10M."""
UNIT_SEPARATOR = b"\x1f"
"""Stands for it while the table is read, for which one character must part columns."""


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


def read_csv(
    file: Path,
    columns: Sequence[str],
    *,
    separator: str = ",",
    rest: bool = False,
    header: Sequence[str] | None = None,
) -> pl.DataFrame:
    r"""The named columns of a CSV file, gzipped or not, all as text.

    Args:
        file: where it is.
        columns: which ones.
        separator: one character, a tab written `\t`, or `::` as in MovieLens, where quotes mean nothing.
        rest: whether the other columns come too.
        header: names of all columns of a file without a header.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no CSV, or lacks a column.
    """
    separator = "\t" if separator == WRITTEN_TAB else separator
    if separator != COLONS and (len(separator.encode()) != 1 or separator in QUOTES_AND_LINES):
        raise ValueError(f"the separator is {separator!r}; expected one character, such as ',', a tab (\\t), or ::")
    content = read_bytes(file)
    if not content.strip():
        raise ValueError(f"{file} is empty; expected a table{' with ' if columns else ''}{', '.join(columns)}")
    quote = '"'
    if separator == COLONS:
        content, separator, quote = _part_by_one_character(file, content), UNIT_SEPARATOR.decode(), None
    try:
        table = pl.read_csv(
            content, separator=separator, quote_char=quote, infer_schema=False, has_header=header is None
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(f"{file} cannot be read as CSV: {_first_line(error)}") from None
    if header is not None:
        table = _name_columns(file, table, header)
    named = select_columns(file, table, columns)
    return table if rest else named


def _part_by_one_character(file: Path, content: bytes) -> bytes:
    if UNIT_SEPARATOR in content:
        raise ValueError(f"{file} holds the control character {UNIT_SEPARATOR!r}; bring it with another separator")
    return content.replace(COLONS.encode(), UNIT_SEPARATOR)


def _name_columns(file: Path, table: pl.DataFrame, header: Sequence[str]) -> pl.DataFrame:
    if len(set(header)) < len(header) or len(header) != table.width:
        raise ValueError(
            f"{file} has {table.width} columns and is given the names {', '.join(header)}; "
            "expected one each, all different"
        )
    return table.rename(dict(zip(table.columns, header, strict=True)))


def select_columns(file: Path, table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The named columns of a table.

    Raises:
        ValueError: one is missing, or there twice.
    """
    # the name that polars gives to the second one
    for name in columns:
        if f"{name}_duplicated_0" in table.columns:
            raise ValueError(f"{file} has the column {name!r} twice; expected one of that name, so rename the other")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        known = cut_text(", ".join(name if name.isprintable() else repr(name) for name in table.columns))
        raise ValueError(f"{file} has no column {', '.join(map(repr, missing))}; its columns are {known}")
    return table.select(columns)


def _first_line(error: Exception) -> str:
    return cut_text(str(error).strip().splitlines()[0])
