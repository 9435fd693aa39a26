"""The header of a safetensors file: which tensors it holds, of what type and shape, and where each lies.

Source: the format's description in the repository of safetensors.
"""

from pathlib import Path
from typing import TypedDict

from safetensors import SafetensorError, safe_open

from lrgd_jax.decoder.tensor_blocks import StoredTensor
from lrgd_jax.outside.convert import convert, cut_text
from lrgd_jax.outside.json_files import parse_json

__all__ = ["stored_tensors"]

LENGTH = 8
"""Bytes in which a file says how long its header is."""
METADATA = "__metadata__"


class _Entry(TypedDict):
    """What a header says about a tensor."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def stored_tensors(file: Path) -> dict[str, StoredTensor]:
    """What a safetensors file holds, by name.

    Args:
        file: of the format.

    Raises:
        ValueError: the file is damaged.
    """
    entries, start = _read_header(file)
    try:
        # which sees to it that the tensors fill the file, one after another
        with safe_open(file, framework="np"):
            pass
    except SafetensorError as error:
        raise ValueError(
            f"{file}: {_damage(file, entries, start)} ({cut_text(str(error))}); download the file again"
        ) from None
    return {
        name: StoredTensor(name, entry["shape"], entry["dtype"], start + entry["data_offsets"][0])
        for name, entry in entries.items()
    }


def _read_header(file: Path) -> tuple[dict[str, _Entry], int]:
    """The entries, and the place in the file that their offsets count from."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = LENGTH + int.from_bytes(stream.read(LENGTH), "little")
        if size < LENGTH or start > size:
            raise ValueError(
                f"{file}: truncated or not safetensors: the header needs {start} bytes, the file has {size}; "
                "download the file again"
            )
        header = stream.read(start - LENGTH)
    try:
        said = parse_json(header, dict[str, object], where="its header")
        said.pop(METADATA, None)
        return convert(said, dict[str, _Entry], where="its header"), start
    except ValueError as error:
        raise ValueError(f"{file}: not safetensors: {error}; download the file again") from None


def _damage(file: Path, entries: dict[str, _Entry], start: int) -> str:
    """What is wrong with a file that safetensors cannot open: the first tensor that lies outside it, if one does."""
    size = file.stat().st_size
    outside = sorted((start + entry["data_offsets"][1], name) for name, entry in entries.items())
    outside = [(end, name) for end, name in outside if end > size]
    if not outside:
        return "malformed safetensors"
    end, name = outside[0]
    return f"truncated: tensor {cut_text(name)} ends at byte {end}, the file has {size}"
