"""Files that are written whole or not at all: beside the old one first, then in its place."""

import contextlib
import errno
import json
import math
import os
import platform
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lrgd_jax.locks import remove_stale_locks

__all__ = [
    "UNFINISHED",
    "atomic_write",
    "follow_link",
    "is_stream",
    "plain_json",
    "remove_leftovers",
    "to_scalar",
    "unfinished_prefix",
    "write_json",
    "write_text",
]

UNFINISHED = ".lrgd-"
"""How the names of files and folders begin that are being written."""
WRITER = re.compile(re.escape(UNFINISHED) + r"([0-9a-f]{8})-(\d+)-")
"""The machine and the process that write one."""


@contextlib.contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """A temporary file in the same folder, which takes the place of `file` when the block ends well.

    Its bytes are on the disk before it gets its name, so a reader finds the old file or the new one, never a part.
    A file that is replaced leaves its permissions; a link stays, and what it points to is replaced; a device or a pipe,
    such as /dev/stdout, is written into. What a killed process left half written in the folder is removed.

    Raises:
        OSError: the file cannot be written; an older one stays as it was.
    """
    if is_stream(file):
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / f"written{file.suffix}"
            written.touch()
            yield written
            file.write_bytes(written.read_bytes())
        return
    target = follow_link(file)
    folder = target.absolute().parent
    remove_leftovers(folder)
    handle, name = tempfile.mkstemp(dir=folder, prefix=unfinished_prefix(), suffix=file.suffix)
    os.close(handle)
    written = Path(name)
    try:
        yield written
        with written.open("rb+") as stream:
            os.fsync(stream.fileno())
        # mkstemp's permissions are for the owner alone
        written.chmod(_permissions(target))
        os.replace(written, target)
    finally:
        written.unlink(missing_ok=True)
    _sync_folder(folder)


def unfinished_prefix() -> str:
    """How the name of a file or folder begins that this process is writing: it says which machine and process."""
    return f"{UNFINISHED}{_machine()}-{os.getpid()}-"


def remove_leftovers(folder: Path) -> None:
    """Removes from a folder what processes of this machine that live no more have left half written.

    Args:
        folder: where something will be written; what cannot be removed stays.
    """
    remove_stale_locks(folder)
    for path in folder.glob(f"{UNFINISHED}*"):
        writer = WRITER.match(path.name)
        if writer is None or writer[1] != _machine() or _lives(int(writer[2])):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def write_text(file: Path, text: str) -> None:
    """Writes UTF-8, whole or not at all."""
    with atomic_write(file) as written:
        written.write_text(text, encoding="utf-8")


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """Writes JSON, whole or not at all; numbers that are not finite become null.

    Raises:
        ValueError: an entry is no number, string, list or dictionary.
    """
    write_text(file, json.dumps(plain_json(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


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


def plain_json(x: object) -> object:
    """What JSON can hold: numbers of NumPy and JAX as Python's, tuples as lists, numbers that are not finite as None.

    Raises:
        ValueError: an entry is no number, string, list or dictionary.
    """
    if isinstance(x, Mapping):
        return {str(key): plain_json(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [plain_json(value) for value in x]
    if x is None:
        return None
    value = to_scalar("an entry of a JSON file", x)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def is_stream(file: Path) -> bool:
    """Whether something is there that is neither a file nor a folder: a device or a pipe, which nothing can replace."""
    return file.exists() and not file.is_file() and not file.is_dir()


def follow_link(file: Path) -> Path:
    """What a link points to, whether it is there or not; a file itself.

    Raises:
        OSError: links point to each other.
    """
    if not file.is_symlink():
        return file
    target = Path(os.path.realpath(file))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(file))
    return target


def _permissions(file: Path) -> int:
    """Those of a file that is there; else those that a new one gets."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(file.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _machine() -> str:
    """A folder may be shared, and a number of a process says nothing elsewhere."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _lives(process: int) -> bool:
    """Whether a process may be alive; elsewhere than on POSIX, asking would end it."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Makes a rename last through a power cut, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
