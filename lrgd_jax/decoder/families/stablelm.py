"""StableLM: Llama with LayerNorm and partly rotated heads; some have biases, normed heads or parallel blocks.

Source: Bellagente et al. 2024, arXiv 2402.17834, section 2.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import LLAMA_NAMES, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import divided_width, llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.decoder.hugging_face_rotary import rope
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["FAMILY"]

QUERY_NORM, KEY_NORM = "self_attn.q_layernorm", "self_attn.k_layernorm"
NAMES = replace(LLAMA_NAMES, layer={**LLAMA_NAMES.layer, "query_norm": QUERY_NORM, "key_norm": KEY_NORM})


def _config(config: Config) -> DecoderConfig:
    width = divided_width(config)
    return llama_like(
        config,
        head_width=width,
        norm="layer",
        norm_epsilon=config.positive("layer_norm_eps", 1e-5),
        attention_bias=config.flag("use_qkv_bias", False),
        output_bias=False,
        query_key_norm=config.flag("qk_layernorm", False),
        parallel_residual=config.flag("use_parallel_residual", False),
        **rope(config, head_width=width, share=0.25),
    )


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    shapes = tensor_shapes(config, NAMES)
    for layer in range(config.layers):
        prefix = NAMES.prefix.format(layer)
        if config.parallel_residual:
            for kind in ("weight", "bias"):
                del shapes[f"{prefix}post_attention_layernorm.{kind}"]
        for norm, heads in _normed_heads(config).items():
            del shapes[f"{prefix}{norm}.weight"]
            shapes |= {f"{prefix}{norm}.norms.{head}.weight": (config.head_width,) for head in range(heads)}
    return shapes


def _assemble(config: DecoderConfig, tensors: MutableMapping[str, Array]) -> DecoderParams:
    for layer in range(config.layers):
        prefix = NAMES.prefix.format(layer)
        if config.parallel_residual:  # both blocks read what one norm returns
            for kind in ("weight", "bias"):
                tensors[f"{prefix}post_attention_layernorm.{kind}"] = tensors[f"{prefix}input_layernorm.{kind}"]
        for norm, heads in _normed_heads(config).items():
            gains = [tensors.pop(f"{prefix}{norm}.norms.{head}.weight") for head in range(heads)]
            tensors[f"{prefix}{norm}.weight"] = jnp.concatenate(gains)
    return assemble(config, tensors, NAMES)


def _normed_heads(config: DecoderConfig) -> Mapping[str, int]:
    """The norms that have a gain for each head, and how many heads."""
    return {QUERY_NORM: config.heads, KEY_NORM: config.kv_heads} if config.query_key_norm else {}


FAMILY = Family(
    name="stablelm",
    architectures=("StableLmForCausalLM",),
    model_types=("stablelm",),
    read_config=_config,
    tensor_shapes=_shapes,
    assemble=_assemble,
)
