"""Mistral: Llama with a sliding window. Source: Jiang et al. 2023, arXiv 2310.06825, section 2."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, local_layers
from lrgd_jax.outside.convert import shorten

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    # later Mistrals write null: no window; where the key is missing, transformers takes the first Mistral's
    window = config.whole_or_none("sliding_window", 4096)
    read = llama_like(config, window=window)
    local = local_layers(config, read.layers)
    if local is not None and set(local) != {window is not None}:
        raise ValueError(
            f"layer_types are {shorten(config.get('layer_types'))}, but all layers of a Mistral have the window "
            f"({window}) or none: if only some have it, this is a Ministral, of the architecture MinistralForCausalLM"
        )
    return read


FAMILY = Family(
    name="mistral",
    architectures=("MistralForCausalLM",),
    model_types=("mistral",),
    read_config=_config,
)
