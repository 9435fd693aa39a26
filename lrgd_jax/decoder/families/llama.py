"""Llama 2 and 3: config.json and tensor names of Hugging Face's LlamaForCausalLM."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, eos_tokens, sizes
from lrgd_jax.decoder.hugging_face_rotary import LongTexts, rope
from lrgd_jax.positions import rotary_frequencies

__all__ = ["FAMILY", "divided_width", "head_width", "llama_like"]


def llama_like(config: Config, **difference: Any) -> DecoderConfig:
    """The `DecoderConfig` of a family that keeps Llama's keys; `difference` replaces and adds fields.

    A key of which the field is replaced is not read here.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    if "rope_theta" not in difference:
        difference |= rope(config)
    longer: LongTexts | None = difference.pop("longer", None)
    fields = {field: read(config) for field, read in READ.items() if field not in difference}
    short = DecoderConfig(**(fields | difference))
    return short if longer is None else _with_long_texts(short, longer)


def _with_long_texts(config: DecoderConfig, longer: LongTexts) -> DecoderConfig:
    """A decoder of which texts longer than the first context have frequencies of their own."""
    width = config.head_width if config.rotary_width is None else config.rotary_width
    for scaling in (config.rope_scaling, longer.scaling):
        rotary_frequencies(width, config.rope_theta, scaling)  # as many factors as there are pairs
    if longer.context >= config.context_length:
        return config
    beyond = replace(config, rope_scaling=longer.scaling)
    return replace(config, context_length=longer.context, beyond=beyond)


def head_width(config: Config) -> int:
    """The "head_dim" of a config, or what its width leaves for each head.

    Raises:
        ValueError: a key is missing, or the width is no multiple of the heads.
    """
    return config.size("head_dim") if config.has("head_dim") else divided_width(config, ", and head_dim is not given")


def divided_width(config: Config, why: str = "") -> int:
    """What a config's width leaves for each head.

    Args:
        config: as it was read.
        why: it has to be divided, for the message.

    Raises:
        ValueError: a key is missing, or the width is no multiple of the heads.
    """
    width, heads = sizes(config, "hidden_size", "num_attention_heads")
    if width % heads:
        raise ValueError(f"hidden_size {width} is no multiple of num_attention_heads {heads}{why}")
    return width // heads


def _kv_heads(config: Config) -> int:
    return config.size("num_key_value_heads" if config.has("num_key_value_heads") else "num_attention_heads")


READ: Mapping[str, Callable[[Config], Any]] = {
    "vocab_size": lambda config: config.size("vocab_size"),
    "width": lambda config: config.size("hidden_size"),
    "layers": lambda config: config.count("num_hidden_layers"),
    "heads": lambda config: config.size("num_attention_heads"),
    "kv_heads": _kv_heads,
    "head_width": head_width,
    "hidden_width": lambda config: config.size("intermediate_size"),
    "context_length": lambda config: config.size("max_position_embeddings"),
    "norm_epsilon": lambda config: config.positive("rms_norm_eps", 1e-6),
    "tied_head": lambda config: config.flag("tie_word_embeddings", False),
    "activation": lambda config: activation(config, "hidden_act", "silu", ("silu", "swish")),
    "bos": lambda config: config.whole_or_none("bos_token_id"),
    "eos": eos_tokens,
}
"""How each field is read from Llama's keys."""


def _config(config: Config) -> DecoderConfig:
    biases = {"attention_bias": config.flag("attention_bias", False), "mlp_bias": config.flag("mlp_bias", False)}
    return llama_like(config, **biases)


FAMILY = Family(
    name="llama",
    architectures=("LlamaForCausalLM",),
    model_types=("llama",),
    read_config=_config,
)
