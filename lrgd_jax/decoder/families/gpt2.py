"""GPT-2: learned positions, LayerNorm, two matrices with tanh-GELU, biases everywhere, fused and transposed matrices.

Source: Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3.
"""

from collections.abc import MutableMapping

import jax.numpy as jnp
from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import TensorNames, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, eos_tokens, refuse, sizes
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["FAMILY"]

FUSED = ("query", "key", "value")
"""In this order in c_attn, which like every matrix is stored as [inputs, outputs]."""

NAMES = TensorNames(
    embedding="wte",
    final_norm="ln_f",
    head="lm_head",
    prefix="h.{}.",
    layer={
        "attention_norm": "ln_1",
        "query": "query",
        "key": "key",
        "value": "value",
        "output": "attn.c_proj",
        "feed_forward_norm": "ln_2",
        "up": "mlp.c_fc",
        "down": "mlp.c_proj",
    },
    positions="wpe",
)


def _config(config: Config) -> DecoderConfig:
    refuse(config, scale_attn_by_inverse_layer_idx="a scale by layer", add_cross_attention="cross-attention")
    width, heads, vocabulary, context = sizes(config, "n_embd", "n_head", "vocab_size", "n_positions")
    if width % heads:
        raise ValueError(f"n_embd {width} is no multiple of n_head {heads}")
    return DecoderConfig(
        vocab_size=vocabulary,
        width=width,
        layers=config.count("n_layer"),
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        hidden_width=config.size("n_inner") if config.has("n_inner") else 4 * width,
        context_length=context,
        norm_epsilon=config.positive("layer_norm_epsilon", 1e-5),
        tied_head=config.flag("tie_word_embeddings", True),
        attention_bias=True,
        mlp_bias=True,
        bos=config.whole_or_none("bos_token_id"),
        eos=eos_tokens(config),
        attention_scale=None if config.flag("scale_attn_weights", True) else 1.0,
        positions="learned",
        norm="layer",
        gated=False,
        activation=activation(config, "activation_function", "gelu_new"),
    )


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    plain = tensor_shapes(config, NAMES)
    shapes = {name: shape for name, shape in plain.items() if name.split(".")[-2] not in FUSED}
    for layer in range(config.layers):
        shapes[f"h.{layer}.attn.c_attn.weight"] = (3 * config.width, config.width)
        shapes[f"h.{layer}.attn.c_attn.bias"] = (3 * config.width,)
    return {name: shape[::-1] if ".c_" in name else shape for name, shape in shapes.items()}


def _assemble(config: DecoderConfig, tensors: MutableMapping[str, Array]) -> DecoderParams:
    plain: dict[str, Array] = {}
    for name in list(tensors):
        stored = tensors.pop(name)
        tensor = stored.T if ".c_" in name else stored
        if ".c_attn." in name:
            prefix, kind = name.split("attn.c_attn")
            parts = jnp.split(tensor, 3)
            plain |= {f"{prefix}{part}{kind}": x for part, x in zip(FUSED, parts, strict=True)}
        else:
            plain[name] = tensor
    return assemble(config, plain, NAMES)


FAMILY = Family(
    name="gpt2",
    architectures=("GPT2LMHeadModel",),
    model_types=("gpt2",),
    read_config=_config,
    without_effect=("n_ctx",),  # the older name of n_positions
    tensor_shapes=_shapes,
    assemble=_assemble,
    tied=("lm_head.weight", "wte.weight"),
    ignorable=r"h\.\d+\.attn\.(masked_)?bias",
    prefix="transformer.",
)
