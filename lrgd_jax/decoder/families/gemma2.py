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
from lrgd_jax.decoder.hugging_face_config import Config, activation, local_layers, refuse, sizes

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


def gemma_like(
    config: Config, period: int, caps: tuple[float | None, float | None], **difference: Any
) -> DecoderConfig:
    """What Gemma 2 and 3 share.

    Args:
        config: as it was read.
        period: every layer has the window but the last of each `period`, where "layer_types" does not say.
        caps: of attention's logits and of the output's, where the config does not say.
        **difference: further fields.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    refuse(config, use_bidirectional_attention="attention to later tokens")
    config = {"head_dim": 256, "tie_word_embeddings": True, **config}
    width, layers = sizes(config, "hidden_size", "num_hidden_layers")
    window = config.get("sliding_window", 4096)
    local = local_layers(config, layers)
    if local is None:
        local = tuple((layer + 1) % period != 0 for layer in range(layers))
    bias = config.get("attention_bias", False)
    return llama_like(
        config,
        activation=activation(config, "hidden_activation", "gelu_pytorch_tanh"),
        attention_bias=bias,
        attention_scale=1 / math.sqrt(config.get("query_pre_attn_scalar", 256)),
        attention_soft_cap=config.get("attn_logit_softcapping", caps[0]),
        logit_soft_cap=config.get("final_logit_softcapping", caps[1]),
        window=window,
        local_layers=None if window is None else local,
        post_norms=True,
        embedding_scale=math.sqrt(width),
        **difference,
    )


FAMILY = Family(
    name="gemma2",
    architectures=("Gemma2ForCausalLM",),
    model_types=("gemma2",),
    read_config=partial(gemma_like, period=2, caps=(50.0, 30.0)),
    tensor_shapes=partial(tensor_shapes, names=GEMMA_NAMES),
    assemble=partial(assemble, names=GEMMA_NAMES, gains="plus one"),
)
