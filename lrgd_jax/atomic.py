"""Files that are written whole or not at all: beside the old one first, then in its place."""

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

__all__ = ["UNFINISHED", "atomic_write", "to_scalar", "write_json", "write_text"]

UNFINISHED = ".lrgd-"
"""How the names of files begin that are being written."""


@contextlib.contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """A temporary file in the same folder, which takes the place of `file` when the block ends well.

    Its bytes are on the disk before it gets its name, so a reader finds the old file or the new one, never a part.

    Raises:
        OSError: the file cannot be written; an older one stays as it was.
    """
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=UNFINISHED, suffix=file.suffix)
    os.close(handle)
    written = Path(name)
    try:
        yield written
        with written.open("rb+") as stream:
            os.fsync(stream.fileno())
        # mkstemp's permissions are for the owner alone
        umask = os.umask(0)
        os.umask(umask)
        written.chmod(0o666 & ~umask)
        os.replace(written, file)
    finally:
        written.unlink(missing_ok=True)
    _sync_folder(file.absolute().parent)


def write_text(file: Path, text: str) -> None:
    """Writes UTF-8, whole or not at all."""
    with atomic_write(file) as written:
        written.write_text(text, encoding="utf-8")


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """Writes JSON, whole or not at all; numbers that are not finite become null.

    Raises:
        ValueError: an entry is no number, string, list or dictionary.
    """
    write_text(file, json.dumps(_to_json(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def to_scalar(name: str, value: object) -> int | float | str | bool:
    """A number of Python; those of NumPy and JAX are turned into it.

    Raises:
        ValueError: it is no number, string or boolean; `name` says where it stood.
    """
    if hasattr(value, "dtype") and np.asarray(value).ndim == 0:
        value = np.asarray(value).item()
    if not isinstance(value, int | float | str | bool):
        raise ValueError(f"{name}: expected a number, a string or a boolean, got {type(value).__name__}")
    return value


def _to_json(x: object) -> object:
    if isinstance(x, Mapping):
        return {str(key): _to_json(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [_to_json(value) for value in x]
    if x is None:
        return None
    value = to_scalar("an entry of a JSON file", x)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sync_folder(folder: Path) -> None:
    """Makes a rename last through a power cut, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
