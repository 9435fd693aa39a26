"""Several heads against sums over heads and tokens in whole numbers, where float64 rounds nothing."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.attention import HeadWeights, LinearAttention, MultiHeadAttention

TOKENS = np.array([[1, 2], [0, -1], [3, 1]])
HEADS, D, DV = 4, 2, 3


def weights(groups, *, biases=False):
    rng = np.random.default_rng(0)

    def draw(*shape):
        return jnp.asarray(rng.integers(-2, 3, shape), float)

    bias = (draw(HEADS, D), draw(groups, D), draw(groups, DV), draw(2)) if biases else (None,) * 4
    return HeadWeights(draw(HEADS, 2, D), draw(groups, 2, D), draw(groups, 2, DV), draw(HEADS, DV, 2), *bias)


def by_sums(w, causal):
    """sum_h W_O sum_i v_i <k_i, q_t>; head h of H reads group h // (H / G), and `causal` says which heads look back."""
    per_group = HEADS // w.key.shape[0]
    outputs = np.zeros((3, 2)) if w.output_bias is None else np.tile(np.asarray(w.output_bias), (3, 1))
    for h in range(HEADS):
        q, k, v = (
            TOKENS @ np.asarray(projection[at]) + (0 if bias is None else np.asarray(bias[at]))
            for projection, bias, at in (
                (w.query, w.query_bias, h),
                (w.key, w.key_bias, h // per_group),
                (w.value, w.value_bias, h // per_group),
            )
        )
        for t in range(3):
            for i in range(t + 1 if causal[h] else 3):
                outputs[t] += (k[i] @ q[t]) * (v[i] @ np.asarray(w.output[h]))
    return outputs


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_heads_read_their_group_and_add_up(groups, biases):
    w = weights(groups, biases=biases)
    outputs = MultiHeadAttention(w, LinearAttention())(jnp.asarray(TOKENS, float))
    np.testing.assert_array_equal(outputs, by_sums(w, [False] * HEADS))


def test_each_head_has_its_own_form():
    w = weights(4)
    causal = [False, True, True, False]
    layer = MultiHeadAttention(w, [LinearAttention(causal=one) for one in causal])
    np.testing.assert_array_equal(layer(jnp.asarray(TOKENS, float)), by_sums(w, causal))


def test_what_cannot_be_divided_is_named():
    with pytest.raises(ValueError, match="4 query heads cannot be divided among 3 key-value heads"):
        MultiHeadAttention(weights(3), LinearAttention())(jnp.asarray(TOKENS, float))
    with pytest.raises(ValueError, match="4 heads need one form or 4 forms, got 2"):
        MultiHeadAttention(weights(4), [LinearAttention()] * 2).forms()
