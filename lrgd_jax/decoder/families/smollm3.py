"""SmolLM 3: Llama of which every fourth layer has no positions.

Source: Bakouch et al. 2025, "SmolLM3: smol, multilingual, long-context reasoner"; layers without positions: Yang et al.
2025, arXiv 2501.18795.
"""

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, WindowFields, local_layers, window_fields
from lrgd_jax.decoder.hugging_face_rotary import rope

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    rotated = _rotated_layers(config)
    return llama_like(
        config,
        attention_bias=config.flag("attention_bias", False),
        mlp_bias=config.flag("mlp_bias", False),
        tied_head=config.flag("tie_word_embeddings", True),
        rotated_layers=None if all(rotated) else rotated,
        **rope(config, theta=2_000_000.0),
        **_windows(config, rotated),
    )


def _rotated_layers(config: Config) -> tuple[bool, ...]:
    """Which layers have rotary positions, by "no_rope_layers", which is 1 where they have; else all but every n-th."""
    layers = config.count("num_hidden_layers")
    period = config.size("no_rope_layer_interval", 4)
    if not config.has("no_rope_layers"):
        return tuple((layer + 1) % period != 0 for layer in range(layers))
    written = config.wholes("no_rope_layers")
    if len(written) < layers or not set(written) <= {0, 1}:
        raise config.wrong("no_rope_layers", f"1 (rotary positions) or 0 for each of {layers} layers", list(written))
    return tuple(one == 1 for one in written[:layers])


def _windows(config: Config, rotated: tuple[bool, ...]) -> WindowFields:
    """The window of the layers that "layer_types" names, or of those without positions if "use_sliding_window" is."""
    window = config.whole_or_none("sliding_window")
    used = config.flag("use_sliding_window", False)
    local = local_layers(config, len(rotated))
    if local is None:
        local = tuple(used and window is not None and not one for one in rotated)
    if any(local) and not used:
        raise ValueError("layer_types has layers with sliding_attention, but use_sliding_window is not set")
    return window_fields(window, local)


FAMILY = Family(
    name="smollm3",
    architectures=("SmolLM3ForCausalLM",),
    model_types=("smollm3",),
    read_config=_config,
)
