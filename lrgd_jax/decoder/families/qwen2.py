"""Qwen 2 and 2.5: Llama with biases on queries, keys and values. Source: Yang et al. 2024, arXiv 2407.10671."""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, WindowFields, local_layers

__all__ = ["FAMILY", "windows"]


def windows(config: Config) -> WindowFields:
    """The window, where "use_sliding_window" is set, of the layers from "max_window_layers" on or by "layer_types"."""
    layers = config.count("num_hidden_layers")
    window, first = config.whole_or_none("sliding_window", 4096), config.whole("max_window_layers", 28)
    local = local_layers(config, layers)
    if not config.flag("use_sliding_window", False) or window is None:
        if local is not None and any(local):
            raise ValueError("layer_types has layers with sliding_attention, but use_sliding_window is not set")
        return {}
    if local is None:
        local = tuple(layer >= first for layer in range(layers))
    return {"window": window, "local_layers": local} if any(local) else {}


def _config(config: Config) -> DecoderConfig:
    return llama_like(config, attention_bias=True, output_bias=False, **windows(config))


FAMILY = Family(
    name="qwen2",
    architectures=("Qwen2ForCausalLM",),
    model_types=("qwen2",),
    read_config=_config,
)
