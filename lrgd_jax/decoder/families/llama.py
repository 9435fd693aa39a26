"""Llama 2 and 3: config.json and tensor names of Hugging Face's LlamaForCausalLM."""

from collections.abc import Mapping
from typing import Any

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, eos_tokens, rope, sizes

__all__ = ["FAMILY", "assemble", "config_from_hugging_face", "llama_like", "tensor_shapes"]


def config_from_hugging_face(config: Config) -> DecoderConfig:
    """The `DecoderConfig` of a Llama's config.json, as transformers 4 or 5 writes it.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    bias = config.get("attention_bias", False)
    return llama_like(config, attention_bias=bias, mlp_bias=config.get("mlp_bias", False))


def llama_like(config: Config, **difference: Any) -> DecoderConfig:
    """The `DecoderConfig` of a family that keeps Llama's keys; `difference` replaces and adds fields.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    width, hidden, layers, heads, vocabulary, context = sizes(
        config,
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "vocab_size",
        "max_position_embeddings",
    )
    rotary = config.get("rope_parameters") or {}
    if isinstance(rotary, Mapping) and rotary.get("partial_rotary_factor", 1) != 1:
        raise ValueError(
            f"partial_rotary_factor is {rotary['partial_rotary_factor']}; whole heads are rotated in this family"
        )
    if "activation" not in difference:
        difference["activation"] = activation(config, "hidden_act", "silu", ("silu", "swish"))
    if "rope_theta" not in difference:
        difference |= rope(config)
    head_width = config.get("head_dim")
    if head_width is None:
        if heads < 1 or width % heads:
            raise ValueError(
                f"hidden_size {width} is no multiple of num_attention_heads {heads}, and head_dim is not given"
            )
        head_width = width // heads
    fields = {
        "vocab_size": vocabulary,
        "width": width,
        "layers": layers,
        "heads": heads,
        "kv_heads": heads if config.get("num_key_value_heads") is None else config["num_key_value_heads"],
        "head_width": head_width,
        "hidden_width": hidden,
        "context_length": context,
        "norm_epsilon": config.get("rms_norm_eps", 1e-6),
        "tied_head": config.get("tie_word_embeddings", False),
        "bos": config.get("bos_token_id"),
        "eos": eos_tokens(config),
    }
    return DecoderConfig(**(fields | difference))


FAMILY = Family(
    name="llama",
    architectures=("LlamaForCausalLM",),
    model_types=("llama",),
    read_config=config_from_hugging_face,
)
