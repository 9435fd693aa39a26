"""Reads the tensors of a safetensors checkpoint, one file or sharded, and accounts for every one of them."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lrgd_jax.decoder.mxfp4 import PackedTensor, packed_tensors, unpacked_rows
from lrgd_jax.decoder.safetensors_header import stored_tensors
from lrgd_jax.decoder.tensor_blocks import BLOCK, StoredTensor, read_blocks
from lrgd_jax.outside.convert import cut_text, shorten
from lrgd_jax.outside.json_files import read_json

__all__ = ["checkpoint_files", "few", "read_tensors"]

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
FLOATING: Mapping[str, np.dtype] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(jnp.bfloat16),
}
"""The format's names of the types that are read."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


class _Index(TypedDict):
    """What is read of an index."""

    weight_map: dict[str, str]


def checkpoint_files(directory: Path) -> dict[Path, frozenset[str] | None]:
    """The checkpoint's files, each with the tensors that the index says it holds (None: there is no index).

    Raises:
        FileNotFoundError: there are no weights, or the index names a file that is not there.
        ValueError: the weights are there as pickles only, or the index is malformed.
    """
    if (directory / SINGLE).is_file():
        return {directory / SINGLE: None}
    if (directory / INDEX).is_file():
        return _read_index(directory)
    pickles = sorted(file.name for pattern in PICKLES for file in directory.glob(pattern))
    if pickles:
        raise ValueError(
            f"{directory} has its weights as pickle only ({', '.join(pickles)}), and a pickle is never loaded, since "
            "loading one runs the code in it; convert the weights to safetensors"
        )
    raise FileNotFoundError(f"{directory} has no weights: neither {SINGLE} nor {INDEX}")


def _read_index(directory: Path) -> dict[Path, frozenset[str] | None]:
    index = directory / INDEX
    names = read_json(index, _Index, what="index of a checkpoint")["weight_map"]
    there = {path.name for path in directory.iterdir() if path.is_file()}
    files: dict[Path, frozenset[str] | None] = {}
    for file in sorted(set(names.values())):
        if Path(file).name != file:
            raise ValueError(f"{index}: {shorten(file)} is not the name of a file in {directory}")
        if file not in there:
            raise FileNotFoundError(f"{index} names the shard {file:.255}, which is not in {directory}; download it")
        files[directory / file] = frozenset(name for name, at in names.items() if at == file)
    unnamed = {file.name for file in directory.glob("model-*-of-*.safetensors")} - set(names.values())
    if unnamed:
        raise ValueError(
            f"{directory} has shards that {INDEX} does not name: {', '.join(sorted(unnamed))}; remove them"
        )
    return files


def read_tensors(
    files: Mapping[Path, frozenset[str] | None],
    shapes: Mapping[str, tuple[int, ...]],
    dtype: jax.typing.DTypeLike,
    *,
    tied: tuple[str, str],
    ignorable: str,
    prefix: str = "",
) -> dict[str, Array]:
    """Exactly the tensors that `shapes` names, cast to `dtype`.

    Args:
        files: from `checkpoint_files`.
        shapes: of every tensor.
        dtype: to cast to.
        tied: a name that may be stored although `shapes` lacks it, if it equals the tensor of the second name.
        ignorable: a regular expression of names that may be stored and are not read.
        prefix: with which stored names may begin, or not; so may those of `shapes`.

    Raises:
        ValueError: a file is truncated, or a tensor is missing, surplus, there twice, of another shape, of a type
            that is no floating-point number, or not finite.
    """
    places: dict[str, Path] = {}
    tensors: dict[str, Array] = {}
    surplus: dict[str, Path] = {}
    twin: np.ndarray | None = None
    for file, indexed in files.items():
        held = stored_tensors(file)
        names = set(held)
        with file.open("rb") as stream:
            # the index places each tensor in one file, so this also finds tensors that are there twice
            _check_index(file, names, indexed)
            packed = packed_tensors(held, file)
            names -= {part.name for parts in packed.values() for part in parts}
            for stored in sorted(names | set(packed)):
                name = _canonical(stored, prefix, shapes)
                if name in places:
                    raise ValueError(f"{file}: tensor {cut_text(name)} is there twice, with and without {prefix!r}")
                places[name] = file
                if name in shapes and stored in packed:
                    tensors[name] = _read_packed(stream, file, packed[stored], shapes[name], dtype)
                elif name in shapes:
                    tensors[name] = _read(stream, file, held[stored], shapes[name], dtype)
                elif name == tied[0] and tied[1] in shapes:
                    twin = np.asarray(_read(stream, file, held[stored], shapes[tied[1]], dtype))
                elif not re.fullmatch(ignorable, name):
                    surplus[stored] = file
    missing = [name for name in shapes if name not in places]
    if missing:
        hint = f"; instead there is {few(sorted(surplus))}" if surplus else ""
        raise ValueError(f"{_place(files)} lacks {few(missing)}, which the config calls for{hint}")
    if surplus:
        name, file = next(iter(surplus.items()))
        raise ValueError(
            f"{file}: surplus {few(sorted(surplus))}: the config calls for no such tensor, so the model would not be "
            "what the checkpoint holds; check config.json"
        )
    if twin is not None and not np.array_equal(twin, np.asarray(tensors[tied[1]])):
        raise ValueError(
            f"{places[tied[0]]}: tensor {tied[0]} differs from {tied[1]}, though config.json says that they are tied; "
            "set tie_word_embeddings to false or remove the tensor"
        )
    return tensors


def _canonical(stored: str, prefix: str, shapes: Mapping[str, object]) -> str:
    """The name that `shapes` has for a stored tensor; without the prefix where it has none."""
    bare = stored.removeprefix(prefix)
    return next((name for name in (stored, bare, prefix + stored) if name in shapes), bare)


def _check_index(file: Path, names: set[str], indexed: frozenset[str] | None) -> None:
    if indexed is not None and names != indexed:
        lacking, more = sorted(indexed - names), sorted(names - indexed)
        what = f"lacks {few(lacking)}, which" if lacking else f"holds {few(more)}, which"
        how = "places there" if lacking else "does not place there"
        raise ValueError(f"{file} {what} {INDEX} {how}; download the checkpoint again")


def _read(
    stream: BinaryIO, file: Path, stored: StoredTensor, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Array:
    if stored.shape != shape:
        raise ValueError(
            f"{file}: tensor {stored.name} has shape {list(stored.shape)}, but the config calls for {list(shape)}"
        )
    if stored.kind not in FLOATING:
        raise ValueError(
            f"{file}: tensor {stored.name} is stored as {stored.kind}; supported: {', '.join(FLOATING)}; "
            "dequantise the checkpoint"
        )
    return read_blocks(
        _blocks(stream, stored),
        shape,
        dtype,
        file=file,
        name=stored.name,
        damage="the checkpoint is damaged, or its training diverged",
    )


def _read_packed(
    stream: BinaryIO, file: Path, packed: PackedTensor, shape: tuple[int, ...], dtype: jax.typing.DTypeLike
) -> Array:
    if packed.shape != shape:
        raise ValueError(
            f"{file}: tensor {packed.blocks.name} holds numbers of shape {list(packed.shape)}, but the config calls "
            f"for {list(shape)}"
        )
    numbers, name = unpacked_rows(stream, packed), packed.blocks.name
    return read_blocks(numbers, shape, dtype, file=file, name=name, damage="a scale of 255 means no number")


def _blocks(stream: BinaryIO, stored: StoredTensor) -> Iterator[np.ndarray]:
    """A tensor's numbers, some at a time."""
    kind, left = FLOATING[stored.kind], math.prod(stored.shape)
    stream.seek(stored.start)
    while left:
        count = min(left, BLOCK)
        yield np.fromfile(stream, np.uint8, count * kind.itemsize).view(kind)
        left -= count


def few(names: list[str]) -> str:
    """The first of some tensors, and how many more there are."""
    shown = ", ".join(map(cut_text, names[:3]))
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'tensor' if len(names) == 1 else 'tensors'} {shown}{rest}"


def _place(files: Mapping[Path, object]) -> str:
    return str(next(iter(files))) if len(files) == 1 else f"{next(iter(files)).parent} ({len(files)} shards)"
