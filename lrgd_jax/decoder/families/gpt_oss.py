"""GPT-OSS: sinks of attention, every other layer local, YaRN, and biased experts whose gates are cut.

Source: OpenAI 2025, arXiv 2508.10925, section 2.
"""

import math
from collections.abc import Iterator, MutableMapping
from dataclasses import replace

from jaxtyping import Array

from lrgd_jax.decoder.checkpoint_layout import LLAMA_NAMES, assemble, tensor_shapes
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.llama import llama_like
from lrgd_jax.decoder.family import Family
from lrgd_jax.decoder.hugging_face_config import Config, activation, local_layers, window_fields
from lrgd_jax.decoder.hugging_face_rotary import rope
from lrgd_jax.decoder.params import DecoderParams
from lrgd_jax.outside.convert import shorten

__all__ = ["FAMILY"]

ALPHA = 1.702
"""Of the gate z sigmoid(alpha z), which is QuickGELU."""
PARTS = ("gate", "up", "down")
NAMES = replace(
    LLAMA_NAMES,
    layer={
        **LLAMA_NAMES.layer,
        "router": "mlp.router",
        "sinks": "self_attn.sinks",
        **{part: f"mlp.experts.{{}}.{part}" for part in PARTS},
    },
)
"""Of which a checkpoint has the experts of a layer in one tensor, and no suffix of the sinks."""


def _config(config: Config) -> DecoderConfig:
    layers = config.count("num_hidden_layers")
    width, chosen = config.size("head_dim", 64), config.size("num_experts_per_tok", 4)
    if not config.has("rope_scaling") and not config.has("rope_parameters"):
        raise ValueError("rope_scaling is missing: a GPT-OSS has YaRN, whose numbers must be there")
    if config.positive("swiglu_alpha", ALPHA) != ALPHA:
        raise ValueError(f"swiglu_alpha is {shorten(config.get('swiglu_alpha'))}; computed is {ALPHA}")
    if config.size("experts_per_token", chosen) != chosen:
        raise ValueError(
            f"num_experts_per_tok is {chosen}, experts_per_token {config.get('experts_per_token')}; keep one"
        )
    _check_quantisation(config)
    activation(config, "hidden_act", "silu", ("silu", "swish"))  # of which the cut gate is a kind
    local = local_layers(config, layers)
    if local is None:
        local = tuple(layer % 2 == 0 for layer in range(layers))
    return llama_like(
        config,
        head_width=width,
        norm_epsilon=config.positive("rms_norm_eps", 1e-5),
        attention_bias=config.flag("attention_bias", True),
        attention_scale=1 / math.sqrt(width),
        attention_sinks=True,
        mlp_bias=True,
        experts=config.count("num_local_experts", 128),
        experts_per_token=chosen,
        activation="quick_gelu",
        swiglu_limit=config.positive("swiglu_limit", 7.0),
        **window_fields(config.whole_or_none("sliding_window", 128), local),
        **rope(config, theta=150_000.0),
    )


def _check_quantisation(config: Config) -> None:
    """Raises ValueError where the experts are packed otherwise than as MXFP4; what is packed, the tensors say."""
    packed = config.nested("quantization_config")
    if packed and packed.text("quant_method") != "mxfp4":
        raise ValueError(f'quantization_config is of {shorten(packed["quant_method"])}; supported: "mxfp4"')
    packed.get("modules_to_not_convert")
    packed.get("dequantize")


def _shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    shapes, m, f, count = tensor_shapes(config, NAMES), config.width, config.hidden_width, config.experts or 0
    for prefix in _layers(config):
        for name in _parts(prefix, count):
            del shapes[f"{name}.weight"], shapes[f"{name}.bias"]
        stem = f"{prefix}mlp.experts."
        shapes |= {f"{stem}gate_up_proj": (count, m, 2 * f), f"{stem}gate_up_proj_bias": (count, 2 * f)}
        shapes |= {f"{stem}down_proj": (count, f, m), f"{stem}down_proj_bias": (count, m)}
        shapes[f"{prefix}self_attn.sinks"] = shapes.pop(f"{prefix}self_attn.sinks.weight")
    return shapes


def _assemble(config: DecoderConfig, tensors: MutableMapping[str, Array]) -> DecoderParams:
    for prefix in _layers(config):
        stem = f"{prefix}mlp.experts."
        tensors[f"{prefix}self_attn.sinks.weight"] = tensors.pop(f"{prefix}self_attn.sinks")
        for kind, suffix in (("weight", ""), ("bias", "_bias")):
            both, down = tensors.pop(f"{stem}gate_up_proj{suffix}"), tensors.pop(f"{stem}down_proj{suffix}")
            for expert in range(config.experts or 0):
                # columns of gate and up in turn; matrices as [inputs, outputs]
                of_parts = (both[expert][..., 0::2], both[expert][..., 1::2], down[expert])
                tensors.update({f"{stem}{expert}.{p}.{kind}": x.T for p, x in zip(PARTS, of_parts, strict=True)})
    return assemble(config, tensors, NAMES)


def _layers(config: DecoderConfig) -> list[str]:
    return [NAMES.prefix.format(layer) for layer in range(config.layers)]


def _parts(prefix: str, count: int) -> Iterator[str]:
    """Stems of a layer's experts, as `NAMES` has them."""
    return (f"{prefix}mlp.experts.{expert}.{part}" for expert in range(count) for part in PARTS)


FAMILY = Family(
    name="gpt_oss",
    architectures=("GptOssForCausalLM",),
    model_types=("gpt_oss",),
    read_config=_config,
    without_effect=("initial_context_length",),  # which YaRN's own number repeats
    tensor_shapes=_shapes,
    assemble=_assemble,
)
