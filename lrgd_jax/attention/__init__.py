"""Attention: functions on (queries, keys, values) of one head, the forms that name them, and heads."""

from lrgd_jax.attention.causal import causal_linear_attention
from lrgd_jax.attention.chunked import chunked_linear_attention
from lrgd_jax.attention.delta import chunked_delta_rule, delta_rule_from_state, recurrent_delta_rule
from lrgd_jax.attention.denominators import DeadDenominatorWarning
from lrgd_jax.attention.descent import descent_attention
from lrgd_jax.attention.fast_weights import (
    DeltaRule,
    GatedLinearAttention,
    MomentumAttention,
    Retention,
    TTTLinear,
)
from lrgd_jax.attention.forms import AttentionForm, LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.attention.fused import fused_causal_linear_attention
from lrgd_jax.attention.gated import chunked_gated_linear_attention, recurrent_gated_linear_attention, retention
from lrgd_jax.attention.least_squares import DescentAttention, RidgeAttention
from lrgd_jax.attention.linear import (
    LinearState,
    linear_attention,
    recurrent_linear_attention,
)
from lrgd_jax.attention.momentum import momentum_attention, momentum_weights
from lrgd_jax.attention.multi_head import HeadWeights, MultiHeadAttention
from lrgd_jax.attention.ridge import conjugate_gradient_attention, recursive_least_squares, ridge_attention
from lrgd_jax.attention.sequence_parallel import sequence_parallel_linear_attention
from lrgd_jax.attention.softmax import softmax_attention
from lrgd_jax.attention.stability import UnstableStepWarning, stability_limit
from lrgd_jax.attention.streaming import streaming_softmax_attention
from lrgd_jax.attention.ttt import ttt_linear

__all__ = [
    "AttentionForm",
    "DeadDenominatorWarning",
    "DeltaRule",
    "DescentAttention",
    "GatedLinearAttention",
    "HeadWeights",
    "LinearAttention",
    "LinearState",
    "MomentumAttention",
    "MultiHeadAttention",
    "Retention",
    "RidgeAttention",
    "Rotary",
    "SoftmaxAttention",
    "TTTLinear",
    "UnstableStepWarning",
    "causal_linear_attention",
    "chunked_delta_rule",
    "chunked_gated_linear_attention",
    "chunked_linear_attention",
    "conjugate_gradient_attention",
    "delta_rule_from_state",
    "descent_attention",
    "fused_causal_linear_attention",
    "linear_attention",
    "momentum_attention",
    "momentum_weights",
    "recurrent_delta_rule",
    "recurrent_gated_linear_attention",
    "recurrent_linear_attention",
    "recursive_least_squares",
    "retention",
    "ridge_attention",
    "sequence_parallel_linear_attention",
    "softmax_attention",
    "stability_limit",
    "streaming_softmax_attention",
    "ttt_linear",
]
