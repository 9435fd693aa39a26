"""One table with an example of every attention form of one head, which tests walk."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from lrgd_jax.attention import (
    AttentionForm,
    DeltaRule,
    DescentAttention,
    GatedLinearAttention,
    LinearAttention,
    MomentumAttention,
    Retention,
    RidgeAttention,
    Rotary,
    SoftmaxAttention,
    TTTLinear,
)
from lrgd_jax.features import DPFP, PositiveRandomFeatures, TaylorFeatures, elu_plus_one, relu

__all__ = ["FORMS"]


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
