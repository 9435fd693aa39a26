"""Multi-head attention of this package and of flax, and jax's own attention, meet their duals."""

import flax.linen
import flax.nnx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import meet
from support.forms import FORMS

from lrgd_jax.attention import HeadWeights, MultiHeadAttention, SoftmaxAttention
from lrgd_jax.dual import dual_of
from lrgd_jax.positions import alibi_slopes, visible

N, WIDTH, HEADS = 6, 8, 2


@pytest.fixture
def tokens():
    return jax.random.normal(jax.random.key(0), (N, WIDTH), jnp.float32)


@pytest.fixture(autouse=True)
def loose_promotion():
    """flax and jax.nn promote dtypes and ranks freely."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def head_weights(dtype=jnp.float64, groups=HEADS, biases=True):
    rng = np.random.default_rng(0)

    def draw(*shape):
        return jnp.asarray(rng.standard_normal(shape) / np.sqrt(WIDTH), dtype)

    d, dv = 4, 3
    bias = (draw(HEADS, d), draw(groups, d), draw(groups, dv), draw(WIDTH)) if biases else (None,) * 4
    return HeadWeights(
        draw(HEADS, WIDTH, d), draw(groups, WIDTH, d), draw(groups, WIDTH, dv), draw(HEADS, dv, WIDTH), *bias
    )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "name", ["softmax rotary", "linear causal", "softmax window", "linear normalised", "gated delta"]
)
def test_every_head_has_its_dual(name, groups, tokens):
    layer = MultiHeadAttention(head_weights(groups=groups), FORMS[name])
    x = tokens.astype(jnp.float64)
    comparison = meet(layer, lambda x: dual_of(layer)(x, demonstrations=4), x)
    assert comparison.holds, comparison


def test_a_layer_that_is_told_of_no_demonstration_predicts_before_the_step(tokens):
    layer = MultiHeadAttention(head_weights(), FORMS["linear causal"])
    comparison = meet(layer, lambda x: dual_of(layer)(x), tokens.astype(jnp.float64))
    assert comparison.holds, comparison


def test_a_mask_for_each_head_is_that_heads_own(tokens):
    """Each head sees other tokens: the sum of what two layers say that have one of the heads each."""
    weights, x = head_weights(biases=False), tokens.astype(jnp.float64)
    layer = MultiHeadAttention(weights, FORMS["linear"])
    masks = jnp.stack([visible(N, N, causal=True), visible(N, N, window=2)])

    def alone(x):
        total = jnp.zeros_like(x)
        for head in range(HEADS):
            own = HeadWeights(
                *(w[head : head + 1] for w in (weights.query, weights.key, weights.value, weights.output))
            )
            single = MultiHeadAttention(own, FORMS["linear"])
            total = total + dual_of(single)(x, demonstrations=3, mask=masks[head])
        return total

    comparison = meet(lambda x: dual_of(layer)(x, demonstrations=3, mask=masks), alone, x)
    assert comparison.holds, comparison


def test_alibi_slopes_differ_by_head(tokens):
    forms = [SoftmaxAttention(alibi_slope=slope) for slope in alibi_slopes(HEADS)]
    layer = MultiHeadAttention(head_weights(biases=False), forms)
    x = tokens.astype(jnp.float64)
    comparison = meet(layer, lambda x: dual_of(layer)(x, demonstrations=4), x)
    assert comparison.holds, comparison


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_flax_nnx(dtype, biases, tokens):
    module = flax.nnx.MultiHeadAttention(
        HEADS, WIDTH, use_bias=biases, decode=False, dtype=dtype, param_dtype=dtype, rngs=flax.nnx.Rngs(0)
    )
    _randomise_biases(module)
    dual = dual_of(module)
    x = tokens.astype(dtype)
    comparison = meet(lambda x: module(x), lambda x: dual(x, demonstrations=4), x)
    assert comparison.holds, comparison
    mask = visible(N, N, causal=True)
    comparison = meet(lambda x: module(x, mask=mask[None]), lambda x: dual(x, demonstrations=4, mask=mask), x)
    assert comparison.holds, comparison


def _randomise_biases(module):
    for layer in (module.query, module.key, module.value, module.out):
        if layer.bias is not None:
            shape, dtype = layer.bias[...].shape, layer.bias[...].dtype
            layer.bias[...] = jax.random.normal(jax.random.key(1), shape, dtype)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_flax_linen(dtype, tokens):
    module = flax.linen.MultiHeadDotProductAttention(HEADS, dtype=dtype, param_dtype=dtype)
    x = tokens.astype(dtype)
    variables = module.init(jax.random.key(2), x)
    dual = dual_of(module, variables)
    memory = x[:4]
    comparison = meet(lambda x, y: module.apply(variables, x, y), lambda x, y: dual(x, y, demonstrations=3), x, memory)
    assert comparison.holds, comparison


@pytest.mark.parametrize("causal", [True, False])
def test_jax_nn(causal, tokens):
    form = SoftmaxAttention(causal=causal)
    q, k, v = tokens[:, :3], tokens[:, 3:6], tokens[:, 5:]

    def theirs(q, k, v):
        return jax.nn.dot_product_attention(q[:, None], k[:, None], v[:, None], is_causal=causal)[:, 0]

    assert meet(theirs, form, q, k, v).holds
    assert meet(theirs, lambda q, k, v: dual_of(form)(q, k, v, demonstrations=3), q, k, v).holds


def test_what_a_module_does_beyond_softmax_is_refused(tokens):
    module = flax.nnx.MultiHeadAttention(HEADS, WIDTH, decode=False, normalize_qk=True, rngs=flax.nnx.Rngs(0))
    with pytest.raises(ValueError, match="normalize_qk"):
        dual_of(module)
    dropping = flax.nnx.MultiHeadAttention(HEADS, WIDTH, dropout_rate=0.5, decode=False, rngs=flax.nnx.Rngs(0))
    with pytest.raises(ValueError, match="deterministic=True"):
        dual_of(dropping)
    with pytest.raises(ValueError, match="holds no weights"):
        dual_of(flax.linen.MultiHeadDotProductAttention(HEADS))
    other = flax.linen.MultiHeadDotProductAttention(HEADS, attention_fn=lambda *args, **rest: args[2])
    with pytest.raises(ValueError, match="softmax attention"):
        dual_of(other, {"params": {}})


def test_heads_that_cannot_be_divided_are_named(tokens):
    weights = head_weights()
    three_groups = head_weights(groups=3)
    with pytest.raises(ValueError, match="2 query heads cannot be divided among 3"):
        MultiHeadAttention(three_groups, SoftmaxAttention())(tokens)
    with pytest.raises(ValueError, match="need one form or 2 forms"):
        MultiHeadAttention(weights, [SoftmaxAttention()])(tokens.astype(jnp.float64))
