"""A pretrained decoder from a Hugging Face directory: config.json, safetensors, tokenizer.json."""

import os
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

from lrgd_jax.decoder.checkpoint import checkpoint_files, read_json, read_tensors
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families import family_of
from lrgd_jax.decoder.model import DecoderParams
from lrgd_jax.decoder.tokenizer import Tokenizer, load_tokenizer

__all__ = ["LoadedDecoder", "load_directory"]


class LoadedDecoder(NamedTuple):
    """A decoder as it was read.

    Attributes:
        config: what it is.
        params: its weights.
        tokenizer: of its text; None where the directory has no tokenizer.json.
    """

    config: DecoderConfig
    params: DecoderParams
    tokenizer: Tokenizer | None


def load_directory(path: str | os.PathLike[str], dtype: jax.typing.DTypeLike = jnp.float32) -> LoadedDecoder:
    """Reads a Hugging Face model directory; every tensor in it is accounted for, and no pickle is ever loaded.

    Args:
        path: of a directory with config.json, model.safetensors (or its shards and their index), and, for text,
            tokenizer.json.
        dtype: of the weights; stored weights of another type are cast.

    Raises:
        FileNotFoundError: the directory, a file or a shard is not there.
        ValueError: a file is damaged, the architecture is unknown, or a tensor is missing, surplus, there twice,
            misshapen or not finite; the message names file and tensor.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is not a directory; give one with config.json and model.safetensors")
    dtype = jnp.dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"load_directory: dtype must be a floating-point type, got {dtype.name}")
    if jax.dtypes.canonicalize_dtype(dtype) != dtype:
        raise ValueError('load_directory: float64 needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True)')
    described = read_json(directory / "config.json")
    try:
        family = family_of(described)
        config = family.read_config(described)
    except ValueError as error:
        raise ValueError(f"{directory / 'config.json'}: {error}") from error
    tensors = read_tensors(
        checkpoint_files(directory),
        family.tensor_shapes(config),
        dtype,
        tied=family.tied,
        ignorable=family.ignorable,
    )
    text = directory / "tokenizer.json"
    tokenizer = load_tokenizer(text, config.vocab_size) if text.is_file() else None
    return LoadedDecoder(config, family.assemble(config, tensors), tokenizer)
