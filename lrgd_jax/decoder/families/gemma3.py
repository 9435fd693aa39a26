"""Gemma 3, text: Gemma 2 with normed queries and keys, no soft caps, five local layers of six, two rotary bases.

Source: Gemma Team 2025, arXiv 2503.19786, section 2.
"""

from functools import partial

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.gemma2 import GEMMA_NAMES, gemma_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.decoder.hugging_face_rotary import read_rotary

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    written, scaling = config.nested("rope_parameters"), config.nested("rope_scaling")
    if written and set(written.names()) != {"full_attention", "sliding_attention"}:
        raise ValueError(
            f'rope_parameters must have "full_attention" and "sliding_attention", got {", ".join(written.names())}'
        )
    if written and scaling:
        raise ValueError("rope_parameters and rope_scaling are both there; keep rope_parameters, which has both bases")
    whole, local = written.nested("full_attention") if written else scaling, written.nested("sliding_attention")
    difference = read_rotary(config, whole, theta=1_000_000.0)
    plain = read_rotary(config, local, theta=10_000.0, theta_key="rope_local_base_freq")
    if set(plain) != {"rope_theta"}:
        raise ValueError(f'rope_type of the local layers is {local["rope_type"]!r}; supported: "default"')
    difference["local_rope_theta"] = plain["rope_theta"]
    if config.has("layer_types"):
        config.get("_sliding_window_pattern")  # what they were made from, which transformers stores beside them
    period = config.size("sliding_window_pattern", 6)
    return gemma_like(config, period=period, query_key_norm=True, **difference)


FAMILY = Family(
    name="gemma3",
    architectures=("Gemma3ForCausalLM",),
    model_types=("gemma3_text",),
    read_config=_config,
    tensor_shapes=partial(tensor_shapes, names=GEMMA_NAMES),
    assemble=partial(assemble, names=GEMMA_NAMES, gains="plus one"),
)
