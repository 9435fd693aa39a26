"""Mistral: Llama with a sliding window. Source: Jiang et al. 2023, arXiv 2310.06825, section 2."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    # later Mistrals write null: no window; where the key is missing, transformers takes the first Mistral's
    return llama_like(config, window=config.get("sliding_window", 4096))


FAMILY = Family(
    name="mistral",
    architectures=("MistralForCausalLM",),
    model_types=("mistral",),
    read_config=_config,
)
