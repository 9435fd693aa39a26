"""Phi-3 and Phi-4: Llama whose queries, keys and values are one matrix, and gate and up another.

Source: Abdin et al. 2024, arXiv 2404.14219, section 2.
"""

from collections.abc import MutableMapping

import jax.numpy as jnp
from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import head_width, llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, refuse
from lrgd_jax.decoder.hugging_face_rotary import rope
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["FAMILY"]

FUSED = {
    "self_attn.qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj"),
}
"""Whose rows stand one after another in the matrix that a checkpoint holds."""


def _config(config: Config) -> DecoderConfig:
    refuse(config, attention_bias="a bias", mlp_bias="a bias", lm_head_bias="a bias")
    for name in ("rope_scaling", "rope_parameters"):
        written = config.nested(name)
        kind = written.text("rope_type", written.text("type", "default"))
        if kind not in ("default", "longrope"):
            raise ValueError(
                f'{name} has the type {kind!r}, but a Phi-3 has "default" or "longrope", of which "su" and "yarn" are '
                "older names: write that if it is meant"
            )
    width = head_width(config)
    return llama_like(
        config,
        head_width=width,
        norm_epsilon=config.positive("rms_norm_eps", 1e-5),
        window=config.whole_or_none("sliding_window"),
        **rope(config, head_width=width),
    )


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    shapes = tensor_shapes(config)
    for fused, names in _fused_matrices(config).items():
        parts = [shapes.pop(name) for name in names]
        shapes[fused] = (sum(rows for rows, _ in parts), config.width)
    return shapes


def _assemble(config: DecoderConfig, tensors: MutableMapping[str, Array]) -> DecoderParams:
    shapes = tensor_shapes(config)
    for fused, names in _fused_matrices(config).items():
        rows = [shapes[name][0] for name in names]
        ends = [sum(rows[: i + 1]) for i in range(len(rows) - 1)]
        tensors.update(zip(names, jnp.split(tensors.pop(fused), ends), strict=True))
    return assemble(config, tensors)


def _fused_matrices(config: DecoderConfig) -> dict[str, list[str]]:
    """Each matrix of a checkpoint, and Llama's names of its parts, of all layers."""
    prefixes = [f"model.layers.{layer}." for layer in range(config.layers)]
    return {
        f"{prefix}{fused}.weight": [f"{prefix}{part}.weight" for part in parts]
        for prefix in prefixes
        for fused, parts in FUSED.items()
    }


FAMILY = Family(
    name="phi3",
    architectures=("Phi3ForCausalLM",),
    model_types=("phi3",),
    read_config=_config,
    tensor_shapes=_shapes,
    assemble=_assemble,
)
