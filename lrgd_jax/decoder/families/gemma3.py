"""Gemma 3, text: Gemma 2 with normed queries and keys, no soft caps, five local layers of six, two rotary bases.

Source: Gemma Team 2025, arXiv 2503.19786, section 2.
"""

from functools import partial

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.gemma2 import GEMMA_NAMES, gemma_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, rope

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    written = config.get("rope_parameters") or {}
    if written and not {"full_attention", "sliding_attention"} <= set(written):
        raise ValueError(
            f'rope_parameters must have "full_attention" and "sliding_attention", got {", ".join(written) or written}'
        )
    whole = written.get("full_attention") or config.get("rope_scaling") or {}
    local = written.get("sliding_attention") or {}
    if local.get("rope_type", "default") != "default":
        raise ValueError(f'rope_type of the local layers is {local["rope_type"]!r}; supported: "default"')
    difference = rope(config, whole, theta=1_000_000.0)
    difference["local_rope_theta"] = local.get("rope_theta", config.get("rope_local_base_freq", 10_000.0))
    without = {name: value for name, value in config.items() if name != "rope_parameters"}
    period = config.get("sliding_window_pattern", config.get("_sliding_window_pattern", 6))
    return gemma_like(without, period, (None, None), query_key_norm=True, **difference)


FAMILY = Family(
    name="gemma3",
    architectures=("Gemma3ForCausalLM",),
    model_types=("gemma3_text",),
    read_config=_config,
    tensor_shapes=partial(tensor_shapes, names=GEMMA_NAMES),
    assemble=partial(assemble, names=GEMMA_NAMES, gains="plus one"),
)
