"""The Pallas kernel is causal linear attention, hence one step of its dual."""

from own_attention.pallas_kernel import linear_attention_kernel

from lrgd_jax.attention import LinearAttention
from lrgd_jax.claims import dual_claim, given_claim

test_kernel = given_claim(dual_claim(linear_attention_kernel, LinearAttention(causal=True), n=(1, 4)), examples=5)
