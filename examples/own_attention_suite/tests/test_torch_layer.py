"""The torch layer is retention with its weights, hence one step of its dual.

The claim is about the same layer in JAX, at every input of a shape. That torch computes what it does is tested beside
it, at inputs that hypothesis draws: each of them lies within the bound on rounding errors of the exact result.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from lrgd_jax.attention import HeadWeights, MultiHeadAttention, Retention
from lrgd_jax.certify import running_error
from lrgd_jax.claims import dual_claim, given_claim
from lrgd_jax.strategies import arrays

torch = pytest.importorskip("torch", reason="the layer is a torch module, and torch is not installed")
from own_attention.torch_in_jax import retention, weights_of  # noqa: E402
from own_attention.torch_layer import Retention as TorchRetention  # noqa: E402

WIDTH, DECAY = 2, 0.75
torch.manual_seed(0)
module = TorchRetention(WIDTH, DECAY)
weights = weights_of(module)
query, key, value = (jnp.asarray(weights[name].T[None]) for name in ("query", "key", "value"))
same = MultiHeadAttention(HeadWeights(query, key, value, jnp.eye(WIDTH, dtype="float32")[None]), Retention(decay=DECAY))


def torch_retention(tokens):
    return retention(tokens, weights, DECAY)


test_layer = given_claim(dual_claim(torch_retention, same, n=(1, 4)), examples=5)


@settings(deadline=None, max_examples=20)
@given(arrays((5, WIDTH), scale=4.0))
def test_torch_computes_what_jax_does(tokens):
    with jax.enable_x64(True):
        bounded = running_error(torch_retention, tokens)
    with torch.no_grad():
        outputs = module(torch.from_numpy(tokens)).numpy()
    assert np.all(np.abs(outputs.astype(np.float64) - bounded.value) <= 2 * bounded.error)
