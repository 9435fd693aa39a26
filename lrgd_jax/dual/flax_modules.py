"""Attention modules of flax as multi-head attention of this package."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import flax.linen
import flax.nnx
import jax.numpy as jnp
from jaxtyping import Array, Float

from lrgd_jax.attention.forms import SoftmaxAttention
from lrgd_jax.attention.multi_head import HeadWeights, MultiHeadAttention

__all__ = ["attention_of_linen", "attention_of_nnx"]


@runtime_checkable
class _Module(Protocol):
    """What both kinds of flax modules say of what they do beside projecting and attending."""

    normalize_qk: bool
    dropout_rate: float
    deterministic: bool | None
    attention_fn: Callable[..., Array]


def attention_of_nnx(module: flax.nnx.MultiHeadAttention) -> MultiHeadAttention:
    """The attention of a `flax.nnx.MultiHeadAttention`.

    Raises:
        ValueError: the module does more than project, attend by softmax and project.
    """
    _require_plain(module, flax.nnx.dot_product_attention)
    layers = (module.query, module.key, module.value, module.out)
    return MultiHeadAttention(_head_weights(*(_nnx_parameters(layer) for layer in layers)), SoftmaxAttention())


def attention_of_linen(
    module: flax.linen.MultiHeadDotProductAttention, *variables: Mapping[str, Mapping[str, Mapping[str, Array]]]
) -> MultiHeadAttention:
    """The attention of a `flax.linen.MultiHeadDotProductAttention` with its variables, what its `init` returned.

    Raises:
        ValueError: there are no variables, or the module does more than project, attend by softmax and project.
    """
    if len(variables) != 1 or "params" not in variables[0]:
        raise ValueError(
            "dual_of: a flax.linen module holds no weights; give what its `init` returned as the second argument, "
            'dual_of(module, variables) with variables["params"]'
        )
    _require_plain(module, flax.linen.dot_product_attention)
    parameters = variables[0]["params"]
    weights = _head_weights(*(parameters[name] for name in ("query", "key", "value", "out")))
    return MultiHeadAttention(weights, SoftmaxAttention())


def _head_weights(
    query: Mapping[str, Float[Array, "..."]],
    key: Mapping[str, Float[Array, "..."]],
    value: Mapping[str, Float[Array, "..."]],
    out: Mapping[str, Float[Array, "..."]],
) -> HeadWeights:
    """The projections of a flax attention module: kernels [m, h, d] and [h, d, m], biases [h, d] and [m]."""
    return HeadWeights(
        query=jnp.moveaxis(query["kernel"], 1, 0),
        key=jnp.moveaxis(key["kernel"], 1, 0),
        value=jnp.moveaxis(value["kernel"], 1, 0),
        output=out["kernel"],
        query_bias=query.get("bias"),
        key_bias=key.get("bias"),
        value_bias=value.get("bias"),
        output_bias=out.get("bias"),
    )


def _nnx_parameters(layer: flax.nnx.LinearGeneral) -> dict[str, Float[Array, "..."]]:
    parameters = {"kernel": layer.kernel, "bias": layer.bias}
    return {name: parameter[...] for name, parameter in parameters.items() if parameter is not None}


def _require_plain(module: _Module, softmax: Callable[..., Array]) -> None:
    """Raises ValueError where the module does more than project, attend by softmax and project."""
    if module.normalize_qk:
        raise ValueError(
            "dual_of: normalize_qk=True normalises queries and keys, which this dual does not yet have; "
            "build the module with normalize_qk=False"
        )
    if module.dropout_rate and not module.deterministic:
        raise ValueError(
            f"dual_of: the module drops weights at random (dropout_rate={module.dropout_rate}), and its dual does not; "
            "build it with deterministic=True"
        )
    if module.attention_fn is not softmax:
        raise ValueError(
            f"dual_of: the module attends with {module.attention_fn!r}; "
            f"only {softmax.__module__}.{softmax.__name__} (softmax attention) has a known dual"
        )
