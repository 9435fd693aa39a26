"""Readers of safetensors and GGUF without a check: whatever a file says, as NumPy takes it from the bytes."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
GGUF_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST = 8, 9


def plain_safetensors(file: Path) -> dict[str, np.ndarray]:
    """Every tensor of a file, in float32 or wider."""
    content = file.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    return {
        name: _tensor(content[8 + size :], entry["dtype"], entry["shape"], *entry["data_offsets"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _tensor(data: bytes, kind: str, shape: list[int], first: int, last: int) -> np.ndarray:
    raw = data[first:last]
    if kind == "BF16":
        flat = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    else:
        flat = np.frombuffer(raw, NUMPY[kind])
    return flat.reshape(shape)


def agrees(own: Any, written: Any) -> bool:
    """Whether a value is the one that was written: lists may be tuples, and a whole number the nearest float to it."""
    if isinstance(own, float) and type(written) is int:
        return own == float(written)
    if isinstance(own, dict) and isinstance(written, dict):
        return own.keys() == written.keys() and all(agrees(own[name], written[name]) for name in own)
    if isinstance(own, list | tuple) and isinstance(written, list):
        return len(own) == len(written) and all(map(agrees, own, written))
    return type(own) is type(written) and (own == written or own != own)


class PlainGguf:
    """Metadata and tensors of a GGUF file, read one after another."""

    def __init__(self, file: Path) -> None:
        self.content, self.at = file.read_bytes(), 4
        self.version = self.number(4)
        tensors, keys = self.number(10), self.number(10)
        self.metadata = {}
        for _ in range(keys):
            key = self.text()
            self.metadata[key] = self.value(self.number(4))
        stated = []
        for _ in range(tensors):
            name = self.text()
            shape = [self.number(10) for _ in range(self.number(4))]
            stated.append((name, shape[::-1], self.number(4), self.number(10)))
        alignment = self.metadata.get("general.alignment", 32)
        self.start = -(-self.at // alignment) * alignment
        self.tensors = {name: self.tensor(shape, kind, offset) for name, shape, kind, offset in stated}

    def number(self, kind: int) -> Any:
        form = GGUF_NUMBERS[kind]
        (number,) = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return number

    def text(self) -> str:
        size = self.number(10)
        self.at += size
        return self.content[self.at - size : self.at].decode()

    def value(self, kind: int) -> Any:
        if kind == TEXT:
            return self.text()
        if kind == LIST:
            inner, length = self.number(4), self.number(10)
            return [self.value(inner) for _ in range(length)]
        return self.number(kind)

    def tensor(self, shape: list[int], kind: int, offset: int) -> np.ndarray | None:
        """The numbers of a tensor in float32 (0) or float16 (1); None of one that is quantised."""
        if kind not in (0, 1):
            return None
        count, at = int(np.prod(shape)), self.start + offset
        return np.frombuffer(self.content, ("<f4", "<f2")[kind], count, at).reshape(shape)
