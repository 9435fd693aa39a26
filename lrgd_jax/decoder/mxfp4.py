"""Tensors of a safetensors file that are packed as MXFP4: 32 numbers of four bits share a power of two.

Source: Open Compute Project 2023, "OCP Microscaling Formats (MX) specification", version 1.0, sections 5.3 and 6.3; how
GPT-OSS stores them, two to a byte, the first in the lower half: OpenAI 2025, arXiv 2508.10925, section 2.1.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from lrgd_jax.decoder.tensor_blocks import StoredTensor

__all__ = ["PackedTensor", "packed_tensors", "unpack", "unpacked_rows"]

BLOCKS, SCALES = "_blocks", "_scales"
"""What the names of the two tensors end in that hold one together."""
HALVES, SHARED = 16, 32
"""Bytes of a block, and its numbers."""
BIAS = 127
"""Of the exponents."""
POSITIVE = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0], np.float32)
NUMBERS = np.concatenate([POSITIVE, -POSITIVE])
"""What four bits mean: a sign, two bits of an exponent, one of a fraction."""


class PackedTensor(NamedTuple):
    """Two tensors that hold one, which is stored [experts, outputs, inputs] and meant [experts, inputs, outputs].

    Attributes:
        blocks: the numbers, of shape [experts, outputs, inputs / 32, 16].
        scales: the exponents, one a block.
    """

    blocks: StoredTensor
    scales: StoredTensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor that is meant."""
        experts, outputs, count, _ = self.blocks.shape
        return experts, SHARED * count, outputs


def packed_tensors(held: Mapping[str, StoredTensor], file: Path) -> dict[str, PackedTensor]:
    """The packed tensors of a file, by the names of what they hold.

    Args:
        held: every tensor of the file by name.
        file: for the message.

    Raises:
        ValueError: one of the two tensors is not there, or they do not fit each other.
    """
    packed: dict[str, PackedTensor] = {}
    names = {name.removesuffix(BLOCKS).removesuffix(SCALES) for name in held if name.endswith((BLOCKS, SCALES))}
    for name in sorted(names):
        blocks, scales = (held.get(name + suffix) for suffix in (BLOCKS, SCALES))
        if blocks is None or scales is None:
            there, missing = (SCALES, BLOCKS) if blocks is None else (BLOCKS, SCALES)
            raise ValueError(
                f"{file}: tensor {name}{there} has no {name}{missing} in the same file; "
                "join the shards, or load a checkpoint in bfloat16"
            )
        right = len(blocks.shape) == 4 and blocks.shape[3] == HALVES and blocks.shape[:3] == scales.shape
        if not right or {blocks.kind, scales.kind} != {"U8"}:
            raise ValueError(
                f"{file}: tensors {name}{BLOCKS} and {name}{SCALES} must be bytes of shapes [experts, outputs, "
                f"inputs / 32, 16] and [experts, outputs, inputs / 32], got {blocks.kind} {list(blocks.shape)} and "
                f"{scales.kind} {list(scales.shape)}"
            )
        packed[name] = PackedTensor(blocks, scales)
    return packed


def unpack(blocks: UInt8[np.ndarray, "*r 16"], scales: UInt8[np.ndarray, "*r"]) -> Float[np.ndarray, "*r 32"]:
    r"""The numbers of blocks, $2^{e - 127}$ times what their four bits mean, exactly.

    Args:
        blocks: two numbers a byte, the first in the lower half.
        scales: e of each block.

    Examples:
        >>> numbers = unpack(np.full((1, 16), 0x72, np.uint8), np.array([128], np.uint8))
        >>> numbers[0, :4].tolist()
        [2.0, 12.0, 2.0, 12.0]
    """
    halves = np.stack([blocks & 0x0F, blocks >> 4], axis=-1).reshape(*blocks.shape[:-1], SHARED)
    # a scale of 255 means no number, and comes out as infinity, which is named
    with np.errstate(over="ignore"):
        return np.ldexp(NUMBERS[halves], scales[..., None].astype(np.int32) - BIAS)


def unpacked_rows(stream: BinaryIO, packed: PackedTensor) -> Iterator[Float[np.ndarray, "inputs outputs"]]:
    """The matrix of one expert after another."""
    experts, outputs, count, _ = packed.blocks.shape
    for expert in range(experts):
        parts = []
        for stored, width in ((packed.blocks, HALVES), (packed.scales, 1)):
            size = outputs * count * width
            stream.seek(stored.start + expert * size)
            parts.append(np.fromfile(stream, np.uint8, size).reshape(outputs, count, width))
        yield unpack(parts[0], parts[1][..., 0]).reshape(outputs, SHARED * count).T
