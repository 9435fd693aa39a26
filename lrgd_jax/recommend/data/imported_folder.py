"""The folder that an import leaves: Parquet and JSON, there as a whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NotRequired, TypedDict

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from lrgd_jax.atomic import remove_leftovers, unfinished_prefix, write_json
from lrgd_jax.outside.archives import read_npy
from lrgd_jax.outside.arrays import require_real, require_whole
from lrgd_jax.outside.convert import convert, cut_text
from lrgd_jax.outside.digests import digests_of, require_digest
from lrgd_jax.outside.json_files import read_json
from lrgd_jax.outside.parquet_files import read_parquet
from lrgd_jax.recommend.data.dataset import Catalogue, Dataset, Split
from lrgd_jax.recommend.data.preparation import Cut, PreparedDataset
from lrgd_jax.recommend.data.sequences import Sequences
from lrgd_jax.recommend.data.ties import BASKETS, TieRule

__all__ = ["DESCRIPTION", "load_imported", "new_folder", "read_report", "require_free", "save_dataset"]

DESCRIPTION = "dataset.json"
FORMAT = 2
"""Since 2 the description holds the digests of the files beside it; a file without one is not read."""
CATALOGUE, USERS, INTERACTIONS = "catalogue.parquet", "users.parquet", "interactions.parquet"
VECTORS = "vectors.npy"
AGAIN = "import the data again"


class _Counts(TypedDict):
    interactions: int
    users: int
    items: int


class _Step(_Counts):
    reason: str


class _Split(TypedDict):
    kind: str
    valid_from: int | None
    test_from: int | None
    train: int
    valid: int
    test: int
    not_asked: int


class _Leakage(TypedDict):
    timed: bool
    seen_target: int
    late_demonstrations: int


class _Format(TypedDict):
    format: int


class _Description(_Format):
    digests: dict[str, str]
    read: _Counts
    dropped: list[_Step]
    kept: _Counts
    items_without_title: int
    split: _Split
    leakage: _Leakage
    # folders of older imports have none
    ties: NotRequired[int | None]
    unread: NotRequired[dict[str, str]]


_INTERACTIONS = MappingProxyType({"user": pl.Int64, "item": pl.Int64})
_WHEN = MappingProxyType({"time": pl.Int64, "moment": pl.Int64})
"""Seconds since 1970, or where only the order is known `Sequences.moments`."""


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder`, which takes its name when the block ends well, and vanishes otherwise.

    Raises:
        FileExistsError: the name is taken, by anything but an empty folder.
        OSError: the folder cannot be made.
    """
    folder = folder.absolute()
    require_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=unfinished_prefix()))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        # an empty folder of that name is replaced
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def require_free(folder: Path) -> None:
    """Raises where a folder could not be written.

    Raises:
        FileExistsError: the name is taken, by anything but an empty folder.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already; give a new name, or remove it first")


def save_dataset(result: PreparedDataset, folder: Path) -> None:
    """Writes catalogue, users and interactions as .parquet, where there are any vectors.npy, and dataset.json.

    The last says what was imported, and holds the digests of the others.

    Raises:
        FileExistsError: the folder is there and not empty.
        OSError: it cannot be written.
    """
    data, catalogue = result.data, result.data.catalogue
    titles = {} if catalogue.titles is None else {"title": catalogue.titles}
    known = {"time": data.sequences.times, "moment": data.sequences.moments}
    times = {name: moments for name, moments in known.items() if moments is not None}
    with new_folder(folder) as unfinished:
        pl.DataFrame({"name": catalogue.names, **titles}).write_parquet(unfinished / CATALOGUE)
        pl.DataFrame({"name": data.users}).write_parquet(unfinished / USERS)
        columns = {"user": data.sequences.owners, "item": data.sequences.items, **times}
        pl.DataFrame(columns).write_parquet(unfinished / INTERACTIONS)
        if catalogue.vectors is not None:
            np.save(unfinished / VECTORS, catalogue.vectors, allow_pickle=False)
        digests = digests_of(unfinished.iterdir())
        write_json(unfinished / DESCRIPTION, {"format": FORMAT, **result.report, "digests": digests})


def load_imported(folder: Path, ties: TieRule = BASKETS) -> Split:
    """The data set of an imported folder, cut as it was when it was imported.

    Args:
        folder: where the files are.
        ties: how interactions of one user at one time are read.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: one is damaged, differs from what was written, or is of another format.
    """
    report = read_report(folder)
    _require_digests(folder, report["digests"])
    catalogue = _read_table(folder / CATALOGUE, {"name": pl.String}, {"title": pl.String})
    users = _read_table(folder / USERS, {"name": pl.String})
    if users["name"].is_duplicated().any():
        twice = users["name"].filter(users["name"].is_duplicated())[0]
        raise ValueError(f"{folder / USERS} is damaged (it names {cut_text(twice)!r} twice); import the data again")
    past = _read_table(folder / INTERACTIONS, _INTERACTIONS, _WHEN)
    vectors = _read_vectors(folder / VECTORS, len(catalogue))
    titles = tuple(catalogue["title"]) if "title" in catalogue.columns else None
    try:
        items = Catalogue(tuple(catalogue["name"]), titles, vectors)
    except ValueError as error:
        raise ValueError(f"{folder / CATALOGUE} is damaged ({error}); {AGAIN}") from None
    owners, taken = (
        _read_numbers(folder / INTERACTIONS, past[name], len(names))
        for name, names in (("user", users), ("item", catalogue))
    )
    times, moments = (past[name].to_numpy() if name in past.columns else None for name in _WHEN)
    lists = Sequences.from_entries(owners, taken, times, len(users), moments)
    kind, valid_from, test_from = (report["split"][name] for name in ("kind", "valid_from", "test_from"))
    try:
        return Cut(kind, valid_from, test_from).of(Dataset(items, tuple(users["name"]), lists), ties)
    except ValueError as error:
        raise ValueError(f"{folder} cannot be cut as {DESCRIPTION} says: {error}") from None


def read_report(folder: Path) -> dict[str, Any]:
    """What was imported, dropped and found, as `lrgd data import` wrote it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or of another format.
    """
    file = folder / DESCRIPTION
    if not file.is_file():
        raise FileNotFoundError(f"{folder} holds no {DESCRIPTION}; give a folder that `lrgd data import` wrote")
    try:
        report = read_json(file, dict[str, Any], what="description of a data set")
        number = convert(report, _Format, where=str(file))["format"]
        if number == FORMAT:
            convert(report, _Description, where=str(file))
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}); {AGAIN}") from None
    if number != FORMAT:
        raise ValueError(f"{file} is of format {number}, not {FORMAT}; {AGAIN}")
    return report


def _require_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Raises where a file is not what the description says, or is there and the description does not name it."""
    there = {VECTORS} if (folder / VECTORS).exists() else set[str]()
    for name in sorted({CATALOGUE, USERS, INTERACTIONS, *(digests.keys() & {VECTORS}), *there}):
        require_digest(folder / name, digests.get(name), index=DESCRIPTION, advice=AGAIN)


def _read_vectors(file: Path, items: int) -> Float[np.ndarray, "items d"] | None:
    if not file.is_file():
        return None
    try:
        return require_real("vectors", read_npy(file, what="vectors of items"), (items, None))
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}); {AGAIN}") from None


def _read_numbers(file: Path, column: pl.Series, names: int) -> Int[np.ndarray, " m"]:
    try:
        return require_whole(column.name, column.to_numpy(), least=0, most=names - 1)
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}); {AGAIN}") from None


def _read_table(
    file: Path,
    columns: Mapping[str, type[pl.DataType]],
    optional: Mapping[str, type[pl.DataType]] = MappingProxyType({}),
) -> pl.DataFrame:
    """A table whose columns are of the types that are expected, without gaps."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no {file}; {AGAIN}")
    try:
        table = read_parquet(file, what="table of a data set")
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}); {AGAIN}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(f"{file} has no column {', '.join(missing)}; {AGAIN}")
    for name, kind in {**columns, **optional}.items():
        if name in table.columns and (table[name].dtype != kind or table[name].null_count()):
            came = "gaps" if table[name].dtype == kind else table[name].dtype
            raise ValueError(f"{file} is damaged ({name}: expected {kind.__name__}, got {came}); {AGAIN}")
    return table
