"""The header of a GGUF file: its metadata, and where each tensor lies.

The reader of the package gguf walks every length that a file states, however large, and takes each tensor from wherever
its offset points; here a length is compared with the bytes that are left before it is followed, and tensors lie one
after another, as llama.cpp demands. Source: the format's description in ggml (docs/gguf.md).
"""

import mmap
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from lrgd_jax.outside.convert import cut_text

__all__ = ["GgufHeader", "TensorPlace", "read_header"]

MAGIC, VERSIONS, ALIGNMENT = b"GGUF", (2, 3), 32
NUMBERS: Final = {0: "u1", 1: "i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 10: "<u8", 11: "<i8", 12: "<f8"}
"""NumPy's letters for the format's numbers of types."""
BOOLEAN, TEXT, LIST = 7, 8, 9
MOST_DIMENSIONS = 4
MOST_KEYS, MOST_TENSORS, MOST_ENTRIES = 2**16, 2**20, 2**22
"""More than any model has; a longer list is damage, which would take minutes and gigabytes to walk."""


class TensorPlace(NamedTuple):
    """Where a tensor lies.

    Attributes:
        name: of the tensor.
        shape: the outermost dimension first.
        kind: the format's number of the way in which its numbers are stored.
        start: its first byte in the file.
        size: in bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


class GgufHeader(NamedTuple):
    """What stands before the numbers of a file.

    Attributes:
        metadata: by key: numbers, truth values, texts, and lists of them.
        tensors: by name, in the order of the file.
    """

    metadata: dict[str, object]
    tensors: dict[str, TensorPlace]


def read_header(path: Path, sizes: dict[int, tuple[int, int]]) -> GgufHeader:
    """Reads the header of a file of version 2 or 3.

    Args:
        path: of the file.
        sizes: of each kind of tensor, the numbers in a block and the bytes that they take.

    Raises:
        ValueError: the file is no GGUF file, is truncated, states a length beyond its end, names a key or a tensor
            twice, or its tensors do not lie one after another.
    """
    size = path.stat().st_size
    if size < 24:
        raise _damage_error(path, f"it has {size} bytes, fewer than any header")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        cursor = _Cursor(view, path)
        if cursor.take(4, "the first letters") != MAGIC:
            raise _damage_error(path, 'it does not begin with "GGUF"')
        version = cursor.whole("u4")
        if version not in VERSIONS:
            swapped = " (its bytes are in the order of big-endian machines)" if version % 65536 == 0 else ""
            raise _damage_error(path, f"its version is {version}{swapped}; 2 and 3 are read")
        tensors, keys = cursor.count(MOST_TENSORS, "tensors"), cursor.count(MOST_KEYS, "keys")
        metadata: dict[str, object] = {}
        for _ in range(keys):
            key = cursor.text("a key")
            if key in metadata:
                raise _damage_error(path, f"the key {key} is there twice")
            metadata[key] = cursor.value(cursor.whole("u4"), key)
        stated = [cursor.tensor() for _ in range(tensors)]
        return GgufHeader(metadata, _places(path, stated, cursor.at, size, _alignment(path, metadata), sizes))


def _alignment(path: Path, metadata: dict[str, object]) -> int:
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise _damage_error(path, f"general.alignment is {alignment!r}, which is no power of two")
    return alignment


class _Stated(NamedTuple):
    name: str
    dimensions: tuple[int, ...]
    kind: int
    offset: int


def _places(
    path: Path,
    stated: list[_Stated],
    header_end: int,
    file_size: int,
    alignment: int,
    sizes: dict[int, tuple[int, int]],
) -> dict[str, TensorPlace]:
    """Where the tensors lie; each begins where the one before ends, at the next multiple of the alignment."""
    places: dict[str, TensorPlace] = {}
    data, expected = _pad(header_end, alignment), 0
    for name, dimensions, kind, offset in stated:
        if name in places:
            raise _damage_error(path, f"tensor {name} is there twice")
        if kind not in sizes:
            raise ValueError(
                f"{path}: tensor {cut_text(name)} is stored in a way that the gguf package does not know "
                f"(kind {kind}); "
                "update the package, or convert the file to F16, Q8_0 or Q4_1"
            )
        block, block_bytes = sizes[kind]
        if not dimensions or dimensions[0] % block:
            raise _damage_error(path, f"rows of tensor {name} have {[*dimensions][:1]} numbers, no multiple of {block}")
        numbers = 1
        for dimension in dimensions:
            numbers *= dimension
        if offset != expected:
            raise _damage_error(
                path, f"tensor {name} begins at byte {offset} of the data, but the tensors before it end at {expected}"
            )
        size = numbers // block * block_bytes
        if data + offset + size > file_size:
            raise _damage_error(path, f"tensor {name} ends at byte {data + offset + size}, the file has {file_size}")
        places[name] = TensorPlace(name, dimensions[::-1], kind, data + offset, size)
        expected = _pad(offset + size, alignment)
    return places


def _pad(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _damage_error(path: Path, why: str) -> ValueError:
    return ValueError(f"{path}: damaged, or not a GGUF file ({cut_text(why)}); download the file again")


class _Cursor:
    """Reads a header from its beginning on."""

    def __init__(self, view: mmap.mmap, path: Path) -> None:
        self.view = view
        self.path = path
        self.at = 0

    def take(self, size: int, what: str) -> bytes:
        left = len(self.view) - self.at
        if size > left:
            raise _damage_error(self.path, f"{what} at byte {self.at} needs {size} bytes, {left} are left")
        self.at += size
        return self.view[self.at - size : self.at]

    def whole(self, kind: str) -> int:
        size = int(kind[1])
        return int.from_bytes(self.take(size, "a number"), "little")

    def count(self, most: int, what: str) -> int:
        number = self.whole("u8")
        if number > most:
            raise _damage_error(self.path, f"it states {number} {what}; at most {most} are read")
        return number

    def text(self, what: str) -> str:
        start = self.at
        raw = self.take(self.whole("u8"), what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _damage_error(self.path, f"{what} at byte {start} is not UTF-8") from error

    def value(self, kind: int, key: str) -> object:
        if kind in NUMBERS:
            size = np.dtype(NUMBERS[kind]).itemsize
            return np.frombuffer(self.take(size, key), NUMBERS[kind])[0].item()
        if kind == BOOLEAN:
            return self.flags(1, key)[0]
        if kind == TEXT:
            return self.text(key)
        if kind == LIST:
            return self.values(key)
        raise _damage_error(self.path, f"{key} is of type {kind}, which is not defined")

    def values(self, key: str) -> list[object]:
        kind, length = self.whole("u4"), self.count(MOST_ENTRIES, f"entries of {key}")
        if kind in NUMBERS:
            size = np.dtype(NUMBERS[kind]).itemsize
            return np.frombuffer(self.take(length * size, key), NUMBERS[kind]).tolist()
        if kind == BOOLEAN:
            return [*self.flags(length, key)]
        if kind != TEXT:
            raise _damage_error(self.path, f"{key} is a list of type {kind}, which is not defined")
        return [self.text(key) for _ in range(length)]

    def flags(self, length: int, key: str) -> list[bool]:
        raw = self.take(length, key)
        if raw.strip(b"\0\1"):
            raise _damage_error(self.path, f"{key} holds a truth value that is neither 0 nor 1")
        return [byte == 1 for byte in raw]

    def tensor(self) -> _Stated:
        name = self.text("a tensor's name")
        count = self.whole("u4")
        if count > MOST_DIMENSIONS:
            raise _damage_error(
                self.path, f"tensor {name} has {count} dimensions; at most {MOST_DIMENSIONS} are allowed"
            )
        dimensions = tuple(self.whole("u8") for _ in range(count))
        return _Stated(name, dimensions, self.whole("u4"), self.whole("u8"))
