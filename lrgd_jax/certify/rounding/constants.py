"""Which measured constants the rounding bounds rest on: those of the running compiler and device, if it was measured.

A record holds what `measuring.py` saw on one stack: a build of jaxlib, a platform and a device. Some come with the
package, others are the user's own, which `lrgd doctor` keeps in the user's cache. Where there is none of the running
stack, the largest constants of all that come with the package are taken, and every verdict says so.
"""

from __future__ import annotations

import functools
import importlib.resources
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec

from lrgd_jax.atomic import write_json
from lrgd_jax.certify.tracing.jax_versions import NEWER, Stack, newer_functions, running
from lrgd_jax.outside.json_files import parse_json, read_json
from lrgd_jax.user_cache import user_cache_folder

__all__ = [
    "Constants",
    "Record",
    "cached_records",
    "constants_in_use",
    "packaged_records",
    "record_file",
    "write_record",
]

Table = Mapping[str, Mapping[str, float]]
Source = Literal["package", "cache", "largest"]

Units = Annotated[float, msgspec.Meta(ge=0)]
"""An error in units."""


class StoredRecord(TypedDict):
    """A record as it is kept in a file."""

    jaxlib: str
    platform: str
    device: str
    measured: dict[str, dict[str, Units]]


@dataclass(frozen=True)
class Record:
    """What was measured on one stack: by function and format the largest error seen, in units."""

    stack: Stack
    measured: Table

    @property
    def constants(self) -> dict[str, dict[str, float]]:
        """With a margin: four times the error, and at least one more ulp (two units)."""
        return {
            name: {form: float(math.ceil(max(4 * x, x + 2))) for form, x in row.items()}
            for name, row in self.measured.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """As it is kept in a file."""
        return {**self.stack._asdict(), "measured": {name: dict(row) for name, row in self.measured.items()}}


@dataclass(frozen=True)
class Constants:
    """The constants that verdicts rest on, and where they come from.

    Attributes:
        table: by function and format, in units of `unit roundoff * |result|`; of one unit for sin and cos.
        stacks: those on which they were measured.
        running: the stack of this process.
        source: "package" or "cache" for constants of the running stack, "largest" for those of all others.
        refused: why a file in the user's cache was not used.
    """

    table: Table
    stacks: tuple[Stack, ...]
    running: Stack
    source: Source
    refused: str | None = None

    @property
    def text(self) -> str:
        """One sentence for a verdict."""
        if self.source == "package":
            return f"measured constants: {self.running}"
        if self.source == "cache":
            return f"measured constants: {self.running}, measured here"
        known = "; ".join(map(str, self.stacks))
        return (
            f"measured constants: the largest of {known}; this is {self.running}, which was not measured: "
            f"run `lrgd doctor`{'' if self.refused is None else f' ({self.refused})'}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For a file of verdicts."""
        return {
            "source": self.source,
            "running": self.running._asdict(),
            "measured_on": [stack._asdict() for stack in self.stacks],
            "text": self.text,
        }


@functools.cache
def constants_in_use() -> Constants:
    """The constants of this process: of its stack if that was measured, else the largest of all that are known."""
    stack, refused, mine = running(), None, []
    try:
        mine = cached_records(stack)
    except ValueError as error:
        refused = str(error)
    own = [record for record in packaged_records() if record.stack == stack] + mine
    if own:
        return Constants(_largest(own), (stack,), stack, "cache" if mine else "package", refused)
    return Constants(
        _largest(packaged_records()), tuple(record.stack for record in packaged_records()), stack, "largest", refused
    )


@functools.cache
def packaged_records() -> tuple[Record, ...]:
    """The records that come with the package."""
    folder = importlib.resources.files("lrgd_jax.certify.rounding").joinpath("measured")
    files = sorted((x for x in folder.iterdir() if x.name.endswith(".json")), key=lambda x: x.name)
    return tuple(_record(parse_json(file.read_bytes(), StoredRecord, where=file.name)) for file in files)


def cached_records(stack: Stack) -> list[Record]:
    """The record of a stack in the user's cache, if there is one.

    Raises:
        ValueError: the file is damaged, or of another stack or of an older release of this package.
    """
    file = record_file(stack)
    if not file.exists():
        return []
    try:
        record = _record(read_json(file, StoredRecord, what="record of measured constants"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is damaged: {str(error).removeprefix(f'{file}: ')}") from None
    if record.stack != stack:
        raise ValueError(f"{file} is damaged: it is about {record.stack}, not {stack}")
    expected = {*packaged_records()[0].measured} - {*NEWER} | {*newer_functions()}
    missing = sorted(expected - {*record.measured})
    if missing:
        raise ValueError(f"{file} is of another release: it has no {', '.join(missing)}")
    return [record]


def write_record(record: Record, file: Path) -> None:
    """Writes a record, whole or not at all; folders are made.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, record.as_dict())
    constants_in_use.cache_clear()


def record_file(stack: Stack, folder: Path | None = None) -> Path:
    """Where the record of a stack is kept, in the user's cache unless a folder is given."""
    words = "-".join((stack.platform, stack.device, "jaxlib", stack.jaxlib))
    name = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in words)
    return (user_cache_folder() if folder is None else folder) / f"{name}.json"


def _record(content: StoredRecord) -> Record:
    return Record(Stack(content["jaxlib"], content["platform"], content["device"]), content["measured"])


def _largest(records: Iterable[Record]) -> dict[str, dict[str, float]]:
    largest: dict[str, dict[str, float]] = {}
    for record in records:
        for name, row in record.constants.items():
            into = largest.setdefault(name, {})
            into.update({form: max(x, into.get(form, 0.0)) for form, x in row.items()})
    return largest
