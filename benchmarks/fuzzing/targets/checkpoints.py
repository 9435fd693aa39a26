"""Directories of Hugging Face's layout: config.json of four families, two other settings, weights and their index."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.fuzzing.byte_mutations import mutate_bytes
from benchmarks.fuzzing.json_mutations import mutate_json
from benchmarks.fuzzing.plain_readers import agrees, plain_safetensors
from benchmarks.fuzzing.target import Target
from lrgd_jax.decoder import DecoderConfig
from lrgd_jax.decoder.checkpoint import checkpoint_files, read_tensors
from lrgd_jax.decoder.families.llama import FAMILY as LLAMA_FAMILY
from lrgd_jax.decoder.hugging_face_tokenizer import hugging_face_tokenizer
from lrgd_jax.decoder.loading import describe_directory
from lrgd_jax.decoder.tiny import tiny_decoder

SIZES = {
    "hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 256, "max_position_embeddings": 16,
}  # fmt: skip
LAYERS = ["sliding_attention", "full_attention"]
CONFIGS: tuple[dict[str, object], ...] = (
    {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", **SIZES, "rms_norm_eps": 1e-5, "rope_theta": 5e5,
        "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": [2, 3], "hidden_act": "silu",
        "use_cache": True,
        "rope_scaling": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8,
        },
    },
    {
        "model_type": "llama", **SIZES, "rms_norm_eps": 1e-5, "attention_bias": True, "eos_token_id": 2,
        "rope_parameters": {
            "rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4, "original_max_position_embeddings": 16,
            "beta_fast": 32.0, "beta_slow": 1.0,
        },
    },
    {
        "model_type": "gemma3_text", **SIZES, "head_dim": 4, "sliding_window": 4, "query_pre_attn_scalar": 16,
        "rope_theta": 1e6, "rope_local_base_freq": 1e4, "layer_types": LAYERS, "rms_norm_eps": 1e-6,
    },
    {"model_type": "qwen2", **SIZES, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1},
    {"model_type": "mixtral", **SIZES, "num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": None},
    {"model_type": "phi3", **SIZES, "partial_rotary_factor": 1.0, "pad_token_id": 0,
     "original_max_position_embeddings": 16},
    {"model_type": "gpt2", "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "vocab_size": 256},
)  # fmt: skip
SAID: Mapping[str, tuple[str, ...]] = {
    "width": ("hidden_size", "n_embd"),
    "layers": ("num_hidden_layers", "n_layer"),
    "heads": ("num_attention_heads", "n_head"),
    "hidden_width": ("intermediate_size", "n_inner"),
    "vocab_size": ("vocab_size",),
    "context_length": ("max_position_embeddings", "n_positions"),
    "kv_heads": ("num_key_value_heads",),
    "norm_epsilon": ("rms_norm_eps", "layer_norm_epsilon"),
    "head_width": ("head_dim",),
    "bos": ("bos_token_id",),
    "tied_head": ("tie_word_embeddings",),
    "experts": ("num_local_experts",),
}
"""The names of what a `DecoderConfig` says in a config.json."""
LLAMA = DecoderConfig(
    vocab_size=5, width=4, layers=1, heads=2, kv_heads=1, head_width=2, hidden_width=3, context_length=8, tied_head=True
)


def _config_fault(folder: Path, described: Any) -> str | None:
    written = json.loads((folder / "config.json").read_bytes())
    config = described.config
    for field, names in SAID.items():
        for name in names:
            if written.get(name) is not None and not agrees(getattr(config, field), written[name]):
                return f"{field} is {getattr(config, field)}, {name} {written[name]}"
    rotary = {**(written.get("rope_parameters") or {}), **(written.get("rope_scaling") or {})}
    theta = rotary.get("rope_theta", written.get("rope_theta"))
    if (
        config.positions == "rotary"
        and theta is not None
        and not any(agrees(config.rope_theta, said) for said in (theta, written.get("rope_theta")))
    ):
        return f"rope_theta is {config.rope_theta}, not {theta}"
    return _ends_fault(config.eos, written, "eos_token_id")


def _ends_fault(ends: tuple[int, ...], written: dict[str, Any], name: str) -> str | None:
    said = written.get(name)
    if said is not None and list(ends) != (said if isinstance(said, list) else [said]):
        return f"eos is {ends}, {name} {said}"
    return None


def _generation_fault(folder: Path, described: Any) -> str | None:
    return _ends_fault(
        described.config.eos, json.loads((folder / "generation_config.json").read_bytes()), "eos_token_id"
    )


def _config_seeds() -> list[dict[str, bytes]]:
    return [{"config.json": json.dumps(config).encode()} for config in CONFIGS]


def _generation_seeds() -> list[dict[str, bytes]]:
    settings = (
        {"eos_token_id": [2, 3], "temperature": 0.5},
        {"eos_token_id": 2, "max_length": 20},
        {"do_sample": True},
    )
    config = json.dumps(CONFIGS[0]).encode()
    return [{"config.json": config, "generation_config.json": json.dumps(one).encode()} for one in settings]


def _tokenizer_seeds() -> list[dict[str, bytes]]:
    tokenizer = tiny_decoder().tokenizer
    assert tokenizer is not None  # noqa: S101
    plain = json.loads(tokenizer.backend.to_str())
    cut = plain | {"truncation": {"max_length": 1, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}}
    settings = {
        "model_max_length": 20, "padding_side": "left", "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False,
        "added_tokens_decoder": {}, "bos_token": None, "chat_template": "{{ messages }}", "split_special_tokens": False,
    }  # fmt: skip
    return [
        {"tokenizer.json": json.dumps(one).encode(), "tokenizer_config.json": json.dumps(settings).encode()}
        for one in (plain, cut)
    ]


def _tokenizer_fault(folder: Path, tokenizer: Any) -> str | None:
    """Every token of a text must have the id that tokenizer.json gives it."""
    written = json.loads((folder / "tokenizer.json").read_bytes())
    ids = dict(written["model"]["vocab"]) | {
        token["content"]: token["id"] for token in written.get("added_tokens") or ()
    }
    encoding = tokenizer.backend.encode("a cat")
    for token, number in zip(encoding.tokens, encoding.ids, strict=True):
        if ids.get(token) != number:
            return f"token {token!r} is {number}, in the file {ids.get(token)}"
    return None


def _load_tokenizer(folder: Path) -> Any:
    tokenizer = hugging_face_tokenizer(folder, 256)
    assert tokenizer is not None  # noqa: S101
    tokenizer.encode("a cat")
    return tokenizer


def safetensors(tensors: Mapping[str, tuple[str, np.ndarray]]) -> bytes:
    """A file of named tensors, each with the format's name of its type and its raw numbers."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (kind, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for _, values in tensors.values())


def mutate_safetensors(random: Random, content: bytes, others: Any) -> bytes:
    """A change of the header with its length put right, or of the bytes."""
    if random.random() < 0.5:
        return mutate_bytes(random, content, others)
    (size,) = struct.unpack_from("<Q", content)
    header = mutate_json(random, content[8 : 8 + size], [])
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


KINDS = {"F32": np.float32, "F16": np.float16, "F64": np.float64, "BF16": jnp.bfloat16}


def _weight_seeds() -> list[dict[str, bytes]]:
    rng = np.random.default_rng(0)
    shapes = LLAMA_FAMILY.tensor_shapes(LLAMA)
    plain = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    stored = {kind: {name: (kind, x.astype(dtype)) for name, x in plain.items()} for kind, dtype in KINDS.items()}
    whole = [{"model.safetensors": safetensors(tensors)} for tensors in stored.values()]
    names = list(shapes)
    files = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
    index = {"metadata": {"total_size": 1}, "weight_map": {name: file for file, held in files.items() for name in held}}
    shards = {file: safetensors({name: stored["F32"][name] for name in held}) for file, held in files.items()}
    return [*whole, {"model.safetensors.index.json": json.dumps(index).encode(), **shards}]


def _load_weights(folder: Path) -> Any:
    files = checkpoint_files(folder)
    return read_tensors(
        files,
        LLAMA_FAMILY.tensor_shapes(LLAMA),
        jnp.float32,
        tied=LLAMA_FAMILY.tied,
        ignorable=LLAMA_FAMILY.ignorable,
        prefix=LLAMA_FAMILY.prefix,
    )


def _weight_fault(folder: Path, tensors: Any) -> str | None:
    plain: dict[str, np.ndarray] = {}
    for file in folder.glob("*.safetensors"):
        plain |= plain_safetensors(file)
    for name, values in tensors.items():
        stored = plain[name if name in plain else name.removeprefix("model.")].astype(np.float32)
        if not np.array_equal(np.asarray(values), stored):
            return f"tensor {name} is not what the bytes say"
    return None


SHARDS = {f"model-0000{k}-of-00002.safetensors": mutate_safetensors for k in (1, 2)}

TARGETS = (
    Target("config.json", _config_seeds, {"config.json": mutate_json}, describe_directory, _config_fault),
    Target("generation_config.json", _generation_seeds, {"generation_config.json": mutate_json},
           describe_directory, _generation_fault),
    Target("tokenizer.json", _tokenizer_seeds, {"tokenizer.json": mutate_json}, _load_tokenizer, _tokenizer_fault),
    Target("tokenizer_config.json", _tokenizer_seeds, {"tokenizer_config.json": mutate_json},
           _load_tokenizer, _tokenizer_fault),
    Target("safetensors", _weight_seeds, {"model.safetensors": mutate_safetensors, **SHARDS},
           _load_weights, _weight_fault),
    Target(
        "safetensors index", lambda: _weight_seeds()[-1:], {"model.safetensors.index.json": mutate_json}, _load_weights,
        _weight_fault,
    ),
)  # fmt: skip
