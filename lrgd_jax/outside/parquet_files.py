"""Parquet from outside: what a file unpacks to is bounded before anything of it is decoded."""

from pathlib import Path

import polars as pl

from lrgd_jax.outside.archives import require_bounded
from lrgd_jax.outside.convert import cut_text
from lrgd_jax.outside.parquet_pages import declared_by

__all__ = ["read_parquet"]

WIDTH = 16
"""Bytes that an entry takes at most, beside what a text says."""


def read_parquet(file: Path, *, what: str) -> pl.DataFrame:
    """A table of numbers, texts, truth values and times.

    What it needs is bounded as `largest_unpacked` says: what its pages unpack to and its entries without the letters,
    before anything is decoded; and the letters, of which a dictionary repeats many by few bytes, before anybody makes
    texts of them. polars ends in a panic where it trusts what a damaged file says, which becomes an error here, but
    whose lines on the stream of errors no option of polars turns off; so callers that know a digest require it first.

    Args:
        file: Parquet.
        what: what the file is, for the errors, such as "table of results".

    Returns:
        The table.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, has columns of lists or records, or unpacks to too much.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pl.DataFrame({"n": [3, 1]}).write_parquet(Path(folder) / "n.parquet")
        ...     read_parquet(Path(folder) / "n.parquet", what="table")["n"].to_list()
        [3, 1]
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no {what} {file}; give the path of one that is")
    try:
        declared = declared_by(file)
        require_bounded(file, declared.unpacked)
        # a name with * or [ is no pattern, and a folder named a=1 no column
        table = pl.scan_parquet(file, glob=False, hive_partitioning=False)
        _require_flat(schema := table.collect_schema())
        entries = WIDTH * declared.rows * len(schema)
        require_bounded(file, entries)
        read = table.collect()
        require_bounded(file, entries + _letters(read))
        return read
    # a panic is no Exception
    except (ValueError, OSError, MemoryError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file} cannot be read as a {what}: {cut_text(reason)}") from None


def _require_flat(schema: pl.Schema) -> None:
    for name, kind in schema.items():
        if not (kind.is_numeric() or kind.is_temporal() or kind in (pl.String, pl.Boolean, pl.Null)):
            raise ValueError(f"column {cut_text(name)!r}: expected numbers, texts, truth values or times, got {kind}")


def _letters(table: pl.DataFrame) -> int:
    """Bytes of all texts, counted as often as they are repeated."""
    return sum(
        int(table[name].str.len_bytes().cast(pl.UInt64).sum())
        for name, kind in table.schema.items()
        if kind == pl.String
    )
