"""Qwen 3: Llama with an RMSNorm of each head's queries and keys. Source: Yang et al. 2025, arXiv 2505.09388."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.families.qwen2 import windows
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    return llama_like(
        config,
        query_key_norm=True,
        head_width=config.size("head_dim", 128),
        attention_bias=config.flag("attention_bias", False),
        **windows(config),
    )


FAMILY = Family(
    name="qwen3",
    architectures=("Qwen3ForCausalLM",),
    model_types=("qwen3",),
    read_config=_config,
)
