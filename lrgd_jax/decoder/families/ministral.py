"""Ministral: Mistral of which some layers have a window. Source: Mistral AI 2024, "Un Ministral, des Ministraux"."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, local_layers, window_fields

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    layers = config.count("num_hidden_layers")
    window = config.whole_or_none("sliding_window", 4096)
    local = local_layers(config, layers)
    if local is None:
        local = (window is not None,) * layers
    return llama_like(config, **window_fields(window, local))


FAMILY = Family(
    name="ministral",
    architectures=("MinistralForCausalLM",),
    model_types=("ministral",),
    read_config=_config,
)
