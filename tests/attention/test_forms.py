"""Forms of the same attention agree with each other and with dense sums; transformations and dtypes pass through."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import evaluate_trace, meet
from support.forms import FORMS

from lrgd_jax.attention import (
    LinearAttention,
    Rotary,
    SoftmaxAttention,
    chunked_linear_attention,
    linear_attention,
    recurrent_linear_attention,
    softmax_attention,
    streaming_softmax_attention,
)
from lrgd_jax.attention.checks import check_choice
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import visible


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal((7, width))) for width in (4, 4, 3))


def by_sums(queries, keys, values):
    """Normalised causal linear attention, one sum at a time."""
    rows = []
    for t in range(queries.shape[0]):
        weights = [jnp.vdot(elu_plus_one(keys[i]), elu_plus_one(queries[t])) for i in range(t + 1)]
        rows.append(sum(w * values[i] for i, w in enumerate(weights)) / sum(weights))
    return jnp.stack(rows)


@pytest.mark.parametrize("algorithm", ["parallel", "recurrent", "chunked"])
@pytest.mark.parametrize("chunk", [1, 3, 7, 20])
def test_all_algorithms_are_the_same_sums(algorithm, chunk, tokens):
    form = LinearAttention(elu_plus_one, causal=True, normalised=True, algorithm=algorithm, chunk=chunk)
    comparison = meet(form, by_sums, *tokens)
    assert comparison.holds, comparison


@pytest.mark.parametrize(
    ("form", "loops"),
    [
        (LinearAttention(causal=True), False),
        (LinearAttention(causal=True, algorithm="recurrent"), True),
        (LinearAttention(causal=True, algorithm="chunked"), True),
        (SoftmaxAttention(), False),
        (SoftmaxAttention(algorithm="streaming"), True),
    ],
)
def test_the_algorithm_that_is_named_is_the_one_that_runs(form, loops, tokens):
    """All give the same sums; those in parallel have no loop over tokens, the others are one."""
    assert ("scan[" in str(jax.make_jaxpr(form)(*tokens))) == loops


@pytest.mark.parametrize("window", [1, 3, 9])
def test_a_recurrent_window_forgets(window, tokens):
    mask = visible(7, 7, window=window)
    comparison = meet(
        lambda q, k, v: recurrent_linear_attention(q, k, v, window=window)[0],
        lambda q, k, v: linear_attention(q, k, v, mask=mask),
        *tokens,
    )
    assert comparison.holds, comparison


def test_a_state_goes_on_where_it_stopped(tokens):
    def in_two_parts(q, k, v):
        first, state = recurrent_linear_attention(q[:3], k[:3], v[:3], feature_map=elu_plus_one)
        second, _ = recurrent_linear_attention(q[3:], k[3:], v[3:], feature_map=elu_plus_one, state=state)
        return jnp.concatenate([first, second])

    def at_once(q, k, v):
        return recurrent_linear_attention(q, k, v, feature_map=elu_plus_one)[0]

    comparison = meet(in_two_parts, at_once, *tokens)
    assert comparison.holds, comparison


@pytest.mark.parametrize("block", [1, 3, 7, 20])
def test_streaming_softmax_is_softmax(block, tokens):
    mask = visible(7, 7, causal=True)
    comparison = meet(
        lambda q, k, v: streaming_softmax_attention(q, k, v, mask=mask, block=block),
        lambda q, k, v: softmax_attention(q, k, v, mask=mask),
        *tokens,
    )
    assert comparison.holds, comparison


@pytest.mark.parametrize("order", [{"causal": True}, {"window": 3}, {"alibi_slope": 0.5}])
def test_streaming_over_tiles_of_queries_is_softmax_with_its_gradients(order, tokens, monkeypatch):
    """Queries in two tiles, the second of them filled up; the queries are the last tokens."""
    monkeypatch.setattr("lrgd_jax.attention.streaming._TILE", 3)
    q, k, v = tokens

    def with_gradients(form):
        def loss(q, k, v):
            outputs = form(q, k, v)
            return jnp.sum(outputs**2), outputs

        return lambda *given: jax.grad(loss, argnums=(0, 1, 2), has_aux=True)(*given)

    streaming = SoftmaxAttention(**order, algorithm="streaming", block=2)
    comparison = meet(with_gradients(streaming), with_gradients(SoftmaxAttention(**order)), q[2:], k, v)
    assert comparison.holds, comparison


def test_streaming_holds_the_logits_of_a_tile_and_a_block():
    """Twice the tokens take no more memory than copies of what came in, by far less than a row of logits each."""

    def temporary(n):
        form = SoftmaxAttention(causal=True, algorithm="streaming")
        rows = jax.ShapeDtypeStruct((n, 2), jnp.float32)
        analysis: Any = jax.jit(form).lower(rows, rows, rows).compile().memory_analysis()
        return analysis.temp_size_in_bytes

    copies = 4 * 2048 * 2 * np.dtype(np.float32).itemsize
    assert temporary(4096) <= temporary(2048) + copies


def test_streaming_skips_blocks_that_are_masked_whole(tokens):
    mask = jnp.zeros((7, 7), bool).at[:, 5].set(True)
    q, k, v = tokens
    outputs = streaming_softmax_attention(q, k, v, mask=mask, block=2)
    assert np.array_equal(outputs, jnp.broadcast_to(v[5][None], outputs.shape))


def test_softmax_is_the_mean_of_the_values_by_exponential_weights(tokens):
    """exp(q k / sqrt(4)), over their sum; with logits so large that none of them can be exponentiated as it is."""

    def written(q, k, v):
        logits = q @ k.T / 2
        weights = jnp.exp(logits - logits.max(axis=1, keepdims=True))
        return weights @ v / weights.sum(axis=1, keepdims=True)

    comparison = meet(SoftmaxAttention(), written, *tokens)
    assert comparison.holds, comparison
    q, k, v = tokens
    assert np.isfinite(SoftmaxAttention()(1e4 * q, k, v)).all()


def gradient_of(form, queries, values):
    return jax.grad(lambda keys: form(queries, keys, values).sum())


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", FORMS)
def test_dtype_is_kept(name, dtype, tokens):
    q, k, v = (x.astype(dtype) for x in tokens)
    assert jax.eval_shape(FORMS[name], q, k, v).dtype == jnp.dtype(dtype)


@pytest.mark.parametrize("name", FORMS)
def test_gradients_are_finite(name, tokens):
    q, k, v = tokens
    assert np.isfinite(evaluate_trace(gradient_of(FORMS[name], q, v), k).value).all()


@pytest.mark.parametrize(
    "name",
    ["linear normalised", "softmax streaming causal", "gated delta", "test-time training", "ridge", "descent nesterov"],
)
def test_compiled_gradients_are_finite_in_bfloat16(name, tokens):
    q, k, v = (x.astype("bfloat16") for x in tokens)
    assert jnp.all(jnp.isfinite(jax.jit(gradient_of(FORMS[name], q, v))(k)))


def test_batches_come_by_vmap(tokens):
    form = FORMS["softmax causal"]
    batch = [jnp.stack([x, -x]) for x in tokens]
    outputs = jax.jit(jax.vmap(lambda q, k, v: form(q, k, v)))(*batch)
    assert outputs.shape == (2, 7, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearAttention(normalised=True, rotary=Rotary()), "cannot be normalised"),
        (lambda: LinearAttention(algorithm="chunked"), "is causal"),
        (lambda: LinearAttention(window=2, algorithm="chunked"), "no chunked algorithm"),
        (lambda: SoftmaxAttention(window=0), "window must be at least 1, got 0"),
        (lambda: SoftmaxAttention(alibi_slope=-0.5), "not negative"),
    ],
)
def test_forms_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_algorithm_is_named():
    # through the check itself: the tests' own type checker would refuse the name first
    with pytest.raises(ValueError, match="must be one of parallel, streaming; got 'chunked'"):
        check_choice("SoftmaxAttention", "algorithm", "chunked", ("parallel", "streaming"))


def test_bad_sizes_are_named(tokens):
    with pytest.raises(ValueError, match="at least one token, got chunk=0"):
        chunked_linear_attention(*tokens, chunk=0)
    with pytest.raises(ValueError, match="at least one key, got block=0"):
        streaming_softmax_attention(*tokens, block=0)
    _, state = recurrent_linear_attention(*tokens)
    with pytest.raises(ValueError, match="will leave the window"):
        recurrent_linear_attention(*tokens, window=2, state=state)
    with pytest.raises(ValueError, match="at least one key"):
        SoftmaxAttention()(tokens[0], tokens[1][:0], tokens[2][:0])
