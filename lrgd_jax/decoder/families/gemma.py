"""Gemma 1: Llama with tanh-GELU gates, a scaled embedding that is the head too, and gains stored less one.

Source: Gemma Team 2024, arXiv 2403.08295, section 2.
"""

import math
from functools import partial

from lrgd_jax.decoder.checkpoint_layout import assemble
from lrgd_jax.decoder.config import Activation, DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, refuse

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    refuse(config, use_bidirectional_attention="attention to later tokens")
    return llama_like(
        config,
        head_width=config.size("head_dim", 256),
        tied_head=config.flag("tie_word_embeddings", True),
        activation=_activation(config),
        attention_bias=config.flag("attention_bias", False),
        embedding_scale=math.sqrt(config.size("hidden_size")),
    )


def _activation(config: Config) -> Activation:
    """The tanh-GELU, which the first files call "gelu"; later ones repeat its name in "hidden_activation"."""
    named = activation(config, "hidden_act", "gelu_pytorch_tanh")
    meant = "gelu_tanh" if named == "gelu" else named
    if config.has("hidden_activation") and activation(config, "hidden_activation", "") != meant:
        raise ValueError("hidden_act and hidden_activation name different functions; keep one of them")
    return meant


FAMILY = Family(
    name="gemma",
    architectures=("GemmaForCausalLM",),
    model_types=("gemma",),
    read_config=_config,
    assemble=partial(assemble, gains="plus one"),
)
