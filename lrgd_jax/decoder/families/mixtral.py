"""Mixtral: Mistral with eight feed-forward blocks a layer, of which each token passes two.

Source: Jiang et al. 2024, arXiv 2401.04088, section 2.
"""

from dataclasses import replace
from functools import partial

from lrgd_jax.decoder.checkpoint_layout import LLAMA_NAMES, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config
from lrgd_jax.decoder.hugging_face_rotary import rope

__all__ = ["FAMILY"]

EXPERT = "block_sparse_moe.experts.{}"
NAMES = replace(
    LLAMA_NAMES,
    layer={
        **LLAMA_NAMES.layer,
        "router": "block_sparse_moe.gate",
        "gate": f"{EXPERT}.w1",
        "down": f"{EXPERT}.w2",
        "up": f"{EXPERT}.w3",
    },
)


def _config(config: Config) -> DecoderConfig:
    return llama_like(
        config,
        norm_epsilon=config.positive("rms_norm_eps", 1e-5),
        window=config.whole_or_none("sliding_window"),
        experts=config.count("num_local_experts", 8),
        experts_per_token=config.size("num_experts_per_tok", 2),
        **rope(config, theta=1_000_000.0),
    )


FAMILY = Family(
    name="mixtral",
    architectures=("MixtralForCausalLM",),
    model_types=("mixtral",),
    read_config=_config,
    without_effect=("router_jitter_noise",),  # of training
    tensor_shapes=partial(tensor_shapes, names=NAMES),
    assemble=partial(assemble, names=NAMES),
)
