"""OLMo 3: OLMo 2 of which three layers in four have a window, and frequencies that are not stretched.

Source: OLMo Team 2025, arXiv 2512.13961, section 3.
"""

from dataclasses import replace

from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.gemma3 import two_bases
from lrgd_jax.decoder.families.olmo2 import FAMILY as OLMO2
from lrgd_jax.decoder.families.olmo2 import olmo_like
from lrgd_jax.decoder.hugging_face_config import Config, local_layers, window_fields

__all__ = ["FAMILY"]


def _config(config: Config) -> DecoderConfig:
    layers = config.count("num_hidden_layers")
    local = local_layers(config, layers)
    if local is None:
        local = tuple((layer + 1) % 4 != 0 for layer in range(layers))
    windows = window_fields(config.whole_or_none("sliding_window", 4096), local)
    bases = two_bases(config, theta=500_000.0, local_theta=500_000.0, local_theta_key="rope_theta")
    return olmo_like(config, **windows, **bases)


FAMILY = replace(OLMO2, name="olmo3", architectures=("Olmo3ForCausalLM",), model_types=("olmo3",), read_config=_config)
