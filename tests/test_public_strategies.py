"""Strategies for a suite of one's own: what they draw fits together, is all there is, and shrinks to plain values."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from lrgd_jax.attention import DeltaRule, LinearAttention, MultiHeadAttention, causal_linear_attention
from lrgd_jax.strategies import (
    arrays,
    attention_forms,
    decays,
    feature_maps,
    head_groups,
    head_weights,
    masks,
    segments,
    sizes,
    tokens,
)
from lrgd_jax.strategies.attention_forms import FIELDS, KINDS, _counted_maps
from lrgd_jax.strategies.masks import MASKS

DTYPES = ("float64", "float32", "bfloat16", "float16")


@given(sizes(n=(2, 6), d=3))
def test_sizes_lie_between_what_is_given_in_the_order_of_the_names(size):
    assert list(size) == ["n", "d"]
    assert 2 <= size["n"] <= 6
    assert size["d"] == 3


@given(st.data(), st.sampled_from(DTYPES), st.sampled_from([0.1, 1.0, 300.0]))
def test_arrays_are_finite_and_within_the_scale(data, dtype, scale):
    drawn = data.draw(arrays((2, 3), scale=scale, dtype=dtype))
    assert drawn.shape == (2, 3)
    assert drawn.dtype == jnp.dtype(dtype)
    # the scale itself is rounded to the format
    assert np.all(np.abs(drawn) <= np.asarray(scale).astype(drawn.dtype))


@given(st.data(), head_groups(4))
def test_tokens_go_through_attention(data, heads):
    drawn = data.draw(tokens(heads=heads, scale=2.0))
    h, g = heads
    assert drawn.queries.shape[0] == h
    assert drawn.keys.shape[0] == drawn.values.shape[0] == g
    outputs, _ = jax.eval_shape(causal_linear_attention, *drawn)
    assert outputs.shape == (h, drawn.keys.shape[1], drawn.values.shape[2])


@given(tokens(n=(1, 3), t=(1, 5)))
def test_no_more_queries_than_keys(drawn):
    assert 1 <= drawn.queries.shape[0] <= drawn.keys.shape[0]


@given(st.data(), st.sampled_from([(1, 1), (2, 5), (5, 5)]), st.sampled_from([*MASKS]))
def test_every_query_sees_a_key_and_its_own_unless_that_is_padding(data, shape, kind):
    mask = data.draw(masks(*shape, kinds=[kind]))
    assert mask.shape == shape
    assert mask.dtype == bool
    assert mask.any(axis=1).all()
    own = mask[np.arange(shape[0]), shape[1] - shape[0] + np.arange(shape[0])]
    assert kind == "padding" or own.all()
    if kind in ("causal", "window", "packed"):
        assert not np.triu(mask, shape[1] - shape[0] + 1).any()


@pytest.mark.parametrize("kind", [kind for kind in MASKS if kind != "full"])
def test_every_kind_of_mask_can_hide_a_key(kind):
    assert find(masks(3, 3, kinds=[kind]), lambda mask: not mask.all()) is not None


@given(st.data(), st.integers(1, 6), st.none() | st.integers(1, 3))
def test_segments_rise_by_one(data, n, most):
    numbers = data.draw(segments(n, most=most))
    assert numbers.shape == (n,)
    assert numbers[0] == 0
    assert set(np.diff(numbers)) <= {0, 1}
    assert numbers[-1] < (most or n)


@given(st.data(), head_groups(3))
def test_decays_go_through_attention(data, heads):
    h, g = heads
    drawn = data.draw(decays(heads=h, tokens=3, features=2))
    assert np.shape(drawn) in {(), (h,), (h, 3), (h, 3, 2)}
    given = (jnp.ones((heads, 3, 2)) for heads in (h, g, g))
    outputs, _ = jax.eval_shape(lambda *given: causal_linear_attention(*given, decays=drawn), *given)
    assert outputs.shape == (h, 3, 2)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4)])
def test_every_shape_of_decay_is_drawn(shape):
    strategy = decays(heads=2, tokens=3, features=4)
    assert np.all(find(strategy, lambda drawn: np.shape(drawn) == shape) == 1.0)


@given(st.data(), st.integers(1, 3), st.booleans())
def test_feature_maps_take_a_vector_of_the_width(data, width, positive):
    feature_map, count = data.draw(_counted_maps(width, positive=positive))
    features = feature_map(jnp.linspace(-1.0, 1.0, width))
    assert features.shape == (count,)
    assert not positive or np.all(np.asarray(features) > 0)


@given(st.data(), head_groups(4))
def test_head_weights_make_a_layer(data, heads):
    layer = MultiHeadAttention(data.draw(head_weights(heads=heads, m=3, d=2, dv=1)), LinearAttention())
    assert jax.eval_shape(layer, jnp.ones((2, 3), "float32")).shape == (2, 3)


@pytest.mark.parametrize("kind", KINDS.values(), ids=[*KINDS])
@given(data=st.data())
def test_every_form_is_drawn_with_fields_that_it_accepts(kind, data):
    form = data.draw(attention_forms(2, tokens=3, kinds=[kind]))
    assert type(form) is kind
    rows = jnp.ones((3, 2), "float32")
    assert jax.eval_shape(lambda *given: form(*given), rows, rows, rows).shape == (3, 2)


def test_every_field_that_has_a_strategy_is_one_of_a_form():
    assert {*FIELDS} <= {field.name for kind in KINDS.values() for field in dataclasses.fields(kind)}  # pyright: ignore[reportArgumentType]


SHRUNK = ("tokens", "sizes", "masks", "segments", "head groups", "decays", "forms")


@pytest.mark.parametrize(
    ("strategy", "plain"),
    [
        (tokens().map(lambda drawn: [x.tolist() for x in drawn]), [[[0.0]], [[0.0]], [[0.0]]]),
        (sizes(n=(2, 6), d=(1, 4)), {"n": 2, "d": 1}),
        (masks(2, 2).map(np.ndarray.tolist), [[True, True], [True, True]]),
        (segments(3).map(np.ndarray.tolist), [0, 0, 0]),
        (head_groups(), (1, 1)),
        (decays(heads=2, tokens=3), 1.0),
        (attention_forms(2, kinds=[LinearAttention]), LinearAttention()),
    ],
    ids=SHRUNK,
)
def test_they_shrink_to_plain_values(strategy, plain):
    assert find(strategy, lambda _: True) == plain


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sizes(n=(3, 2)), r"size n must be a number from 0 on, or the smallest and the largest; got \(3, 2\)"),
        (
            lambda: find(tokens(n=0), lambda _: True),
            "size n must be a number from 1 on, or the smallest and the largest; got 0",
        ),
        (lambda: arrays(3, dtype="int32"), "a floating dtype is expected, for example float32; got int32"),
        (lambda: arrays(3, scale=1e6, dtype="float16"), "positive and finite in float16, got 1000000.0"),
        (lambda: masks(3, 2), "got 3 queries, 2 keys"),
        (lambda: masks(2, 2, kinds=["sparse"]), r"the kinds are some of full, causal.*got \['sparse'\]"),  # pyright: ignore[reportArgumentType]
        (lambda: segments(0), "at least one token and one segment are needed"),
        (lambda: head_groups(0), "at least one head is needed, got 0"),
        (lambda: feature_maps(0), "the width must be positive, got 0"),
        (lambda: decays(tokens=-1), "a size is 0 or more; got None heads, -1 tokens"),
        (lambda: find(attention_forms(2, step=0.0), bool), "the step must be positive and finite, got 0.0"),
        (lambda: find(attention_forms(2, kinds=[]), bool), "at least one kind of form is needed"),
        (lambda: find(attention_forms(2, kinds=[int]), bool), "a class that is a dataclass, got <class 'int'>"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_cannot_be_drawn_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_form_of_ones_own_is_drawn_by_the_names_of_its_fields():
    @dataclasses.dataclass(frozen=True, eq=False)
    class Slow(DeltaRule):
        rank: int = 2

    @dataclasses.dataclass(frozen=True, eq=False)
    class Unknown(DeltaRule):
        rank: int = dataclasses.field(kw_only=True)

    form = find(attention_forms(2, kinds=[Slow]), lambda form: form.decay is not None)
    assert (form.decay, form.rank) == (1.0, 2)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="Unknown needs rank, for which there is no default and no strategy"):
        find(attention_forms(2, kinds=[Unknown]), lambda _: True)
