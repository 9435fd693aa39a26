"""Compressed files from outside: what they unpack to is bounded, and known before memory is asked for."""

import contextlib
import gzip
import io
import math
import os
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from lrgd_jax.outside.convert import cut_text

__all__ = ["FLOOR", "TIMES", "UNBOUNDED", "largest_unpacked", "open_gzip", "read_npy", "read_npz", "require_bounded"]

TIMES = 100
"""How many times its size a file may unpack to; texts and tables of people stay below thirty."""
FLOOR = 1 << 28
"""How many bytes a file may unpack to however small it is."""
UNBOUNDED = "LRGD_UNPACK_ALL"
"""A variable of the environment; 1 lifts the bound."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def largest_unpacked(file: Path) -> float:
    """How many bytes a compressed file may unpack to: `TIMES` its size, `FLOOR` at least; infinity where lifted."""
    if os.environ.get(UNBOUNDED, "") not in ("", "0"):
        return math.inf
    return max(FLOOR, TIMES * file.stat().st_size)


@contextlib.contextmanager
def open_gzip(file: Path) -> Iterator[BinaryIO]:
    """A gzip file, to be read as what it holds.

    Args:
        file: gzip.

    Yields:
        A stream of the unpacked bytes.

    Raises:
        OSError: it cannot be opened.
        ValueError: inside the block: it is damaged, or unpacks to more than `largest_unpacked` says.
    """
    try:
        with gzip.open(file) as stream, io.BufferedReader(_Bounded(stream, file)) as bounded:
            yield bounded
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{file} is a damaged gzip file ({error}); fetch or copy it again") from None


def read_npz(file: Path, *, what: str) -> dict[str, np.ndarray]:
    """The arrays of a file that NumPy wrote; never a pickle.

    Args:
        file: a zip archive of arrays.
        what: what the file is, for the errors, such as "recommender".

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, holds something else than arrays, declares an array that is not in it, or unpacks to
            more than `largest_unpacked` says.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "two.npz", a=np.arange(2), b=np.float32(1))
        ...     {name: x.tolist() for name, x in read_npz(Path(folder) / "two.npz", what="pair").items()}
        {'a': [0, 1], 'b': 1.0}
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no {what} {file}; give the path of one that is")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            require_bounded(file, sum(member.file_size for member in members))
            return {member.filename.removesuffix(".npy"): _member(file, archive, member) for member in members}
    except _DAMAGED as error:
        raise ValueError(f"{file} cannot be read as a {what}: {_first_line(error)}") from None


def read_npy(file: Path, *, what: str) -> np.ndarray:
    """The array of a file that NumPy wrote; never a pickle.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or declares more entries than it has.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no {what} {file}; give the path of one that is")
    try:
        with file.open("rb") as stream:
            return _array(stream, file.stat().st_size)
    except _DAMAGED as error:
        raise ValueError(f"{file} cannot be read as a {what}: {_first_line(error)}") from None


# NotImplementedError and RuntimeError: a compression that is not known, and a password; TokenError: a bracket that a
# header never closes
_DAMAGED = (
    ValueError, TypeError, SyntaxError, OSError, EOFError, KeyError, OverflowError, MemoryError, RecursionError,
    NotImplementedError, RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def _member(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if not member.filename.endswith(".npy"):
        raise ValueError(f"it holds {member.filename[:40]!r}, which is no array")
    # bytes that are packed as they stand cannot be more than the file has
    if member.compress_type == zipfile.ZIP_STORED and member.file_size > file.stat().st_size:
        raise ValueError(f"it declares {member.file_size} bytes of {member.filename[:40]!r}, more than the file has")
    with archive.open(member) as stream:
        return _array(stream, member.file_size)


def _array(stream: IO[bytes], size: int) -> np.ndarray:
    """One array, whose header must fit the bytes that there are."""
    start = io.BytesIO(stream.read(min(size, _LONGEST_HEADER)))
    version = np.lib.format.read_magic(start)
    if version not in HEADERS:
        raise ValueError(f"expected an array of version 1.0 or 2.0 of NumPy's format, got {version}")
    with warnings.catch_warnings():
        # that Python 2 wrote the header
        warnings.simplefilter("ignore", UserWarning)
        shape, fortran, dtype = HEADERS[version](start)
    if dtype.hasobject:
        raise ValueError("expected an array of numbers or texts, got one of Python objects")
    count, rest = math.prod(shape), size - start.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize != rest:
        raise ValueError(f"its header declares {count} entries of {dtype}, and {rest} bytes follow")
    content = start.read() + stream.read()
    if len(content) != rest:
        raise ValueError(f"{rest} bytes of entries are declared, and {len(content)} follow")
    flat = np.frombuffer(bytearray(content), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


_LONGEST_HEADER = 1 << 16


def require_bounded(file: Path, size: int) -> None:
    """Raises an error where a file declares that it unpacks to more than `largest_unpacked` says.

    Raises:
        ValueError: it does so.
    """
    if size > (largest := largest_unpacked(file)):
        raise ValueError(_too_much(file, largest))


def _too_much(file: Path, largest: float) -> str:
    return (
        f"it unpacks to more than {largest:.0f} bytes, {TIMES} times its size ({file.stat().st_size}); "
        f"where that is meant, add --unpack-all to the command, or set {UNBOUNDED}=1"
    )


def _first_line(error: BaseException) -> str:
    return cut_text((str(error).splitlines() or [type(error).__name__])[0])


class _Bounded(io.RawIOBase):
    """The bytes of a stream, until there are too many."""

    def __init__(self, stream: gzip.GzipFile, file: Path):
        self.stream, self.file, self.largest, self.count = stream, file, largest_unpacked(file), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        read = self.stream.readinto(buffer)
        self.count += read
        if self.count > self.largest:
            raise ValueError(f"{self.file}: {_too_much(self.file, self.largest)}")
        return read
