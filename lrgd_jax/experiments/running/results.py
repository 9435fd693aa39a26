"""Result files: rows as Parquet, a summary as JSON, each written whole or not at all.

| file | holds |
|---|---|
| `run.json` | the experiment's name, versions, device: what a resumed run must share; what the files' digests are |
| `config.toml` | the resolved configuration |
| `units/NAME.parquet` | the rows of one finished unit |
| `results.parquet` | the rows of all units, in the order of the units |
| `summary.json` | the above in short, and what the rows say |
| `timings.jsonl` | seconds of each unit; the only file that differs between two runs |
"""

import contextlib
import os
import platform
import sys
from collections.abc import Generator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote

import jax
import polars as pl

from lrgd_jax import __version__
from lrgd_jax.atomic import UNFINISHED, atomic_write, to_scalar
from lrgd_jax.experiments.running.interface import Row, Value
from lrgd_jax.locks import hold, release
from lrgd_jax.outside.parquet_files import read_parquet

if sys.platform != "win32":
    import fcntl

__all__ = [
    "CONFIG",
    "RESULTS",
    "RUN",
    "SUMMARY",
    "TIMINGS",
    "UNITS",
    "alone",
    "clean",
    "environment",
    "read_rows",
    "unit_file",
    "write_rows",
]

RUN, CONFIG, UNITS = "run.json", "config.toml", "units"
RESULTS, SUMMARY, TIMINGS = "results.parquet", "summary.json", "timings.jsonl"


class _Device(Protocol):
    platform: str
    device_kind: str


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Writes rows as Parquet, whole or not at all; columns in the order in which they first appear.

    Raises:
        ValueError: an entry is no number, string or boolean, or a column mixes kinds.
    """
    table = [{key: to_scalar(f"column {key!r}", value) for key, value in row.items()} for row in rows]
    names = list(dict.fromkeys(key for row in table for key in row))
    columns = [_column(name, [row.get(name) for row in table]) for name in names]
    frame = pl.DataFrame(columns)
    with atomic_write(file) as written:
        frame.write_parquet(written, compression="zstd", statistics=True)


def read_rows(file: Path) -> list[dict[str, Value]]:
    """The rows of a Parquet file; a key that a row does not have is left out.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no Parquet file.
    """
    try:
        rows = read_parquet(file, what="table of results").to_dicts()
    except ValueError as error:
        raise ValueError(f"{error}; delete it and run with --resume") from None
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def unit_file(directory: Path, unit: str) -> Path:
    """Where the rows of a unit lie; different units have different files."""
    return directory / UNITS / f"{quote(unit, safe='=,+ ')}.parquet"


@contextlib.contextmanager
def alone(directory: Path) -> Generator[None, None, None]:
    """Keeps a second process out of a folder; a lock ends with its process, however that ends.

    Raises:
        ValueError: another process writes there.
    """
    if sys.platform == "win32":
        yield
        return
    hold(directory)
    try:
        handle = os.open(directory, os.O_RDONLY)
        try:
            _lock(handle, directory)
            yield
        finally:
            os.close(handle)
    finally:
        release(directory)


def clean(directory: Path) -> None:
    """Removes what a killed process left half written."""
    for folder in (directory, directory / UNITS):
        for stale in folder.glob(f"{UNFINISHED}*"):
            stale.unlink(missing_ok=True)


def environment() -> dict[str, Any]:
    """Versions and device: what, beside the configuration, may change a number."""
    devices = cast("Sequence[_Device]", jax.devices())  # pyright: ignore[reportUnknownMemberType] (jax leaves it open)
    packages = ("jax", "jaxlib", "numpy", "polars")
    versions = {"lrgd_jax": __version__, **{name: metadata.version(name) for name in packages}}
    device = {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)}
    return {"versions": {**versions, "python": platform.python_version()}, "device": device}


def _column(name: str, values: Sequence[Value | None]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        kinds, values = {float}, [None if value is None else float(value) for value in values]
    if len(kinds) != 1:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"column {name!r} mixes {found}; a column holds numbers, strings or booleans, one kind of them"
        )
    dtype = {int: pl.Int64, float: pl.Float64, str: pl.String, bool: pl.Boolean}[kinds.pop()]
    return pl.Series(name, values, dtype)


def _lock(handle: int, directory: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"another process is at work in {directory}; wait for it, or give another --out") from None
    except OSError:
        # some network file systems have no locks
        return
