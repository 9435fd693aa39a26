"""Tiny decoders, checkpoints written to disk, and comparison within derived tolerances."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save_file

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.certify.rounding.running_error import running_error
from lrgd_jax.decoder import DecoderConfig, init
from lrgd_jax.decoder.families import llama

TINY = DecoderConfig(
    vocab_size=13,
    width=8,
    layers=2,
    heads=4,
    kv_heads=2,
    head_width=4,
    hidden_width=6,
    context_length=16,
    attention_bias=True,
    mlp_bias=True,
    eos=(2,),
)
TOKENS = jnp.array([1, 5, 3, 3, 7, 12, 0, 4])
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 13,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": 6,
    "max_position_embeddings": 16,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
}


def decoder(config, seed=0, dtype=jnp.float64):
    """Weights of which none is zero or one, as gains and biases are at first."""
    params = init(jax.random.key(seed), config, dtype)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
    moved = [x + jax.random.normal(k, x.shape, x.dtype) / 4 for k, x in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(tree, moved)


def agree(left, right, *args):
    """Two shallow programs meet within the sum of their running error bounds, which are finite."""
    ours, theirs = (jax.tree.leaves(jax.jit(f)(*args)) for f in (left, right))
    bounds = [jax.tree.leaves(running_error(f, *args).error) for f in (left, right)]
    for a, b, first, second in zip(ours, theirs, *bounds, strict=True):
        within(a, b, first + second)


def agree_deep(left, right, *args):
    """Two deep programs meet within the sum of their adjoint bounds, which are finite."""
    bounds = [adjoint_bound(f, *args, cuts="names").worst for f in (left, right)]
    within(jax.jit(left)(*args), jax.jit(right)(*args), bounds[0] + bounds[1])


def within(a, b, tolerance):
    """Two finite results are nowhere further apart than a finite tolerance."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    assert np.isfinite(a).all()
    assert np.isfinite(tolerance).all()
    excess = np.abs(a - b) - tolerance
    assert (excess <= 0).all(), f"apart by {np.abs(a - b).max()}, tolerance {np.min(tolerance)}"


def llama_tensors(config, seed=0):
    rng = np.random.default_rng(seed)
    shapes = llama.FAMILY.tensor_shapes(llama.FAMILY.decoder_config(config))
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def write_llama(folder: Path, config=None, tensors=None, shards=None) -> Path:
    """A Hugging Face directory; `shards` splits the tensors' names into files and writes their index."""
    config = LLAMA if config is None else config
    tensors = llama_tensors(config) if tensors is None else tensors
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if shards is None:
        save_file(tensors, folder / "model.safetensors")
        return folder
    files = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for file, names in zip(files, shards, strict=True):
        save_file({name: tensors[name] for name in names}, folder / file)
    weight_map = {name: file for file, names in zip(files, shards, strict=True) for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder
