"""OLMo 2: Llama whose norms come after attention and feed-forward block, and of all heads' queries and keys together.

Source: OLMo Team 2025, arXiv 2501.00656, section 3.2.
"""

from functools import partial
from typing import Any

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.gemma2 import GEMMA_NAMES
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config

__all__ = ["FAMILY", "olmo_like"]


def olmo_like(config: Config, **difference: Any) -> DecoderConfig:
    """What OLMo 2 and 3 share; `difference` adds fields.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    return llama_like(
        config,
        norm_epsilon=config.positive("rms_norm_eps", 1e-5),
        attention_bias=config.flag("attention_bias", False),
        pre_norms=False,
        post_norms=True,
        query_key_norm=True,
        query_key_norm_over="heads",
        **difference,
    )


FAMILY = Family(
    name="olmo2",
    architectures=("Olmo2ForCausalLM",),
    model_types=("olmo2",),
    read_config=olmo_like,
    tensor_shapes=partial(tensor_shapes, names=GEMMA_NAMES),
    assemble=partial(assemble, names=GEMMA_NAMES),
)
