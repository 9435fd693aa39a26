"""Which tensors a checkpoint holds, of what shape, and where each goes; families differ in the names."""

import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Literal

import jax
from jaxtyping import Array

from lrgd_jax.attention.multi_head import HeadWeights
from lrgd_jax.decoder.config import DecoderConfig
from lrgd_jax.decoder.layer_weights import (
    FeedForward,
    FeedForwardWeights,
    LayerWeights,
    MixtureOfExperts,
    TwoMatrices,
    extend_heads,
)
from lrgd_jax.decoder.params import DecoderParams

__all__ = ["LLAMA_NAMES", "TensorNames", "assemble", "tensor_shapes"]


@dataclass(frozen=True)
class TensorNames:
    """Where a family's checkpoint keeps what; a stem stands for its .weight and, where there is one, its .bias.

    Attributes:
        embedding: stem of the embedding.
        final_norm: stem of the last norm.
        head: stem of the head.
        prefix: of a layer's tensors, with {} for its number.
        layer: stems of a layer's parts, after the prefix, with {} for the number of an expert; parts that the config
            does not call for are not read.
        positions: stem of learned positions.
    """

    embedding: str
    final_norm: str
    head: str
    prefix: str
    layer: Mapping[str, str] = field(hash=False)
    positions: str = "wpe"


BLOCKS = ("attention", "feed_forward")

LLAMA_NAMES = TensorNames(
    embedding="model.embed_tokens",
    final_norm="model.norm",
    head="lm_head",
    prefix="model.layers.{}.",
    layer={
        "attention_norm": "input_layernorm",
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "output": "self_attn.o_proj",
        "query_norm": "self_attn.q_norm",
        "key_norm": "self_attn.k_norm",
        "feed_forward_norm": "post_attention_layernorm",
        "gate": "mlp.gate_proj",
        "up": "mlp.up_proj",
        "down": "mlp.down_proj",
    },
)
"""The names of Llama's tensors, which many families keep."""


def layer_shapes(config: DecoderConfig) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Shape of every part of a layer, matrices as [outputs, inputs], and whether it has a bias."""
    m, f, d = config.width, config.hidden_width, config.head_width
    queries, keys = config.heads * d, config.kv_heads * d
    shifted, bias = config.norm == "layer", config.attention_bias
    shapes: dict[str, tuple[tuple[int, ...], bool]] = {
        "query": ((queries, m), bias),
        "key": ((keys, m), bias),
        "value": ((keys, m), bias),
        "output": ((m, queries), bias if config.output_bias is None else config.output_bias),
        "up": ((f, m), config.mlp_bias),
        "down": ((m, f), config.mlp_bias),
    }
    if config.gated:
        shapes["gate"] = ((f, m), config.mlp_bias)
    if config.experts is not None:
        shapes["router"] = ((config.experts, m), config.mlp_bias)
    if config.attention_sinks:
        shapes["sinks"] = ((config.heads,), False)
    if config.pre_norms:
        shapes |= {"attention_norm": ((m,), shifted), "feed_forward_norm": ((m,), shifted)}
    if config.query_key_norm:
        gains = {"query_norm": config.head_gains(config.heads), "key_norm": config.head_gains(config.kv_heads)}
        shapes |= {part: ((math.prod(shape),), False) for part, shape in gains.items()}
    if config.post_norms:
        shapes |= {"attention_post_norm": ((m,), False), "feed_forward_post_norm": ((m,), False)}
    return shapes


def tensor_shapes(config: DecoderConfig, names: TensorNames = LLAMA_NAMES) -> dict[str, tuple[int, ...]]:
    """Every tensor of a checkpoint, name and shape; matrices are stored as [outputs, inputs]."""
    m = config.width
    shapes: dict[str, tuple[int, ...]] = {
        f"{names.embedding}.weight": (config.vocab_size, m),
        f"{names.final_norm}.weight": (m,),
    }
    if config.norm == "layer":
        shapes[f"{names.final_norm}.bias"] = (m,)
    if config.positions == "learned":
        shapes[f"{names.positions}.weight"] = (config.context_length, m)
    if not config.tied_head:
        shapes[f"{names.head}.weight"] = (config.vocab_size, m)
    for layer in range(config.layers):
        for part, (shape, bias) in layer_shapes(config).items():
            stem = names.prefix.format(layer) + names.layer[part]
            for copy in [stem.format(expert) for expert in range(config.experts or 1)] if "{}" in stem else [stem]:
                shapes[f"{copy}.weight"] = shape
                if bias:
                    shapes[f"{copy}.bias"] = shape[:1]
    return shapes


def assemble(
    config: DecoderConfig,
    tensors: MutableMapping[str, Array],
    names: TensorNames = LLAMA_NAMES,
    *,
    gains: Literal["as stored", "plus one"] = "as stored",
) -> DecoderParams:
    """The weights of a decoder from the tensors that `tensor_shapes` names.

    Args:
        config: the decoder.
        tensors: by name; each is taken out, so that none is kept beside the weights that are made of it.
        names: of the family.
        gains: "plus one" where a norm's gain is stored less one.
    """
    m, d = config.width, config.head_width

    def gain_of(stem: str) -> Array:
        weight = tensors.pop(f"{stem}.weight")
        return weight + 1 if gains == "plus one" else weight

    def one_layer(prefix: str) -> LayerWeights:
        stems = {part: prefix + stem for part, stem in names.layer.items()}

        def gain(part: str) -> Array:
            return gain_of(stems[part])

        def pair(part: str, expert: int = 0) -> tuple[Array, Array | None]:
            stem = stems[part].format(expert)
            return tensors.pop(f"{stem}.weight"), tensors.pop(f"{stem}.bias", None)

        def split(part: str, heads: int) -> tuple[Array, Array | None]:
            weight, bias = pair(part)
            weight = weight.reshape(heads, d, m).swapaxes(1, 2)
            return weight, None if bias is None else bias.reshape(heads, d)

        def projections() -> HeadWeights:
            (query, query_bias), (key, key_bias) = split("query", config.heads), split("key", config.kv_heads)
            value, value_bias = split("value", config.kv_heads)
            output, output_bias = pair("output")
            plain = HeadWeights(
                query=query,
                key=key,
                value=value,
                output=output.T.reshape(config.heads, d, m),
                query_bias=query_bias,
                key_bias=key_bias,
                value_bias=value_bias,
                output_bias=output_bias,
            )

            def part(name: str, shape: tuple[int, ...]) -> Array:
                return (pair(name)[0] if name == "sinks" else gain(name)).reshape(shape)

            return extend_heads(plain, config, part)

        def block() -> FeedForward:
            if config.experts is not None:
                (router, router_bias), count = pair("router"), config.experts
                experts = tuple(gated(expert) for expert in range(count))
                return MixtureOfExperts(router=router, experts=experts, router_bias=router_bias)
            if config.gated:
                return gated()
            (up, up_bias), (down, down_bias) = pair("up"), pair("down")
            return TwoMatrices(first=up, second=down, first_bias=up_bias, second_bias=down_bias)

        def gated(expert: int = 0) -> FeedForwardWeights:
            gate, gate_bias = pair("gate", expert)
            (up, up_bias), (down, down_bias) = pair("up", expert), pair("down", expert)
            return FeedForwardWeights(
                gate=gate, up=up, down=down, gate_bias=gate_bias, up_bias=up_bias, down_bias=down_bias
            )

        pre = {f"{part}_norm": gain(f"{part}_norm") if config.pre_norms else None for part in BLOCKS}
        post = {f"{part}_post_norm": gain(f"{part}_post_norm") if config.post_norms else None for part in BLOCKS}
        shifts = {f"{part}_bias": tensors.pop(f"{stems[part]}.bias", None) for part in pre if config.pre_norms}
        return LayerWeights(heads=projections(), feed_forward=block(), **pre, **post, **shifts)

    return DecoderParams(
        embedding=tensors.pop(f"{names.embedding}.weight"),
        # one after another, or the tensors of all layers wait for theirs
        layers=tuple(jax.block_until_ready(one_layer(names.prefix.format(layer))) for layer in range(config.layers)),
        final_norm=gain_of(names.final_norm),
        head=tensors.pop(f"{names.head}.weight", None),
        final_norm_bias=tensors.pop(f"{names.final_norm}.bias", None),
        positions=tensors.pop(f"{names.positions}.weight", None),
        embedding_scale=config.embedding_scale,
    )
