"""Llama: config.json and tensor names of Hugging Face's LlamaForCausalLM."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array

from lrgd_jax.attention.heads import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.families.family import Family
from lrgd_jax.decoder.layers import FeedForwardWeights, LayerWeights
from lrgd_jax.decoder.model import DecoderParams
from lrgd_jax.positions import Llama3Scaling

__all__ = ["FAMILY", "assemble", "config_from_hugging_face", "tensor_shapes"]

SIZE_NAMES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
    "max_position_embeddings",
)
SCALING_NAMES = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")


def config_from_hugging_face(config: Mapping[str, Any]) -> DecoderConfig:
    """The `DecoderConfig` of a Llama's config.json, as transformers 4 or 5 writes it.

    Raises:
        ValueError: a key is missing, or the config asks for what this decoder does not compute.
    """
    for name in SIZE_NAMES:
        if name not in config:
            raise ValueError(f"the config lacks {name}")
        if not isinstance(config[name], int):
            raise ValueError(f"{name} must be a whole number, got {config[name]!r}")
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise ValueError(f'hidden_act is {config["hidden_act"]!r}; a Llama decoder is computed with "silu" only')
    theta, scaling = _rotary(config)
    width, heads = config["hidden_size"], config["num_attention_heads"]
    head_width = config.get("head_dim")
    if head_width is None:
        if heads < 1 or width % heads:
            raise ValueError(
                f"hidden_size {width} is no multiple of num_attention_heads {heads}, and head_dim is not given"
            )
        head_width = width // heads
    eos = config.get("eos_token_id")
    return DecoderConfig(
        vocab_size=config["vocab_size"],
        width=width,
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=heads if config.get("num_key_value_heads") is None else config["num_key_value_heads"],
        head_width=head_width,
        hidden_width=config["intermediate_size"],
        context_length=config["max_position_embeddings"],
        norm_epsilon=config.get("rms_norm_eps", 1e-6),
        rope_theta=theta,
        rope_scaling=scaling,
        tied_head=config.get("tie_word_embeddings", False),
        attention_bias=config.get("attention_bias", False),
        mlp_bias=config.get("mlp_bias", False),
        bos=config.get("bos_token_id"),
        eos=() if eos is None else tuple(eos) if isinstance(eos, list) else (eos,),
    )


def _rotary(config: Mapping[str, Any]) -> tuple[float, Llama3Scaling | None]:
    """Base and stretch of the frequencies: "rope_parameters" (transformers 5) or "rope_theta", "rope_scaling" (4)."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(rope, Mapping):
        raise ValueError(f"the rotary parameters must be an object, got {rope!r}")
    if rope.get("partial_rotary_factor", 1) != 1:
        raise ValueError(f"partial_rotary_factor is {rope['partial_rotary_factor']}; only whole heads are rotated here")
    theta = rope.get("rope_theta", config.get("rope_theta", 10_000.0))
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return theta, None
    if kind != "llama3":
        raise ValueError(f'rope_type is {kind!r}; supported: "default" and "llama3"')
    missing = [name for name in SCALING_NAMES if rope.get(name) is None]
    if missing:
        raise ValueError(f'rope_type "llama3" needs {", ".join(missing)}')
    if not rope["high_freq_factor"] > rope["low_freq_factor"]:
        raise ValueError(
            f'rope_type "llama3" needs high_freq_factor > low_freq_factor, '
            f"got {rope['high_freq_factor']} and {rope['low_freq_factor']}"
        )
    return theta, Llama3Scaling(**{name: rope[name] for name in SCALING_NAMES})


def tensor_shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor of a Llama checkpoint; matrices are stored as [outputs, inputs]."""
    m, f, d = config.width, config.hidden_width, config.head_width
    queries, keys = config.heads * d, config.kv_heads * d
    matrices = {
        "self_attn.q_proj": (queries, m),
        "self_attn.k_proj": (keys, m),
        "self_attn.v_proj": (keys, m),
        "self_attn.o_proj": (m, queries),
        "mlp.gate_proj": (f, m),
        "mlp.up_proj": (f, m),
        "mlp.down_proj": (m, f),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config.vocab_size, m),
        "model.norm.weight": (m,),
    }
    if not config.tied_head:
        shapes["lm_head.weight"] = (config.vocab_size, m)
    for layer in range(config.layers):
        prefix = f"model.layers.{layer}."
        shapes[prefix + "input_layernorm.weight"] = (m,)
        shapes[prefix + "post_attention_layernorm.weight"] = (m,)
        for name, shape in matrices.items():
            shapes[f"{prefix}{name}.weight"] = shape
            if config.attention_bias if name.startswith("self_attn") else config.mlp_bias:
                shapes[f"{prefix}{name}.bias"] = shape[:1]
    return shapes


def assemble(config: DecoderConfig, tensors: Mapping[str, Array]) -> DecoderParams:
    """The weights of a decoder from the tensors that `tensor_shapes` names."""
    h, g, d, m = config.heads, config.kv_heads, config.head_width, config.width

    def one_layer(prefix: str) -> LayerWeights:
        def split(name: str, heads: int) -> tuple[Array, Array | None]:
            weight, bias = tensors[f"{prefix}{name}.weight"], tensors.get(f"{prefix}{name}.bias")
            weight = weight.reshape(heads, d, m).swapaxes(1, 2)
            return weight, None if bias is None else bias.reshape(heads, d)

        query, query_bias = split("self_attn.q_proj", h)
        key, key_bias = split("self_attn.k_proj", g)
        value, value_bias = split("self_attn.v_proj", g)
        output = tensors[prefix + "self_attn.o_proj.weight"].T.reshape(h, d, m)
        return LayerWeights(
            attention_norm=tensors[prefix + "input_layernorm.weight"],
            heads=HeadWeights(
                query=query,
                key=key,
                value=value,
                output=output,
                query_bias=query_bias,
                key_bias=key_bias,
                value_bias=value_bias,
                output_bias=tensors.get(prefix + "self_attn.o_proj.bias"),
            ),
            feed_forward_norm=tensors[prefix + "post_attention_layernorm.weight"],
            feed_forward=FeedForwardWeights(
                gate=tensors[prefix + "mlp.gate_proj.weight"],
                up=tensors[prefix + "mlp.up_proj.weight"],
                down=tensors[prefix + "mlp.down_proj.weight"],
                gate_bias=tensors.get(prefix + "mlp.gate_proj.bias"),
                up_bias=tensors.get(prefix + "mlp.up_proj.bias"),
                down_bias=tensors.get(prefix + "mlp.down_proj.bias"),
            ),
        )

    return DecoderParams(
        embedding=tensors["model.embed_tokens.weight"],
        layers=tuple(one_layer(f"model.layers.{layer}.") for layer in range(config.layers)),
        final_norm=tensors["model.norm.weight"],
        head=tensors.get("lm_head.weight"),
    )


FAMILY = Family(
    name="llama",
    architectures=("LlamaForCausalLM",),
    model_types=("llama",),
    read_config=config_from_hugging_face,
    tensor_shapes=tensor_shapes,
    assemble=assemble,
    tied=("lm_head.weight", "model.embed_tokens.weight"),
    ignorable=r"(.*\.)?rotary_emb\.inv_freq",
)
