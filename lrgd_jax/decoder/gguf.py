"""Reads a GGUF file of llama.cpp's architecture "llama": hyper-parameters, weights (dequantised) and tokenizer.

The file stores each head's rows of queries and keys in llama.cpp's order, in which rotated pairs are neighbours; hence
`rope_layout="interleaved"`, and nothing is permuted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from lrgd_jax.decoder.checkpoint import few
from lrgd_jax.decoder.checkpoint_layout import TensorNames, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.fields import Fields, refuse_unread
from lrgd_jax.decoder.gguf_config import NEUTRAL, change_nothing, gguf_config
from lrgd_jax.decoder.gguf_header import GgufHeader, TensorPlace, read_header
from lrgd_jax.decoder.gguf_tokenizer import gguf_tokenizer, other_token
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.tensor_blocks import BLOCK, read_blocks
from lrgd_jax.decoder.tokenizer import Tokenizer

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType

__all__ = ["DescribedGguf", "describe_gguf", "read_gguf"]

NAMES = TensorNames(
    embedding="token_embd",
    final_norm="output_norm",
    head="output",
    prefix="blk.{}.",
    layer={
        "attention_norm": "attn_norm",
        "query": "attn_q",
        "key": "attn_k",
        "value": "attn_v",
        "output": "attn_output",
        "feed_forward_norm": "ffn_norm",
        "gate": "ffn_gate",
        "up": "ffn_up",
        "down": "ffn_down",
    },
)


def read_gguf(path: Path, dtype: jax.typing.DTypeLike) -> tuple[DecoderConfig, DecoderParams, Tokenizer | None]:
    """Config, weights and tokenizer of a GGUF file; the file is read and dequantised some rows at a time.

    Args:
        path: of the file.
        dtype: to cast the weights to.

    Returns:
        Config, weights, and the tokenizer where it is of a known kind, else None.

    Raises:
        ValueError: the package gguf is not installed; the file is damaged, or of another architecture, quantisation or
            rotary scaling than is read here; a tensor is missing, surplus, misshapen or not finite; or the tokenizer
            has not one token a row of the embedding.
    """
    header, config, tokenizer, _ = describe_gguf(path)
    stored = header.tensors
    shapes = tensor_shapes(config, NAMES)
    missing, surplus = sorted(set(shapes) - set(stored)), sorted(set(stored) - set(shapes))
    if missing or surplus:
        what = f"lacks {few(missing)}" if missing else f"has the surplus {few(surplus)}"
        raise ValueError(f"{path} {what}: these are not the tensors of the Llama that its metadata describe")
    with path.open("rb") as stream:
        tensors = {name: _tensor(path, stream, header.tensors[name], shape, dtype) for name, shape in shapes.items()}
    return config, assemble(config, tensors, NAMES), tokenizer


class DescribedGguf(NamedTuple):
    """What a GGUF file says before its numbers.

    Attributes:
        header: metadata, and where the tensors lie.
        config: of the decoder.
        tokenizer: of its text, where it is of a known kind.
        unused: keys of the metadata that change no number, with their values.
    """

    header: GgufHeader
    config: DecoderConfig
    tokenizer: Tokenizer | None
    unused: dict[str, object]


def describe_gguf(path: Path) -> DescribedGguf:
    """Reads everything of a GGUF file but the numbers of its tensors.

    Raises:
        ValueError: as for `read_gguf`.
    """
    try:
        import gguf
    except ImportError as error:
        # a ValueError, as everything else that a user can mend, so that a command ends with this one message
        raise ValueError(f"{path}: reading GGUF needs the package gguf: pip install lrgd-jax[smollm2]") from error
    sizes = {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    header = read_header(path, sizes)
    metadata = Fields(header.metadata)
    try:
        config = gguf_config(metadata, {name: tensor.shape for name, tensor in header.tensors.items()})
        tokenizer = gguf_tokenizer(metadata, config.vocab_size)
        unused = refuse_unread(
            metadata,
            # without a tokenizer, what would be its settings say nothing
            without_effect=lambda key: change_nothing(key) or other_token(key) or _is_setting(key, tokenizer),
            neutral=NEUTRAL,
            what="a llama",
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return DescribedGguf(header, config, tokenizer, unused)


def _is_setting(key: str, tokenizer: Tokenizer | None) -> bool:
    return tokenizer is None and key.startswith("tokenizer.")


def _tensor(
    path: Path, stream: BinaryIO, stored: TensorPlace, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Array:
    from gguf import GGMLQuantizationType

    if stored.shape != shape:
        raise ValueError(
            f"{path}: tensor {stored.name} has shape {list(stored.shape)}, but the metadata call for {list(shape)}"
        )
    kind = GGMLQuantizationType(stored.kind)
    try:
        return read_blocks(
            _blocks(stream, stored, kind), shape, dtype, file=path, name=stored.name, damage="the file is damaged"
        )
    except NotImplementedError as error:
        raise ValueError(
            f"{path}: tensor {stored.name} is stored as {kind.name}, which cannot be dequantised; "
            "convert the file to F16, Q8_0, Q4_1 or another kind that the gguf package reads"
        ) from error


def _blocks(stream: BinaryIO, stored: TensorPlace, kind: GGMLQuantizationType) -> Iterator[np.ndarray]:
    """A tensor's numbers, some rows at a time."""
    from gguf.quants import dequantize

    rows = math.prod(stored.shape[:-1])
    row_bytes, at_once = stored.size // max(rows, 1), max(1, BLOCK // max(stored.shape[-1], 1))
    stream.seek(stored.start)
    for first in range(0, rows, at_once):
        count = min(at_once, rows - first)
        raw = np.fromfile(stream, np.uint8, count * row_bytes).reshape(count, row_bytes)
        # of a damaged scale come numbers that are not finite, which are named, so numpy need not warn
        with np.errstate(all="ignore"):
            numbers = dequantize(raw, kind)
        yield numbers
