"""GPT-NeoX and Pythia: partly rotated heads, parallel residual, LayerNorm, two matrices, fused projections.

Source: Black et al. 2022, arXiv 2204.06745, section 2.1; Biderman et al. 2023, arXiv 2304.01373.
"""

from collections.abc import MutableMapping

from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import TensorNames, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import divided_width, llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation
from lrgd_jax.decoder.hugging_face_rotary import rope
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["FAMILY"]

FUSED = ("query", "key", "value")
"""In this order for each head in query_key_value."""

NAMES = TensorNames(
    embedding="gpt_neox.embed_in",
    final_norm="gpt_neox.final_layer_norm",
    head="embed_out",
    prefix="gpt_neox.layers.{}.",
    layer={
        "attention_norm": "input_layernorm",
        "query": "query",
        "key": "key",
        "value": "value",
        "output": "attention.dense",
        "feed_forward_norm": "post_attention_layernorm",
        "up": "mlp.dense_h_to_4h",
        "down": "mlp.dense_4h_to_h",
    },
)


def _config(config: Config) -> DecoderConfig:
    width = divided_width(config)
    return llama_like(
        config,
        kv_heads=config.size("num_attention_heads"),
        head_width=width,
        norm="layer",
        norm_epsilon=config.positive("layer_norm_eps", 1e-5),
        attention_bias=config.flag("attention_bias", True),
        mlp_bias=True,
        gated=False,
        activation=activation(config, "hidden_act", "gelu"),
        parallel_residual=config.flag("use_parallel_residual", True),
        **rope(config, theta_key="rotary_emb_base", head_width=width, share=0.25, share_key="rotary_pct"),
    )


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    plain, m = tensor_shapes(config, NAMES), config.width
    shapes = {name: shape for name, shape in plain.items() if name.split(".")[-2] not in FUSED}
    for layer in range(config.layers):
        stem = f"gpt_neox.layers.{layer}.attention.query_key_value"
        shapes[f"{stem}.weight"] = (3 * m, m)
        if config.attention_bias:
            shapes[f"{stem}.bias"] = (3 * m,)
    return shapes


def _assemble(config: DecoderConfig, tensors: MutableMapping[str, Array]) -> DecoderParams:
    plain: dict[str, Array] = {}
    for name in list(tensors):
        tensor = tensors.pop(name)
        if ".query_key_value." in name:
            prefix, kind = name.split("attention.query_key_value")
            heads = tensor.reshape(config.heads, 3, config.head_width, *tensor.shape[1:])
            plain |= {
                f"{prefix}{part}{kind}": heads[:, i].reshape(-1, *tensor.shape[1:]) for i, part in enumerate(FUSED)
            }
        else:
            plain[name] = tensor
    return assemble(config, plain, NAMES)


FAMILY = Family(
    name="gpt_neox",
    architectures=("GPTNeoXForCausalLM",),
    model_types=("gpt_neox",),
    read_config=_config,
    tensor_shapes=_shapes,
    assemble=_assemble,
    prefix="gpt_neox.",
    tied=("embed_out.weight", "gpt_neox.embed_in.weight"),
    ignorable=r".*\.attention\.((masked_)?bias|rotary_emb\.inv_freq)",
)
