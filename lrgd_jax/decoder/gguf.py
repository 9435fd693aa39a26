"""Reads a GGUF file of llama.cpp's architecture "llama": hyper-parameters, weights (dequantised) and byte-level BPE.

The file stores each head's rows of queries and keys in llama.cpp's order, in which rotated pairs are neighbours; hence
`rope_layout="interleaved"`, and nothing is permuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lrgd_jax.decoder.checkpoint import check_finite, few
from lrgd_jax.decoder.checkpoint_layout import TensorNames, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.tokenizer import Tokenizer, byte_level_tokenizer

if TYPE_CHECKING:
    from gguf import ReaderField, ReaderTensor

__all__ = ["read_gguf"]

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
CONTROL, USER_DEFINED = 3, 4
"""Token types of the format."""


@dataclass(frozen=True)
class Metadata:
    """The key-value pairs of a file.

    Attributes:
        path: of the file.
        fields: by key, as the gguf package reads them.
    """

    path: Path
    fields: Mapping[str, ReaderField]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.fields[key].contents() if key in self.fields else default

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number.

        Raises:
            ValueError: the key is missing, or holds something else, such as one number a layer.
        """
        value = self.get(key, default)
        if not isinstance(value, int):
            what = "is missing" if value is None else f"is {value!r}"
            raise ValueError(f"{self.path}: {key} must be a whole number, but {what}")
        return value


def read_gguf(path: Path, dtype: jax.typing.DTypeLike) -> tuple[DecoderConfig, DecoderParams, Tokenizer | None]:
    """Config, weights and tokenizer of a GGUF file; the file is memory-mapped and dequantised tensor by tensor.

    Args:
        path: of the file.
        dtype: to cast the weights to.

    Returns:
        Config, weights, and the tokenizer where it is a byte-level BPE of a known kind, else None.

    Raises:
        ValueError: the package gguf is not installed; the file is damaged, or of another architecture, quantisation or
            rotary scaling than is read here; a tensor is missing, surplus, misshapen or not finite; or the tokenizer
            has not one token a row of the embedding.
    """
    try:
        import gguf
    except ImportError as error:
        # a ValueError, as everything else that a user can mend, so that a command ends with this one message
        raise ValueError(f"{path}: reading GGUF needs the package gguf: pip install lrgd-jax[smollm2]") from error
    try:
        reader = gguf.GGUFReader(path)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        if "GGMLQuantizationType" in str(error):
            raise ValueError(
                f"{path}: a tensor is stored in a way that the gguf package does not know ({error}); "
                "update the package, or convert the file to F16, Q8_0 or Q4_1"
            ) from error
        raise ValueError(f"{path}: damaged, or not a GGUF file ({error}); download the file again") from error
    metadata = Metadata(path, reader.fields)
    stored = {tensor.name: tensor for tensor in reader.tensors}
    config = _config(metadata, {name: tuple(map(int, tensor.shape)) for name, tensor in stored.items()})
    shapes = tensor_shapes(config, NAMES)
    missing, surplus = sorted(set(shapes) - set(stored)), sorted(set(stored) - set(shapes))
    if missing or surplus:
        what = f"lacks {few(missing)}" if missing else f"has the surplus {few(surplus)}"
        raise ValueError(f"{path} {what}: these are not the tensors of the Llama that its metadata describe")
    tensors = {name: _tensor(path, stored[name], shape, dtype) for name, shape in shapes.items()}
    return config, assemble(config, tensors, NAMES), _tokenizer(metadata, config)


def _config(metadata: Metadata, stored: Mapping[str, tuple[int, ...]]) -> DecoderConfig:
    architecture = metadata.get("general.architecture")
    if architecture != "llama":
        raise ValueError(f'{metadata.path}: architecture {architecture!r} is not read from GGUF; supported: "llama"')
    if metadata.get("llama.expert_count", 0):
        raise ValueError(f"{metadata.path}: a mixture of experts is not computed here")
    if "rope_freqs.weight" in stored:
        raise ValueError(
            f"{metadata.path}: stretched rotary frequencies (rope_freqs.weight) are not read from GGUF; "
            "load the model from its safetensors"
        )
    scaling = metadata.get("llama.rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        raise ValueError(f'{metadata.path}: rotary scaling {scaling!r} is not computed; supported: "none", "linear"')
    width, heads = metadata.whole("llama.embedding_length"), metadata.whole("llama.attention.head_count")
    if "token_embd.weight" not in stored:
        raise ValueError(f"{metadata.path} lacks tensor token_embd.weight")
    head_width = metadata.whole("llama.attention.key_length", width // max(heads, 1))
    rotated = metadata.whole("llama.rope.dimension_count", head_width)
    ends = [metadata.get(f"tokenizer.ggml.{kind}_token_id") for kind in ("eos", "eot")]
    try:
        return DecoderConfig(
            vocab_size=stored["token_embd.weight"][-1],
            width=width,
            layers=metadata.whole("llama.block_count"),
            heads=heads,
            kv_heads=metadata.whole("llama.attention.head_count_kv", heads),
            head_width=head_width,
            hidden_width=metadata.whole("llama.feed_forward_length"),
            context_length=metadata.whole("llama.context_length"),
            norm_epsilon=metadata.get("llama.attention.layer_norm_rms_epsilon", 1e-5),
            rope_theta=metadata.get("llama.rope.freq_base", 10_000.0),
            rope_factor=metadata.get("llama.rope.scaling.factor", 1.0) if scaling == "linear" else 1.0,
            rope_layout="interleaved",
            rotary_width=None if rotated == head_width else rotated,
            tied_head="output.weight" not in stored,
            attention_bias="blk.0.attn_q.bias" in stored,
            output_bias="blk.0.attn_output.bias" in stored,
            mlp_bias="blk.0.ffn_up.bias" in stored,
            bos=metadata.get("tokenizer.ggml.bos_token_id"),
            eos=tuple(dict.fromkeys(end for end in ends if end is not None)),
        )
    except ValueError as error:
        raise ValueError(f"{metadata.path}: {error}") from error


def _tensor(path: Path, stored: ReaderTensor, shape: tuple[int, ...], dtype: jax.typing.DTypeLike) -> Array:
    from gguf.quants import dequantize

    came = tuple(int(size) for size in stored.shape[::-1])
    if came != shape:
        raise ValueError(
            f"{path}: tensor {stored.name} has shape {list(came)}, but the metadata call for {list(shape)}"
        )
    try:
        raw = dequantize(stored.data, stored.tensor_type).reshape(shape)
    except NotImplementedError as error:
        raise ValueError(
            f"{path}: tensor {stored.name} is stored as {stored.tensor_type.name}, which cannot be dequantised; "
            "convert the file to F16, Q8_0, Q4_1 or another kind that the gguf package reads"
        ) from error
    check_finite(path, stored.name, raw, "the file is damaged")
    with np.errstate(over="ignore"):
        cast = raw.astype(jnp.dtype(dtype))
    check_finite(path, stored.name, cast, f"it overflows {jnp.dtype(dtype).name}; load in a wider type")
    return jnp.asarray(cast)


def _tokenizer(metadata: Metadata, config: DecoderConfig) -> Tokenizer | None:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if tokens is not None and len(tokens) != config.vocab_size:
        raise ValueError(
            f"{metadata.path}: the tokenizer has {len(tokens)} tokens, but the embedding has {config.vocab_size} rows; "
            "they belong to different models"
        )
    merges = metadata.get("tokenizer.ggml.merges")
    if tokens is None or merges is None or metadata.get("tokenizer.ggml.model") != "gpt2":
        return None
    types = metadata.get("tokenizer.ggml.token_type", [])
    return byte_level_tokenizer(
        tokens,
        merges,
        splitting=metadata.get("tokenizer.ggml.pre", "default"),
        special=[token for token, kind in zip(tokens, types, strict=False) if kind == CONTROL],
        added=[token for token, kind in zip(tokens, types, strict=False) if kind == USER_DEFINED],
        first=config.bos if metadata.get("tokenizer.ggml.add_bos_token", False) else None,
    )
