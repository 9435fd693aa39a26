"""Gemma 3, text: Gemma 2 with normed queries and keys, no soft caps, five local layers of six, two rotary bases.

Source: Gemma Team 2025, arXiv 2503.19786, section 2.
"""

from dataclasses import replace

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.gemma2 import FAMILY as GEMMA2
from lrgd_jax.decoder.families.gemma2 import gemma_like
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.decoder.hugging_face_rotary import RotaryFields, read_rotary

__all__ = ["FAMILY", "two_bases"]


def two_bases(config: Config, *, theta: float, local_theta: float, local_theta_key: str) -> RotaryFields:
    """The rotary parameters of whole and of local layers, as transformers 5 and 4 write them.

    Args:
        config: as it was read.
        theta: the base of the whole layers where the config says nothing.
        local_theta: likewise of the local ones.
        local_theta_key: where their base stands in files of transformers 4.

    Raises:
        ValueError: the parameters are malformed, or those of the local layers are stretched.
    """
    written, scaling = config.nested("rope_parameters"), config.nested("rope_scaling")
    if written and set(written.names()) != {"full_attention", "sliding_attention"}:
        raise ValueError(
            f'rope_parameters must have "full_attention" and "sliding_attention", got {", ".join(written.names())}'
        )
    if written and scaling:
        raise ValueError("rope_parameters and rope_scaling are both there; keep rope_parameters, which has both bases")
    whole, local = written.nested("full_attention") if written else scaling, written.nested("sliding_attention")
    fields = read_rotary(config, whole, theta=theta)
    plain = read_rotary(config, local, theta=local_theta, theta_key=local_theta_key)
    if set(plain) != {"rope_theta"} or local.has("factor"):
        raise ValueError(f'rope_type of the local layers is {local["rope_type"]!r}; supported: "default"')
    return {**fields, "local_rope_theta": plain["rope_theta"]}


def _config(config: Config) -> DecoderConfig:
    if config.has("layer_types"):
        config.get("_sliding_window_pattern")  # what they were made from, which transformers stores beside them
    period = config.size("sliding_window_pattern", 6)
    bases = two_bases(config, theta=1_000_000.0, local_theta=10_000.0, local_theta_key="rope_local_base_freq")
    return gemma_like(config, period=period, query_key_norm=True, **bases)


FAMILY = replace(
    GEMMA2,
    name="gemma3",
    architectures=("Gemma3ForCausalLM",),
    model_types=("gemma3_text",),
    read_config=_config,
    without_effect=(),
)
