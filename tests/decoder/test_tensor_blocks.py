"""Tensors are read some rows at a time: the numbers are the same, and none is in memory twice."""

import tracemalloc
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.decoder import checkpoint, load_decoder, load_directory
from lrgd_jax.decoder.tensor_blocks import read_blocks

from .helpers import LLAMA, llama_tensors, write_llama

gguf = pytest.importorskip("gguf", reason="reading GGUF needs the package gguf; install the smollm2 extra")

from lrgd_jax.decoder import gguf as gguf_reading  # noqa: E402

from .test_gguf import WIDE, Kind, as_stored, write_gguf  # noqa: E402

WIDER = {"hidden_size": 128, "intermediate_size": 256, "vocab_size": 2048}
MOST = 1.3
"""Times the size of the weights, that reading them may take."""


def read(blocks, shape, dtype=jnp.float32):
    arrays = [np.asarray(block, np.float32) for block in blocks]
    return read_blocks(arrays, shape, dtype, file=Path("x"), name="w", damage="damaged")


def set_block(monkeypatch, numbers):
    for module in (checkpoint, gguf_reading):
        monkeypatch.setattr(module, "BLOCK", numbers)


def same(one, other):
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(jnp.array_equal(x, y) for x, y in leaves)


def test_blocks_are_one_tensor():
    assert read([[0, 1], [2, 3], [4, 5]], (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read([[0, 1]], (2,), jnp.bfloat16).dtype == jnp.bfloat16


def test_what_is_not_finite_is_counted_over_all_blocks():
    with pytest.raises(
        ValueError, match=r"tensor w has 3 values that are not finite, the first at \[1, 0\]: nan; damaged"
    ):
        read([[0, 1], [2, np.nan], [np.inf, -np.inf]], (2, 3))
    with pytest.raises(ValueError, match=r"has 2 values .* the first at \[0, 1\]: inf; it overflows float16"):
        read([[0, 1e38], [2, 1e38]], (2, 2), jnp.float16)


@pytest.mark.parametrize("kind", [Kind.F32, Kind.Q8_0], ids=lambda kind: kind.name)
def test_a_gguf_file_in_small_blocks_is_the_same(tmp_path, kind, monkeypatch):
    path = write_gguf(tmp_path / "model.gguf", kind=kind)
    whole = load_decoder(path).params
    set_block(monkeypatch, 64)
    assert same(load_decoder(path).params, whole)


def test_a_directory_in_small_blocks_is_the_same(tmp_path, monkeypatch):
    tensors = llama_tensors(LLAMA)
    set_block(monkeypatch, 5)
    params = load_directory(write_llama(tmp_path, tensors=tensors)).params
    assert (np.asarray(params.embedding) == tensors["model.embed_tokens.weight"]).all()


def peak(load, source):
    """The most bytes that NumPy and Python have held, over the size of the weights in float32."""
    load(source)
    tracemalloc.start()
    params = load(source).params
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / sum(x.size * 4 for x in jax.tree.leaves(params))


@pytest.mark.parametrize("kind", [Kind.F32, Kind.Q8_0, Kind.Q4_1], ids=lambda kind: kind.name)
def test_a_gguf_file_takes_little_more_than_its_weights(tmp_path, kind, monkeypatch):
    set_block(monkeypatch, 2**12)
    config = WIDE | WIDER
    path = write_gguf(tmp_path / "model.gguf", config, as_stored(config, llama_tensors(config)), kind=kind)
    assert peak(load_decoder, path) < MOST


@pytest.mark.parametrize("shards", [1, 3])
def test_a_directory_takes_little_more_than_its_weights(tmp_path, shards, monkeypatch):
    set_block(monkeypatch, 2**12)
    config = LLAMA | WIDER
    names = sorted(llama_tensors(config))
    folder = write_llama(tmp_path, config, shards=[names[i::shards] for i in range(shards)])
    assert peak(load_directory, folder) < MOST
