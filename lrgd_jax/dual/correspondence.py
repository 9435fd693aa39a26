"""`dual_of`: from an attention form to its dual, and the table of forms that every test walks."""

from collections.abc import Mapping
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import numpy as np

from lrgd_jax.attention.fast_weights import (
    DeltaRule,
    FastWeightForm,
    GatedLinearAttention,
    MomentumAttention,
    Retention,
    TTTLinear,
)
from lrgd_jax.attention.forms import AttentionForm, LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.dual.fast_weights import DescentDual, OnlineDual, RidgeDual
from lrgd_jax.dual.head import LinearDual, SoftmaxDual
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, relu

__all__ = ["FORMS", "dual_of"]


@singledispatch
def dual_of(attention: Any, *arguments: Any) -> Any:
    """The dual of an attention: called on the same tokens, it returns what the attention returns.

    Args:
        attention: any form of one head (`FORMS` has them all), `MultiHeadAttention`, a `flax.nnx.MultiHeadAttention`,
            or a `flax.linen.MultiHeadDotProductAttention` followed by its variables.
        *arguments: the variables of a flax.linen module; nothing otherwise.

    Returns:
        `LinearDual`, `SoftmaxDual`, `OnlineDual`, `RidgeDual`, `DescentDual` or `MultiHeadDual`.

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


@dual_of.register
def _(attention: FastWeightForm) -> OnlineDual:
    return OnlineDual(attention)


@dual_of.register
def _(attention: RidgeAttention) -> RidgeDual:
    return RidgeDual(attention)


@dual_of.register
def _(attention: DescentAttention) -> DescentDual:
    return DescentDual(attention)


def _fixed_random_features(width: int = 4, features: int = 6) -> PositiveRandomFeatures:
    # a fixed draw: the table names forms, and a form with random features is one draw of them
    return PositiveRandomFeatures(np.random.default_rng(0).standard_normal((features, width)))


def _fixed_gates() -> np.ndarray:
    return np.array([1.0, 0.75, 0.5, 0.0])


def _fixed_metric() -> np.ndarray:
    return np.diag([1.0, 0.5, 0.25, 0.5]) + 0.125


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
        "retention": Retention(decay=0.75),
        "retention recurrent": Retention(decay=0.75, algorithm="recurrent"),
        "retention chunked": Retention(decay=0.75, algorithm="chunked", chunk=4),
        "gated linear": GatedLinearAttention(_fixed_gates()),
        "gated linear chunked": GatedLinearAttention(_fixed_gates(), algorithm="chunked", chunk=4),
        "delta": DeltaRule(strength=0.25),
        "delta chunked": DeltaRule(strength=0.25, algorithm="chunked", chunk=4),
        "delta elu+1": DeltaRule(strength=0.125, feature_map=elu_plus_one),
        "gated delta": DeltaRule(strength=0.25, decay=0.75),
        "gated delta chunked": DeltaRule(strength=0.25, decay=0.75, algorithm="chunked", chunk=4),
        "test-time training": TTTLinear(learning_rate=0.125, chunk=4),
        "momentum": MomentumAttention(momentum=0.75),
        "momentum nesterov": MomentumAttention(momentum=0.75, nesterov=True),
        "ridge": RidgeAttention(ridge=0.5),
        "ridge causal": RidgeAttention(ridge=0.5, causal=True),
        "ridge streaming": RidgeAttention(ridge=0.5, causal=True, algorithm="streaming"),
        "descent": DescentAttention(steps=3, learning_rate=0.0625),
        "descent causal": DescentAttention(steps=3, learning_rate=0.0625, ridge=0.5, causal=True),
        "descent heavy ball": DescentAttention(steps=3, learning_rate=0.0625, momentum=0.5),
        "descent nesterov": DescentAttention(steps=3, learning_rate=0.0625, momentum=0.5, nesterov=True),
        "descent preconditioned": DescentAttention(steps=2, learning_rate=0.125, preconditioner=_fixed_metric()),
    }
)
"""A representative of every registered form of one head; every test walks this table.

Its random features, gates and metric are for keys of width 4."""
