"""`dual_of`: from an attention form to its dual, and the table of forms that every test walks."""

from collections.abc import Mapping
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import numpy as np

from lrgd_jax.attention.forms import AttentionForm, LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.dual.head import LinearDual, SoftmaxDual
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, relu

__all__ = ["FORMS", "dual_of"]


@singledispatch
def dual_of(attention: Any, *arguments: Any) -> Any:
    """The dual of an attention: called on the same tokens, it returns what the attention returns.

    Args:
        attention: a `LinearAttention`, `SoftmaxAttention` or `MultiHeadAttention`, a
            `flax.nnx.MultiHeadAttention`, or a `flax.linen.MultiHeadDotProductAttention` followed by its variables.
        *arguments: the variables of a flax.linen module; nothing otherwise.

    Returns:
        `LinearDual`, `SoftmaxDual` or `MultiHeadDual`.

    Raises:
        TypeError: there is no dual for this kind of attention.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from lrgd_jax import SoftmaxAttention, dual_of
        >>> tokens = jax.random.normal(jax.random.key(0), (5, 3))
        >>> dual_of(SoftmaxAttention())(tokens, tokens, tokens, demonstrations=4).shape
        (5, 3)
    """
    kinds = (kind for kind in dual_of.registry if kind is not object)
    known = ", ".join(sorted(f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in kinds))
    raise TypeError(f"dual_of: no dual is registered for {type(attention).__name__}; known are {known}")


@dual_of.register
def _(attention: LinearAttention) -> LinearDual:
    return LinearDual(attention)


@dual_of.register
def _(attention: SoftmaxAttention) -> SoftmaxDual:
    return SoftmaxDual(attention)


def _fixed_random_features(width: int = 4, features: int = 6) -> PositiveRandomFeatures:
    # a fixed draw: the table names forms, and a form with random features is one draw of them
    return PositiveRandomFeatures(np.random.default_rng(0).standard_normal((features, width)))


FORMS: Mapping[str, AttentionForm] = MappingProxyType(
    {
        "linear": LinearAttention(),
        "linear elu+1": LinearAttention(elu_plus_one),
        "linear relu": LinearAttention(relu),
        "linear taylor": LinearAttention(TaylorFeatures(2), normalised=True),
        "linear random features": LinearAttention(_fixed_random_features(), normalised=True),
        "linear dpfp": LinearAttention(DPFP(2)),
        "linear normalised": LinearAttention(elu_plus_one, normalised=True),
        "linear causal": LinearAttention(causal=True),
        "linear causal normalised": LinearAttention(elu_plus_one, causal=True, normalised=True),
        "linear recurrent": LinearAttention(causal=True, algorithm="recurrent"),
        "linear recurrent normalised": LinearAttention(
            elu_plus_one, causal=True, normalised=True, algorithm="recurrent"
        ),
        "linear chunked": LinearAttention(causal=True, algorithm="chunked", chunk=3),
        "linear chunked normalised": LinearAttention(
            elu_plus_one, causal=True, normalised=True, algorithm="chunked", chunk=3
        ),
        "linear window": LinearAttention(window=3),
        "linear window recurrent": LinearAttention(window=3, algorithm="recurrent"),
        "linear rotary": LinearAttention(causal=True, rotary=Rotary()),
        "linear rotary interleaved": LinearAttention(elu_plus_one, rotary=Rotary(layout="interleaved")),
        "softmax": SoftmaxAttention(),
        "softmax scaled": SoftmaxAttention(scale=1.0),
        "softmax causal": SoftmaxAttention(causal=True),
        "softmax streaming": SoftmaxAttention(algorithm="streaming", block=3),
        "softmax streaming causal": SoftmaxAttention(causal=True, algorithm="streaming", block=3),
        "softmax window": SoftmaxAttention(window=3),
        "softmax rotary": SoftmaxAttention(causal=True, rotary=Rotary()),
        "softmax rotary interleaved": SoftmaxAttention(rotary=Rotary(layout="interleaved", offset=2)),
        "softmax alibi": SoftmaxAttention(alibi_slope=0.5),
        "softmax alibi window": SoftmaxAttention(alibi_slope=0.25, window=3),
    }
)
"""A representative of every registered form of one head (random features: width 4); every test walks this table."""
