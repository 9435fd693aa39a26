"""Parquet from outside: how many entries a file declares is bounded before any of them is read."""

from pathlib import Path

import polars as pl

from lrgd_jax.outside.archives import require_bounded
from lrgd_jax.outside.convert import cut_text

__all__ = ["read_parquet"]

WIDTHS = {pl.String: 16, pl.Binary: 16}
"""Bytes that an entry takes beside what a text says; of other types at most eight."""
WIDTH = 8
NESTED = (pl.List, pl.Array, pl.Struct, pl.Object)


def read_parquet(file: Path, *, what: str) -> pl.DataFrame:
    """A table of numbers, texts, truth values and times.

    The footer says how many rows there are; what they take, without the letters of the texts, is bounded as
    `largest_unpacked` says. That a few bytes declare a billion rows is found so; that a page holds one long text is
    not.

    Args:
        file: Parquet.
        what: what the file is, for the errors, such as "table of results".

    Returns:
        The table.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, has columns of lists or records, or declares too many rows.

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
        # a name with * or [ is no pattern, and a folder named a=1 no column
        table = pl.scan_parquet(file, glob=False, hive_partitioning=False)
        _require_flat(schema := table.collect_schema())
        rows = int(table.select(pl.len()).collect().item())
        require_bounded(file, rows * sum(WIDTHS.get(kind, WIDTH) for kind in schema.dtypes()))
        return table.collect()
    # polars ends in a panic, which is no Exception, where it trusts what a damaged file says
    except (ValueError, OSError, MemoryError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file} cannot be read as a {what}: {cut_text(reason)}") from None


def _require_flat(schema: pl.Schema) -> None:
    for name, kind in schema.items():
        if isinstance(kind, NESTED):
            raise ValueError(f"column {name!r}: expected numbers, texts, truth values or times, got {kind}")
