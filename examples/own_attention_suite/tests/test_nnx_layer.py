"""The flax nnx layer is linear attention with its weights, hence one step of each head's dual."""

from flax import nnx
from own_attention.nnx_layer import FastWeights

from lrgd_jax.attention import HeadWeights, LinearAttention, MultiHeadAttention
from lrgd_jax.claims import dual_claim, given_claim

layer = FastWeights(3, heads=2, head_width=2, rngs=nnx.Rngs(0))
query, key, value = (part.kernel[...].transpose(1, 0, 2) for part in (layer.query, layer.key, layer.value))
same = MultiHeadAttention(HeadWeights(query, key, value, layer.out.kernel[...]), LinearAttention(causal=True))

test_layer = given_claim(dual_claim(layer, same, n=(1, 4)), examples=5)
