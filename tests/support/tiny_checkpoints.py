"""A tiny checkpoint of every family of decoders, in Hugging Face layout with a tokenizer."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from lrgd_jax.decoder.families import FAMILIES

__all__ = ["PROMPT", "TINY_CONFIGS", "write_checkpoint"]

WORDS = ("<unk>", *"abcdefghijkl")
PROMPT = "a b\nc d e\nf a g"
"""Two demonstrations and a query, in the tokens of a tiny checkpoint."""

LLAMA: Mapping[str, object] = {
    "vocab_size": len(WORDS),
    "hidden_size": 8,
    "intermediate_size": 6,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "max_position_embeddings": 16,
}
WIDE = {"hidden_size": 16}
"""Where the heads' width is what the model's leaves for each."""
KINDS = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 3}
BASES = {
    "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
}
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 4}
LONG = {"rope_type": "longrope", "short_factor": [1.5], "long_factor": [4.0], "attention_factor": 1.25}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 16, "vocab_size": len(WORDS)}
NEOX = {key: value for key, value in LLAMA.items() if key not in ("num_key_value_heads", "head_dim")}
MULTIPLIERS = {"embedding_multiplier": 3.0, "residual_multiplier": 0.25, "attention_multiplier": 0.125}

TINY_CONFIGS: Mapping[str, Mapping[str, object]] = {
    "llama": LLAMA,
    "mistral": {**LLAMA, "sliding_window": 3},
    "ministral": {**LLAMA, **KINDS},
    "mixtral": {**LLAMA, "num_local_experts": 3},
    "qwen2": {**LLAMA, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1},
    "qwen3": LLAMA,
    "gemma": {**LLAMA, "num_key_value_heads": 1},
    "gemma2": {**LLAMA, **KINDS, "query_pre_attn_scalar": 7, "attn_logit_softcapping": 2.0},
    "gemma3": {**LLAMA, **KINDS, "query_pre_attn_scalar": 7, "rope_parameters": BASES},
    "gpt2": GPT2,
    "gpt_oss": {
        **LLAMA,
        "sliding_window": 3,
        "rope_scaling": YARN,
        "num_local_experts": 3,
        "num_experts_per_tok": 2,
        "swiglu_limit": 0.5,
    },
    "gpt_neox": {**NEOX, **WIDE, "rotary_pct": 0.5},
    "granite": {**LLAMA, **MULTIPLIERS, "logits_scaling": 2.0},
    "olmo2": LLAMA,
    "olmo3": {**LLAMA, **KINDS, "rope_parameters": {**BASES, "full_attention": YARN}},
    "phi3": {
        **LLAMA,
        "sliding_window": 4,
        "rope_scaling": {**LONG, "partial_rotary_factor": 0.5},
        "original_max_position_embeddings": 16,
    },
    "smollm3": {**LLAMA, "no_rope_layers": [1, 0]},
    "stablelm": {**NEOX, **WIDE, "num_key_value_heads": 2, "partial_rotary_factor": 0.5, "qk_layernorm": True},
}
"""What config.json of each family says, but its name."""


def write_checkpoint(folder: Path, name: str, changes: Mapping[str, object] = MappingProxyType({})) -> None:
    """config.json with some changes, random weights of which none is zero or one, and a tokenizer of 13 words."""
    family = next(family for family in FAMILIES if family.name == name)
    described = {"architectures": [*family.architectures], **TINY_CONFIGS[name], **changes}
    rng = np.random.default_rng(0)
    shapes = family.tensor_shapes(family.decoder_config(described))
    tensors = {
        # gains about one, or about zero where they are stored less one
        stored: (len(shape) == 1 and "bias" not in stored and not name.startswith("gemma"))
        + rng.standard_normal(shape).astype(np.float32) / 4
        for stored, shape in shapes.items()
    }
    save_file({stored: tensor.astype(np.float32) for stored, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(described))
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(folder / "tokenizer.json"))
