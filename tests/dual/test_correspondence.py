"""Every registered form meets its dual: over shapes, dtypes, scales and degenerate cases, from the one table."""

import itertools
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.equivalence import evaluate_trace, meet, run_compiled
from support.forms import FORMS

from lrgd_jax.attention import DescentAttention, LinearAttention, RidgeAttention
from lrgd_jax.certify import Bounded
from lrgd_jax.claims.comparison import compare
from lrgd_jax.dual import LinearDual, OnlineDual, RidgeDual, SoftmaxDual, dual_of
from lrgd_jax.dual.functional import FunctionalDual

WIDTH = 4
"""Of keys: more than the tokens of the small shapes, fewer than those of the large one."""

LARGEST = 6
"""Number of tokens, and the only one at which anything is compiled."""

NORMALISED_FEATURES = {"linear taylor", "linear random features"}
"""Forms whose weights may be lost to rounding or underflow at large scales, and with them the ratio."""


ALGORITHMS = {"recurrent", "chunked", "streaming", "conjugate", "gradients"}
"""Words of a name that say how a form is computed, not what it is."""


def test_every_name_stands_for_a_function_of_its_own():
    """Forms whose names differ by more than an algorithm differ far beyond rounding on tokens drawn at random."""
    rng = np.random.default_rng(3)
    given = tuple(jnp.asarray(rng.standard_normal((LARGEST, width)) / 2) for width in (WIDTH, WIDTH, 3))
    outputs = {}
    for name, form in FORMS.items():
        outputs.setdefault(" ".join(word for word in name.split() if word not in ALGORITHMS), np.asarray(form(*given)))
    for (one, first), (other, second) in itertools.combinations(outputs.items(), 2):
        assert np.abs(first - second).max() > np.sqrt(np.finfo(float).eps), (one, other)


def test_without_demonstrations_all_tokens_are_the_querys_own():
    """So a dual that is told of none predicts by W_0 alone, which is the attention over all of them."""
    rng = np.random.default_rng(4)
    given = tuple(jnp.asarray(rng.integers(-2, 3, (LARGEST, width)), float) for width in (WIDTH, WIDTH, 3))
    form = LinearAttention(causal=True)
    for predicted in (dual_of(form)(*given), dual_of(form).zero_shot(*given)):
        # whole numbers, which float64 adds without rounding
        np.testing.assert_array_equal(predicted, form(*given))


@st.composite
def tokens(draw, largest_key=1.0):
    """Queries, keys, values and one segment number a token; keys may repeat, a query may be zero."""
    n = draw(st.sampled_from([1, 2, LARGEST]))
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
    if "normalised" in name or "softmax" in name or "ridge" in name:
        return 1.0 if dtype == "float32" else 30.0
    return 1e3


FLOAT32 = (
    "linear taylor",
    "linear chunked normalised",
    "linear window recurrent",
    "linear rotary",
    "softmax streaming causal",
    "softmax alibi window",
    "retention chunked",
    "gated linear",
    "gated delta chunked",
    "test-time training",
    "momentum nesterov",
    "ridge causal",
    "descent nesterov",
)
"""One form of every family, for the narrower dtype."""


@cache
def sides(name):
    """Attention and its duals, as functions of the same four arrays."""
    form = FORMS[name]
    dual = dual_of(form)

    def attention(queries, keys, values, segments):
        return form(queries, keys, values)

    def explicit(queries, keys, values, segments):
        return dual(queries, keys, values, demonstrations=segments)

    def online(queries, keys, values, segments):
        assert isinstance(dual, LinearDual | SoftmaxDual | OnlineDual | RidgeDual), "this dual is not trained online"
        return dual.online(queries, keys, values)

    trains_online = form.is_causal and not isinstance(form, DescentAttention)
    return attention, (explicit, online) if trains_online else (explicit,)


@pytest.mark.parametrize(("name", "dtype"), [(n, "float64") for n in FORMS] + [(n, "float32") for n in FLOAT32])
def test_attention_is_the_output_of_its_duals(name, dtype):
    attention, duals = sides(name)

    @given(tokens(large(name, dtype)))
    def property_(drawn):
        queries, keys, values, segments = drawn
        arrays = [*(jnp.asarray(x, dtype) for x in (queries, keys, values)), jnp.asarray(segments)]
        # compiled at one shape only
        left = (run_compiled if len(queries) == LARGEST else evaluate_trace)(attention, *arrays)
        for dual in duals:
            comparison = compare(left, evaluate_trace(dual, *arrays))
            assert comparison.holds, (dual.__name__, comparison)

    property_()


def last_rows(name, arrays, count):
    """What the compiled form returns for the last queries."""
    whole = run_compiled(sides(name)[0], *arrays)
    return Bounded(whole.value[-count:], whole.error[-count:])


@pytest.fixture(scope="module")
def arrays():
    """Of the shapes and dtypes at which every form is compiled anyway; the last two tokens are the test input."""
    rng = np.random.default_rng(1)
    queries, keys, values = (jnp.asarray(rng.standard_normal((LARGEST, width)) / 4) for width in (WIDTH, WIDTH, 3))
    return queries, keys, values, jnp.asarray(np.arange(LARGEST) >= 4, jnp.int32)


@pytest.mark.parametrize("name", FORMS)
def test_the_model_of_the_last_query_is_trained_and_tested_by_hand(name, arrays):
    dual = dual_of(FORMS[name])

    def by_hand(queries, keys, values, segments):
        model = dual.model(keys, values, demonstrations=4)
        return model.predict(model.train(), dual.inputs(queries[-1:], LARGEST - 1))

    comparison = compare(last_rows(name, arrays, 1), evaluate_trace(by_hand, *arrays))
    assert comparison.holds, comparison


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.is_causal])
def test_fewer_queries_than_tokens_are_the_last_ones(name, arrays):
    def tail(queries, keys, values, segments):
        return FORMS[name](queries[4:], keys, values)

    comparison = compare(last_rows(name, arrays, 2), evaluate_trace(tail, *arrays))
    assert comparison.holds, comparison


@pytest.mark.parametrize("n", range(1, 6))
def test_zero_shot_is_attention_over_the_own_segment(n):
    dual = dual_of(LinearAttention())
    rng = np.random.default_rng(n)
    tokens = [jnp.asarray(rng.standard_normal((6, 3))) for _ in range(3)]

    def before(queries, keys, values):
        return dual.zero_shot(queries, keys, values, demonstrations=n)

    def own(queries, keys, values):
        return LinearAttention()(queries, keys[n:], values[n:])

    comparison = compare(evaluate_trace(before, *tokens), evaluate_trace(own, *tokens))
    assert comparison.holds, comparison


def test_a_large_logit_does_not_overflow_the_dual_of_softmax():
    form = FORMS["softmax causal"]
    rng = np.random.default_rng(0)
    queries, keys, values = (jnp.asarray(50 * rng.standard_normal((5, WIDTH))) for _ in range(3))
    comparison = meet(form, lambda q, k, v: dual_of(form)(q, k, v, demonstrations=2), queries, keys, values)
    assert comparison.holds, comparison


def test_what_has_no_dual_is_named():
    with pytest.raises(TypeError, match="no dual is registered for str"):
        dual_of("attention")  # pyright: ignore[reportCallIssue, reportArgumentType] (wrong on purpose)
    with pytest.raises(ValueError, match="set causal=True"):
        dual_of(LinearAttention()).online(*[jnp.ones((2, 2))] * 3)
    with pytest.raises(ValueError, match="set causal=True"):
        dual_of(RidgeAttention(ridge=0.5)).online(*[jnp.ones((2, 2))] * 3)
    # many steps on all tokens at once have no online order
    assert not hasattr(dual_of(FORMS["descent causal"]), "online")


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
