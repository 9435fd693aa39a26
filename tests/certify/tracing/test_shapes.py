"""Shapes as text: what is read, what is refused and where, and in which order smaller shapes come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.certify.tracing.shapes import shapes_of

READ = {
    "q:d=4; k:n=6,d=4; v:n=6,dv=3": {"q": (4,), "k": (6, 4), "v": (6, 3)},
    "k:n=6,d=4; v:n,dv=3": {"k": (6, 4), "v": (6, 3)},
    "x:3,4": {"x": (3, 4)},
    "x:n=2,3,n": {"x": (2, 3, 2)},
    "s:": {"s": ()},
    " s : ;\n x : n = 2 , 3 ; ": {"s": (), "x": (2, 3)},
    "tokens:n=6 below 10; w:10": {"tokens": (6,), "w": (10,)},
    "token: below 3": {"token": ()},
}


@pytest.mark.parametrize("text", READ)
def test_text_is_read_and_written_back(text):
    shapes = shapes_of(text)
    assert {name: shapes.shape(name) for name in shapes.arguments} == READ[text]
    assert shapes_of(str(shapes)) == shapes
    assert shapes_of(shapes) is shapes


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"q": {"d": 4}}, "q:d=4"),
        ({"q": (4,), "s": (), "z": 5}, "q:4; s:; z:5"),
        ({"k": {"n": 6, "d": 4}, "v": ["n", 3]}, "k:n=6,d=4; v:n,3"),
        ({"t": "n=6 below 10"}, "t:n=6 below 10"),
    ],
)
def test_a_mapping_says_the_same(mapping, text):
    assert shapes_of(mapping) == shapes_of(text)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "at its end", "at least one argument"),
        (" ;; ", "at character 2", "at least one argument"),
        ("q", "at character 1, 'q'", "expected NAME:AXES"),
        ("q:d=4; 1x:3", "at character 8, '1x:3'", "expected NAME:AXES"),
        ("q:d=", "at character 3, 'd='", "expected an axis"),
        ("q:4,,5", "at character 5", "expected an axis"),
        ("q:d=4,", "at its end", "expected an axis"),
        ("x:-1", "at character 3, '-1'", "expected an axis"),
        ("q:d=4 k:n=6", "at character 3", "expected an axis"),
        ("q:d=4; k:d=5", "at character 10, 'd=5'", "the axis 'd' has size 4 in 'q' and 5 in 'k'"),
        ("q:n; k:n=3", "at character 3, 'n; k:n=3'", "the axis 'n' has no size yet"),
        ("q:d=4; q:d", "at character 8", "the argument 'q' is given twice"),
        ("q:d=0", "at character 5, '0'", "at least 1"),
        ("q:3,0", "at character 5, '0'", "at least 1"),
        ("t:n=3 below 0", "at character 13, '0'", "at least 1"),
        ("t:n=3 below ten", "at character 13, 'ten'", "at least 1"),
        ("t:n=3 below", "at character 3", "expected an axis"),
    ],
)
def test_a_wrong_text_is_shown_with_the_place(text, place, message):
    with pytest.raises(ValueError, match="shapes ") as caught:
        shapes_of(text)
    assert f"shapes {text!r}, {place}" in str(caught.value)
    assert message in str(caught.value)


@given(st.lists(st.integers(1, 4), max_size=4))
def test_smaller_shapes_come_in_the_order_of_their_size(limits):
    names = [f"a{k}" for k in range(len(limits))]
    shapes = shapes_of({"x": dict(zip(names, limits, strict=True)), "s": ()})
    found = [tuple(sizes.values()) for sizes in shapes.by_size()]
    assert sorted(found) == sorted(itertools.product(*(range(1, limit + 1) for limit in limits)))
    assert [sum(sizes) for sizes in found] == sorted(sum(sizes) for sizes in found)
    assert shapes.shape("x", dict.fromkeys(names, 1)) == (1,) * len(names)
