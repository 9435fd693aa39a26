"""What a Parquet file says of itself, before anything of it is decoded: its rows, and what its pages unpack to.

The footer and the header before every page are structures in Thrift's compact protocol, whose fields have numbers. Only
these are read, so that the memory that is needed is known from a few bytes a page. In all encodings but two, a page
holds what it unpacks to: a dictionary repeats its entries by 16 bytes each as long as they stay in a table of polars,
and the prefixes of DELTA_BYTE_ARRAY repeat texts without end, so that encoding is refused.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

__all__ = ["Declared", "declared_by"]

MAGIC = b"PAR1"
TAIL = len(MAGIC) + 4
DEEPEST = 20
"""How many structures and lists may lie within each other; those of Parquet stay below ten."""
LONGEST_NUMBER = 10
"""Bytes of a whole number of 64 bits."""
PREFIXES = 7
"""The number of the encoding DELTA_BYTE_ARRAY."""

STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13
NUMBERS = (4, 5, 6)
WIDTHS = {BYTE: 1, DOUBLE: 8, UUID: 16}

Value: TypeAlias = "int | list[Value] | dict[int, Value] | None"
Struct: TypeAlias = dict[int, Value]


class Declared(NamedTuple):
    """What a file says that it holds.

    Attributes:
        rows: of the table.
        unpacked: bytes of all pages.
    """

    rows: int
    unpacked: int


def declared_by(file: Path) -> Declared:
    """The rows of a Parquet file, and how many bytes its pages unpack to.

    Args:
        file: Parquet, not encrypted.

    Returns:
        The largest number of rows that a part of the footer names, and the sum over the headers of all pages.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Parquet file, damaged, or encodes texts by prefixes.

    Source:
        The format's definition, parquet.thrift of Apache Parquet 2.10; the compact protocol of Apache Thrift.
    """
    if file.stat().st_size < len(MAGIC) + TAIL:
        raise ValueError("it is too short to be Parquet")
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(MAGIC)] != MAGIC or content[-len(MAGIC) :] != MAGIC:
            raise ValueError("it does not begin and end with PAR1, as Parquet does")
        end = len(content) - TAIL
        start = end - int.from_bytes(content[end : end + 4], "little")
        if start < len(MAGIC):
            raise ValueError("its footer is declared to be longer than the file")
        footer, _ = _Reader(content, start, end).struct()
        groups = [_struct(group) for group in _list(footer.get(4))]
        columns = [[_struct(_struct(column).get(3)) for column in _list(group.get(1))] for group in groups]
        # groups of rows add up; columns and the footer should say the same
        of_groups = sum(
            max([_count(group, 3), *(_count(x, 5) for x in own)]) for group, own in zip(groups, columns, strict=True)
        )
        if sum(_count(column, 7) for own in columns for column in own) > start:
            raise ValueError("its columns are declared to have more bytes than there are")
        pages = sum(size for own in columns for column in own for size in _page_sizes(content, column, start))
        return Declared(max(_count(footer, 3), of_groups), pages)


def _page_sizes(content: mmap.mmap, column: Struct, end: int) -> Iterator[int]:
    """What every page of a column in a group of rows unpacks to; pages lie before the footer."""
    # without a dictionary the field is missing, or 0 as some write it
    at = (_count(column, 11) if 11 in column else 0) or _count(column, 9)
    stop = at + _count(column, 7)
    if stop > end:
        raise ValueError("a column is declared to lie beyond the end of the pages")
    while at < stop:
        header, after = _Reader(content, at, stop).struct()
        encodings = (_struct(header[kind]).get(number) for kind, number in ((5, 2), (8, 4)) if kind in header)
        if PREFIXES in encodings:
            raise ValueError(
                "it encodes texts by prefixes (DELTA_BYTE_ARRAY), which repeat without bound; write it anew"
            )
        yield _count(header, 2)
        at = after + _count(header, 3)


def _count(struct: Struct, field: int) -> int:
    value = struct.get(field)
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"its metadata is damaged (field {field}: expected a count, got {str(value)[:30]})")
    return value


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise ValueError("its metadata is damaged (expected a list)")
    return value


def _struct(value: Value) -> Struct:
    if not isinstance(value, dict):
        raise ValueError("its metadata is damaged (expected a structure)")
    return value


class _Reader:
    """Reads the compact protocol from a place on, never beyond another.

    Args:
        content: of the file.
        at: where the structure begins.
        end: where it must have ended.
    """

    def __init__(self, content: mmap.mmap, at: int, end: int) -> None:
        self.content, self.at, self.end = content, at, end

    def struct(self) -> tuple[Struct, int]:
        """A structure: its fields by number, and where it ends."""
        return self._fields(0), self.at

    def _fields(self, depth: int) -> Struct:
        fields: Struct = {}
        field = 0
        while (head := self._byte()) & 0x0F != STOP:
            kind, step = head & 0x0F, head >> 4
            field = field + step if step else self._number()
            # a truth value is in its kind, and takes no byte more
            fields[field] = int(kind == TRUE) if kind in (TRUE, FALSE) else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Value:
        if depth > DEEPEST:
            raise ValueError("its metadata is nested too deeply")
        if kind in NUMBERS:
            return self._number()
        if kind == STRUCT:
            return self._fields(depth)
        if kind in (LIST, SET):
            return self._entries(depth)
        if kind == MAP:
            return self._pairs(depth)
        if kind in (TRUE, FALSE):
            return int(self._byte() == TRUE)
        if kind not in WIDTHS and kind != BINARY:
            raise ValueError(f"its metadata is damaged (a value of the unknown kind {kind})")
        self._pass(WIDTHS[kind] if kind in WIDTHS else self._varint())
        return None

    def _entries(self, depth: int) -> list[Value]:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        # every entry takes a byte at least, so no count asks for more memory than the file has
        return [self._value(head & 0x0F, depth + 1) for _ in range(count)]

    def _pairs(self, depth: int) -> None:
        count = self._varint()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._value(kinds >> 4, depth + 1)
            self._value(kinds & 0x0F, depth + 1)

    def _number(self) -> int:
        plain = self._varint()
        return (plain >> 1) ^ -(plain & 1)

    def _varint(self) -> int:
        number = 0
        for place in range(LONGEST_NUMBER):
            byte = self._byte()
            number |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return number
        raise ValueError("its metadata is damaged (a number without end)")

    def _byte(self) -> int:
        self._pass(1)
        return self.content[self.at - 1]

    def _pass(self, count: int) -> None:
        if count > self.end - self.at:
            raise ValueError("its metadata is damaged (it ends too early)")
        self.at += count
