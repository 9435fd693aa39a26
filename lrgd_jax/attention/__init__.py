"""Attention: functions on (queries, keys, values) of one head, the forms that name them, and heads."""

from lrgd_jax.attention.forms import AttentionForm, LinearAttention, Rotary, SoftmaxAttention
from lrgd_jax.attention.heads import HeadWeights, MultiHeadAttention
from lrgd_jax.attention.linear import (
    LinearState,
    chunked_linear_attention,
    linear_attention,
    recurrent_linear_attention,
)
from lrgd_jax.attention.softmax import softmax_attention, streaming_softmax_attention

__all__ = [
    "AttentionForm",
    "HeadWeights",
    "LinearAttention",
    "LinearState",
    "MultiHeadAttention",
    "Rotary",
    "SoftmaxAttention",
    "chunked_linear_attention",
    "linear_attention",
    "recurrent_linear_attention",
    "softmax_attention",
    "streaming_softmax_attention",
]
