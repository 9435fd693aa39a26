"""Gemma 2: soft caps, norms after the blocks too, tanh-GELU gates, scaled embedding, every other layer local.

Source: Gemma Team 2024, arXiv 2408.00118, section 2.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any

from lrgd_jax.decoder.checkpoint_layout import LLAMA_NAMES, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, local_layers, refuse

__all__ = ["FAMILY", "GEMMA_NAMES", "gemma_like"]

GEMMA_NAMES = replace(
    LLAMA_NAMES,
    layer={
        **LLAMA_NAMES.layer,
        "attention_post_norm": "post_attention_layernorm",
        "feed_forward_norm": "pre_feedforward_layernorm",
        "feed_forward_post_norm": "post_feedforward_layernorm",
    },
)


def gemma_like(config: Config, *, period: int, final_cap: float | None = None, **difference: Any) -> DecoderConfig:
    """What Gemma 2 and 3 share.

    Args:
        config: as it was read.
        period: every layer has the window but the last of each `period`, where "layer_types" does not say.
        final_cap: of the output's logits, where the config does not say.
        **difference: further fields.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    refuse(config, use_bidirectional_attention="attention to later tokens")
    width, layers = config.size("hidden_size"), config.count("num_hidden_layers")
    window = config.whole_or_none("sliding_window", 4096)
    local = local_layers(config, layers)
    if local is None:
        local = tuple((layer + 1) % period != 0 for layer in range(layers))
    return llama_like(
        config,
        head_width=config.size("head_dim", 256),
        tied_head=config.flag("tie_word_embeddings", True),
        activation=activation(config, "hidden_activation", "gelu_pytorch_tanh"),
        attention_bias=config.flag("attention_bias", False),
        attention_scale=1 / math.sqrt(config.positive("query_pre_attn_scalar", 256)),
        logit_soft_cap=config.number_or_none("final_logit_softcapping", final_cap),
        window=window,
        local_layers=None if window is None else local,
        post_norms=True,
        embedding_scale=math.sqrt(width),
        **difference,
    )


def _config(config: Config) -> DecoderConfig:
    cap = config.number_or_none("attn_logit_softcapping", 50.0)
    return gemma_like(config, period=2, final_cap=30.0, attention_soft_cap=cap)


FAMILY = Family(
    name="gemma2",
    architectures=("Gemma2ForCausalLM",),
    model_types=("gemma2",),
    read_config=_config,
    without_effect=("hidden_act",),
    tensor_shapes=partial(tensor_shapes, names=GEMMA_NAMES),
    assemble=partial(assemble, names=GEMMA_NAMES, gains="plus one"),
)
