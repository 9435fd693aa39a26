"""Every registered form meets its dual: over shapes, dtypes, scales and degenerate cases, from the one table."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from meets import meet

from lrgd_jax.attention import LinearAttention
from lrgd_jax.dual import FORMS, dual_of
from lrgd_jax.dual.functional import FunctionalDual

WIDTH = 4
"""Of keys: more than the tokens of the small shapes, fewer than those of the large one."""

NORMALISED_FEATURES = {"linear taylor", "linear random features"}
"""Forms whose weights may be lost to rounding or underflow at large scales, and with them the ratio."""


@st.composite
def tokens(draw, largest_key=1.0):
    """Queries, keys, values and one segment number a token; keys may repeat, a query may be zero."""
    n = draw(st.sampled_from([1, 2, 6]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    queries, keys, values = (rng.standard_normal((n, width)) for width in (WIDTH, WIDTH, 3))
    scales = st.sampled_from([1e-3, 1.0, 1e3])
    keys = keys * min(draw(scales), largest_key)
    queries, values = queries * draw(st.sampled_from([1e-3, 1.0])), values * draw(scales)
    if draw(st.booleans()):
        keys[-1] = keys[0]
    if draw(st.booleans()):
        queries[-1] = 0
    demonstrations = draw(st.integers(0, n))
    return queries, keys, values, (np.arange(n) >= demonstrations).astype(np.int32)


def large(name, dtype):
    """The largest scale of keys at which the form itself keeps its meaning in this dtype."""
    if name in NORMALISED_FEATURES:
        return 1e-1
    if "normalised" in name or "softmax" in name:
        return 1.0 if dtype == "float32" else 30.0
    return 1e3


@cache
def sides(name):
    """Attention and dual of a form, as functions of the same four arrays."""
    form = FORMS[name]
    dual = dual_of(form)

    def attention(queries, keys, values, segments):
        return form(queries, keys, values)

    def explicit(queries, keys, values, segments):
        return dual(queries, keys, values, demonstrations=segments)

    def online(queries, keys, values, segments):
        return dual.online(queries, keys, values)

    return attention, explicit, online


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FORMS)
def test_attention_is_the_output_of_its_dual(name, dtype):
    attention, explicit, _ = sides(name)

    @given(tokens(large(name, dtype)))
    def property_(drawn):
        queries, keys, values, segments = drawn
        arrays = [jnp.asarray(x, dtype) for x in (queries, keys, values)]
        comparison = meet(attention, explicit, *arrays, jnp.asarray(segments))
        assert comparison.holds, comparison

    property_()


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.is_causal])
def test_attention_is_the_output_of_its_dual_trained_online(name):
    attention, _, online = sides(name)

    @given(tokens())
    def property_(drawn):
        queries, keys, values, segments = (jnp.asarray(x) for x in drawn)
        comparison = meet(attention, online, queries, keys, values, segments)
        assert comparison.holds, comparison

    property_()


@pytest.mark.parametrize("name", FORMS)
def test_the_model_of_the_last_query_is_trained_and_tested_by_hand(name):
    form = FORMS[name]
    dual = dual_of(form)
    rng = np.random.default_rng(1)
    queries, keys, values = (jnp.asarray(rng.standard_normal((6, width)) / 4) for width in (WIDTH, WIDTH, 3))

    def by_hand(queries, keys, values):
        model = dual.model(keys, values, demonstrations=4)
        return model.predict(model.train(), dual.inputs(queries[-1:], 5))

    def attention(queries, keys, values):
        return form(queries[-1:], keys, values)

    comparison = meet(attention, by_hand, queries, keys, values)
    assert comparison.holds, comparison


@example(n=3)
@given(n=st.integers(1, 5))
def test_zero_shot_is_attention_over_the_own_segment(n):
    dual = dual_of(LinearAttention())
    rng = np.random.default_rng(n)
    queries, keys, values = (jnp.asarray(rng.standard_normal((6, 3))) for _ in range(3))

    def before(queries, keys, values):
        return dual.zero_shot(queries, keys, values, demonstrations=n)

    def own(queries, keys, values):
        return LinearAttention()(queries, keys[n:], values[n:])

    comparison = meet(before, own, queries, keys, values)
    assert comparison.holds, comparison


def test_fewer_queries_than_tokens_are_the_last_ones():
    rng = np.random.default_rng(0)
    queries, keys, values = (jnp.asarray(rng.standard_normal((6, WIDTH))) for _ in range(3))
    for name, form in FORMS.items():
        if form.is_causal:

            def tail(queries, keys, values, form=form):
                return form(queries[4:], keys, values)

            def whole(queries, keys, values, form=form):
                return form(queries, keys, values)[4:]

            comparison = meet(tail, whole, queries, keys, values)
            assert comparison.holds, (name, comparison)


def test_a_large_logit_does_not_overflow_the_dual_of_softmax():
    form = FORMS["softmax causal"]
    rng = np.random.default_rng(0)
    queries, keys, values = (jnp.asarray(50 * rng.standard_normal((5, WIDTH))) for _ in range(3))
    comparison = meet(form, lambda q, k, v: dual_of(form)(q, k, v, demonstrations=2), queries, keys, values)
    assert comparison.holds, comparison


def test_what_has_no_dual_is_named():
    with pytest.raises(TypeError, match="no dual is registered for str"):
        dual_of("attention")
    with pytest.raises(ValueError, match="set causal=True"):
        dual_of(LinearAttention()).online(*[jnp.ones((2, 2))] * 3)


def test_softmax_over_nothing_is_an_error():
    empty = jnp.zeros((0, 2))
    with pytest.raises(ValueError, match="at least one key"):
        FORMS["softmax"](jnp.ones((1, 2)), empty, empty)


def test_the_functional_dual_starts_anywhere():
    rng = np.random.default_rng(0)
    keys, targets, points = (jnp.asarray(rng.standard_normal((3, 2))) for _ in range(3))
    untrained = FunctionalDual.untrained(keys, targets, projective=False)
    assert untrained.zero_shot(points).shape == (3, 2)
    assert not np.any(untrained.zero_shot(points))


def test_segments_do_not_decrease():
    tokens = jnp.ones((6, 2))
    with pytest.raises(ValueError, match="must not decrease"):
        dual_of(LinearAttention())(tokens, tokens, tokens, demonstrations=jnp.asarray([1, 1, 0, 0, 0, 0]))


@pytest.mark.parametrize("count", [-1, 7])
def test_more_demonstrations_than_tokens_are_refused(count):
    tokens = jnp.ones((6, 2))
    with pytest.raises(ValueError, match="between 0 and the 6 tokens"):
        dual_of(LinearAttention())(tokens, tokens, tokens, demonstrations=count)
