"""A Llama of one layer, as small as can be, in Hugging Face layout."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def config(vocabulary, context):
    """Its config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": 4,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 2,
        "intermediate_size": 3,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
    }


def shapes(vocabulary):
    """Of its tensors."""
    return {
        "model.embed_tokens.weight": (vocabulary, 4),
        "model.layers.0.input_layernorm.weight": (4,),
        "model.layers.0.self_attn.q_proj.weight": (4, 4),
        "model.layers.0.self_attn.k_proj.weight": (2, 4),
        "model.layers.0.self_attn.v_proj.weight": (2, 4),
        "model.layers.0.self_attn.o_proj.weight": (4, 4),
        "model.layers.0.post_attention_layernorm.weight": (4,),
        "model.layers.0.mlp.gate_proj.weight": (3, 4),
        "model.layers.0.mlp.up_proj.weight": (3, 4),
        "model.layers.0.mlp.down_proj.weight": (4, 3),
        "model.norm.weight": (4,),
    }


def write_model(folder: Path, vocabulary: int, context: int) -> None:
    """Random weights and the config, into an existing folder."""
    rng = np.random.default_rng(0)
    tensors = {k: rng.standard_normal(v).astype(np.float32) for k, v in shapes(vocabulary).items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config(vocabulary, context)))
