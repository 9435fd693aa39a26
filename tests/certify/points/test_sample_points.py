"""Points: every pair that random ones let pass is refuted, whatever the seed; integers are enumerated where few."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import Certificate, Counterexample, Unrefuted, equal
from lrgd_jax.certify.answers.certificates import Integers
from lrgd_jax.certify.points.sample_points import (
    FAR,
    MOST_INTEGERS,
    Leaf,
    integer_choices,
    is_within,
    number_of_integers,
    plain_points,
    random_points,
)

SEEDS = range(40)


def last_largest(x):
    return x.shape[0] - 1 - jnp.argmax(x[::-1])


def guarded(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0).sum()


def guarded_twice(x):
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0).sum()


DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "abs": (jnp.abs, lambda x: x, "x:n=3"),
    "relu": (lambda x: jnp.maximum(x, 0), lambda x: x, "x:n=3"),
    "sign squared": (lambda x: jnp.sign(x) ** 2, lambda x: jnp.ones_like(x), "x:n=3"),
    "clip at 3": (lambda x: jnp.clip(x, -3, 3), lambda x: x, "x:n=1"),
    "clip at 10": (lambda x: jnp.clip(x, -10, 10), lambda x: x, "x:n=3"),
    "an edge": (lambda x: x > 0, lambda x: x >= 0, "x:n=1"),
    "a tie": (lambda x: jnp.argmax(x), last_largest, "x:n=3"),
    "a kink": (jax.grad(lambda x: jnp.maximum(x, 0).sum()), jax.grad(lambda x: jax.nn.relu(x).sum()), "x:n=3"),
    "relu6": (jax.nn.relu6, jax.nn.relu, "x:n=3"),
    "floor": (lambda x: jnp.floor(x**2 / 100), lambda x: jnp.zeros_like(x), "x:n=1"),
    "threshold": (jax.nn.softplus, lambda x: jnp.where(x > 20, x, jax.nn.softplus(x)), "x:n=1"),
    "far": (lambda x: jnp.where(x.sum() > 12345.5, x + 1, x), lambda x: x, "x:n=3"),
    "two thresholds": (lambda x: jnp.where(x > 20, 1.0, x), lambda x: jnp.where(x > 20.001, 1.0, x), "x:n=1"),
    "nan": (jax.grad(guarded), jax.grad(guarded_twice), "x:n=1"),
    "equal arguments": (lambda x, y: jnp.where(x == y, 1.0, x), lambda x, y: x, "x:n=2; y:n"),
    "equal rows": (lambda x: jnp.all(x[0] == x[1]), lambda x: jnp.any(x != x), "x:n=2,d=3"),
    "integers": (lambda t: t * t, lambda t: t, "t:n=1 below 3"),
    "booleans": (lambda t: t > 1, lambda t: t == 2, "t:n=1 below 4"),
    "many integers": (lambda t: (t == 999).all(), lambda t: jnp.zeros((), bool), "t:n=7 below 1000"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_refuted_whatever_the_seed(name, monkeypatch):
    # the search for plainer arguments, which has its own test, takes longer than all the rest
    monkeypatch.setattr("lrgd_jax.certify.counterexamples.shrinking.find_smallest", lambda _: None)
    f, g, shapes = DIFFERENT[name]
    for seed in SEEDS:
        assert isinstance(equal(f, g, shapes, seed=seed), Counterexample), seed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clip at 3", [4.0]),
        ("relu", [-1.0]),
        ("a tie", [0.0, 0.0]),
        ("threshold", [21.0]),
        ("clip at 10", [11.0]),
        ("relu6", [7.0]),
        ("far", [12346.0]),
    ],
)
def test_the_counterexample_is_plain(name, value):
    f, g, shapes = DIFFERENT[name]
    found = equal(f, g, shapes)
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert found.arguments["x"].tolist() == value


def test_a_counterexample_of_integers_is_plain_too():
    f, g, shapes = DIFFERENT["many integers"]
    found = equal(f, g, shapes)
    assert isinstance(found, Counterexample)
    assert found.arguments is not None
    assert found.arguments["t"].tolist() == [999]
    assert (found.left, found.right, found.apart) == (("True",), ("False",), "1.0000")


def test_few_integers_are_enumerated_and_then_certified():
    for seed in range(4):
        found = equal(lambda t: t * (t + 1) // 2 * 2, lambda t: t * t + t, "t:n=2 below 9", seed=seed)
        assert isinstance(found, Certificate)
        assert found.integers == Integers(81, exhaustive=True)
        assert str(found).startswith("certified: ")
        assert "exhaustive over 81 integer arguments" in str(found)


def test_many_integers_are_not_certified_by_some():
    found = equal(lambda t: t * (t + 1) // 2 * 2, lambda t: t * t + t, "t:n=2 below 1000")
    assert isinstance(found, Unrefuted)
    assert found.integers is not None
    assert not found.integers.exhaustive
    assert found.as_dict()["integers"] == {"choices": 7, "exhaustive": False}


def test_an_integer_beside_real_arguments_is_named_in_the_headline():
    def total(t, x):
        return t.sum().astype(x.dtype) * x

    def summed(t, x):
        return jnp.sum(t.astype(x.dtype)[:, None] * x[None], axis=0)

    found = equal(total, summed, "t:n=9 below 9; x:m=2")
    assert isinstance(found, Certificate)
    assert str(found).startswith("certified at 7 draws of the integers: ")


def test_ends_and_mixtures_are_among_the_integers():
    leaves = [Leaf((3,), below=100), Leaf((2,), below=50)]
    assert number_of_integers(leaves) > MOST_INTEGERS
    for seed in range(3):
        choices = [tuple(np.concatenate(point).tolist()) for point in integer_choices(leaves, seed, most=9, drawn=2)]
        assert (0, 0, 0, 0, 0) in choices
        assert (99, 99, 99, 49, 49) in choices
        assert any(len(set(choice)) > 2 for choice in choices)
        assert len(choices) == 7


def test_all_choices_of_few_integers():
    leaves = [Leaf((2,), below=3), Leaf((1,)), Leaf((), below=2)]
    choices = {(*a.tolist(), int(c)) for a, _, c in integer_choices(leaves, 0, most=18, drawn=1)}
    assert choices == {(a, b, c) for a in range(3) for b in range(3) for c in range(2)}


def test_plain_points_hold_what_random_ones_do_not():
    leaves = [Leaf((4, 2)), Leaf((4, 2)), Leaf(())]
    points = plain_points(leaves, integer_choices(leaves, 0, most=1, drawn=1))
    for number in (0.0, 1.0, -1.0, 10.0, -10.0, FAR, 1 / FAR):
        assert any((x == number).all() for x, *_ in points)
    assert any((x == y).all() and np.unique(x).size > 4 for x, y, _ in points)
    assert any((x[0] == x[1]).all() and (x[0] != x[2]).any() for x, *_ in points)
    assert any((x.ravel()[:-1] * x.ravel()[1:] < 0).all() for x, *_ in points)
    turning = (-1.0) ** np.arange(8).reshape(4, 2)
    assert any((x == turning).all() and (y == -turning).all() and z == 1 for x, y, z in points)
    assert any((np.diff(x.ravel()) == 1).all() for x, *_ in points)


def test_points_are_above_what_they_must_be_above():
    leaves = [Leaf((3,), above=2.0), Leaf((2,), below=2)]
    integers = integer_choices(leaves, 0, most=4, drawn=1)
    points = [*plain_points(leaves, integers), *random_points(leaves, integers, 0, 3)]
    assert len(points) > 12
    assert all(is_within(leaves, point) for point in points)
    assert {tuple(t.tolist()) for _, t in points} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_each_choice_of_integers_is_met_however_few_the_plain_points_are():
    leaves = [Leaf((1,)), Leaf((), below=200)]
    integers = integer_choices(leaves, 0, most=200, drawn=1)
    assert {int(t) for _, t in plain_points(leaves, integers)} == set(range(200))
