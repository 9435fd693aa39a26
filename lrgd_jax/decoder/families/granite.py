"""Granite: Llama whose embedding, residual sums, attention and logits are scaled by numbers of the config.

Source: IBM Granite Team 2024, "Granite 3.0 language models"; the multipliers: Yang et al. 2022, arXiv 2203.03466.
"""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    return llama_like(
        config,
        attention_bias=config.flag("attention_bias", False),
        mlp_bias=config.flag("mlp_bias", False),
        embedding_scale=config.positive("embedding_multiplier", 1.0),
        residual_multiplier=config.positive("residual_multiplier", 1.0),
        # in place of one over the root of the head's width, also where it is missing
        attention_scale=config.positive("attention_multiplier", 1.0),
        logit_divisor=config.positive("logits_scaling", 1.0),
    )


FAMILY = Family(
    name="granite",
    architectures=("GraniteForCausalLM",),
    model_types=("granite",),
    read_config=_config,
)
