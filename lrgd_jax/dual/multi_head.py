"""The dual of multi-head attention, this package's own and that of flax modules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flax.linen
import flax.nnx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lrgd_jax.attention.forms import SoftmaxAttention
from lrgd_jax.attention.multi_head import HeadWeights, MultiHeadAttention, project
from lrgd_jax.dual.correspondence import dual_of
from lrgd_jax.dual.token_roles import Segments

__all__ = ["MultiHeadDual", "head_weights_of_flax"]


@dataclass(frozen=True)
class MultiHeadDual:
    r"""The dual of multi-head attention: one dual a head, read out through W_O.

    Heads of one group share keys and values, hence one training set and one dual; they differ in the test point.

    Attributes:
        attention: the layer.
    """

    attention: MultiHeadAttention

    def __call__(
        self,
        queries: Float[Array, "t m"],
        tokens: Float[Array, "n m"] | None = None,
        *,
        demonstrations: Segments = 0,
        mask: Bool[Array, "t n"] | Bool[Array, "h t n"] | None = None,
    ) -> Float[Array, "t m"]:
        """The sum over the heads of W_O' f_1(q), plus the output's bias.

        Args:
            queries: tokens that attend.
            tokens: tokens that are attended to; the queries themselves unless given.
            demonstrations: how many of the tokens are demonstrations, or one segment number a token.
            mask: which tokens each query sees, for all heads or for each.
        """
        w = self.attention.weights
        w.check()
        tokens = queries if tokens is None else tokens
        test_points = project(w.query, w.query_bias, queries)
        inputs, targets = project(w.key, w.key_bias, tokens), project(w.value, w.value_bias, tokens)
        share = w.heads // w.groups
        outputs = jnp.zeros((queries.shape[0], w.output.shape[2]), queries.dtype)
        for head, form in enumerate(self.attention.forms()):
            seen = mask[head] if mask is not None and mask.ndim == 3 else mask
            training_set = inputs[head // share], targets[head // share]
            prediction = dual_of(form)(test_points[head], *training_set, demonstrations=demonstrations, mask=seen)
            outputs = outputs + prediction @ w.output[head]
        return outputs if w.output_bias is None else outputs + w.output_bias[None, :]


def head_weights_of_flax(
    query: Mapping[str, Any], key: Mapping[str, Any], value: Mapping[str, Any], out: Mapping[str, Any]
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


@dual_of.register
def _(attention: MultiHeadAttention) -> MultiHeadDual:
    return MultiHeadDual(attention)


@dual_of.register
def _(attention: flax.nnx.MultiHeadAttention) -> MultiHeadDual:
    _require_plain(attention, flax.nnx.dot_product_attention)
    layers = (attention.query, attention.key, attention.value, attention.out)
    weights = head_weights_of_flax(*(_nnx_parameters(layer) for layer in layers))
    return MultiHeadDual(MultiHeadAttention(weights, SoftmaxAttention()))


@dual_of.register
def _(attention: flax.linen.MultiHeadDotProductAttention, *variables: Mapping[str, Any]) -> MultiHeadDual:
    if len(variables) != 1 or "params" not in variables[0]:
        raise ValueError(
            "dual_of: a flax.linen module holds no weights; give what its `init` returned as the second argument, "
            'dual_of(module, variables) with variables["params"]'
        )
    _require_plain(attention, flax.linen.dot_product_attention)
    parameters = variables[0]["params"]
    weights = head_weights_of_flax(*(parameters[name] for name in ("query", "key", "value", "out")))
    return MultiHeadDual(MultiHeadAttention(weights, SoftmaxAttention()))


def _nnx_parameters(layer: flax.nnx.LinearGeneral) -> dict[str, Any]:
    found = {"kernel": layer.kernel, "bias": layer.bias}
    return {name: parameter[...] for name, parameter in found.items() if parameter is not None}


def _require_plain(module: Any, softmax: Any) -> None:
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
