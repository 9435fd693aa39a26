"""Tensors read from a file block by block, so that no tensor is in memory twice."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

__all__ = ["BLOCK", "StoredTensor", "read_blocks"]

BLOCK: Final = 2**20
"""Numbers of a block, or one row where that is longer."""
ALIGNMENT = 64
"""Of arrays that XLA takes on a CPU without a copy."""


class StoredTensor(NamedTuple):
    """Where a tensor lies in a safetensors file.

    Attributes:
        name: of the tensor.
        shape: of the tensor.
        kind: the format's name of its type.
        start: its first byte in the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    start: int


def read_blocks(
    blocks: Iterable[np.ndarray],
    shape: tuple[int, ...],
    dtype: jax.typing.DTypeLike,
    *,
    file: Path,
    name: str,
    damage: str,
) -> Array:
    """A tensor from consecutive blocks of its numbers, each checked and cast on its way.

    Args:
        blocks: the numbers in order.
        shape: of the tensor.
        dtype: to cast to.
        file: that the blocks come from.
        name: of the tensor.
        damage: what it means that a number is not finite.

    Raises:
        ValueError: a number is not finite, or not in the narrower type; the message names file, tensor and place.
    """
    narrow = np.dtype(jnp.dtype(dtype))
    values, at = _allocate_aligned(shape, narrow), 0
    flat = values.reshape(-1)
    wrong = _NotFinite(f"{file}: tensor {name}", shape, damage)
    overflown = _NotFinite(f"{file}: tensor {name}", shape, f"it overflows {narrow.name}; load in a wider type")
    for block in blocks:
        wrong.look(block, at)
        # a value that the narrower type cannot hold becomes infinite and is named, so numpy need not warn
        with np.errstate(over="ignore"):
            flat[at : at + block.size] = block.reshape(-1)
        if narrow != block.dtype:
            overflown.look(flat[at : at + block.size], at)
        at += block.size
    wrong.complain()
    overflown.complain()
    return jax.device_put(values, may_alias=True)


def _allocate_aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class _NotFinite:
    """How many numbers of a tensor are not finite, and the first of them."""

    def __init__(self, place: str, shape: tuple[int, ...], why: str) -> None:
        self.place = place
        self.shape = shape
        self.why = why
        self.count = 0
        self.first = ""

    def look(self, block: np.ndarray, at: int) -> None:
        """Counts those of a block that begins at a place of the flattened tensor."""
        bad = np.flatnonzero(~np.isfinite(block))
        if len(bad) and not self.count:
            where = [int(i) for i in np.unravel_index(at + bad[0], self.shape)]
            self.first = f"the first at {where}: {float(block.reshape(-1)[bad[0]])}; {self.why}"
        self.count += len(bad)

    def complain(self) -> None:
        """Raises ValueError if there are any."""
        if self.count:
            raise ValueError(f"{self.place} has {self.count} values that are not finite, {self.first}")
