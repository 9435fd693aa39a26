"""Conditions of a certificate: every pole, mask and cast is named with its line, and a constant needs none."""

import inspect
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import Certificate, equal, free, trace
from lrgd_jax.certify.verdicts.conditions import REAL, conditions_of

X = np.array([0.2, 0.3, 0.4])


def said(function, *arrays):
    """Kinds and texts, without the condition of every certificate."""
    return [(one.kind, one.text) for one in conditions_of(trace(function, *(arrays or (X,)))) if one != REAL]


POLES = {
    "a quotient": (lambda x: 1 / x, "'div' divides by a number"),
    "a quotient of itself": (lambda x: x / x, "'div' divides by a number"),
    "a remainder": (lambda x: lax.rem(x, x), "'rem' divides by a number"),
    "a negative power": (lambda x: x**-2, "'integer_pow' to the power -2"),
    "an exponent that varies": (lax.pow, "'pow' to a negative power"),
    "a system": (lambda x: lax.linalg.triangular_solve(jnp.outer(x, x), x[:, None], left_side=True), "diagonal"),
    "a tangent": (jnp.tan, "the cosine of the argument of 'tan'"),
    "within a loop": (lambda x: lax.fori_loop(0, 3, lambda k, y: 1 / (y + k), x), "'div' divides by a number"),
    "carried into a divisor": (lambda x: lax.scan(lambda c, y: (y, 1 / c), 2.0, x)[1], "'div' divides by a number"),
    "within a branch": (lambda x: lax.cond(x[0] > 0, lambda y: 1 / y, lambda y: y, x), "'div' divides by a number"),
    "within a while": (lambda x: lax.while_loop(lambda y: y[0] < 1, lambda y: 1 / y, x), "'div' divides by a number"),
    "within a compiled function": (jax.jit(lambda x: 1 / x), "'div' divides by a number"),
    "within a free function": (free(lambda x: 1 / x), "'div' divides by a number"),
}


@pytest.mark.parametrize("name", POLES)
def test_a_pole_is_named(name):
    function, text = POLES[name]
    arrays = (X, np.array([1, -1, 2])) if name == "an exponent that varies" else (X,)
    ((kind, found),) = said(function, *arrays)
    assert kind == "pole"
    assert text in found


DOMAINS = {
    "a logarithm": (jnp.log, "'log' must be positive"),
    "a logarithm beside one": (jnp.log1p, "more than -1"),
    "a root": (jnp.sqrt, "must not be negative"),
    "one over a root": (lax.rsqrt, "must be positive"),
    "an arc": (jnp.arcsin, "between -1 and 1"),
    "a broken power": (lambda x: x**-0.5, "the base of 'pow' to the power -0.5 must be positive"),
    "a power": (lambda x: x**x, "to the power that varies must be positive"),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_is_named(name):
    function, text = DOMAINS[name]
    ((kind, found),) = said(function)
    assert kind == "domain"
    assert text in found


CASTS = {
    "to float32": (lambda x: x.astype(jnp.float32), "'convert_element_type' from float64 to float32"),
    "to bfloat16": (lambda x: x.astype(jnp.bfloat16), "from float64 to bfloat16"),
    "less precision": (lambda x: lax.reduce_precision(x, 8, 7), "8 bits of exponent and 7 of mantissa"),
    "a narrow product": (
        lambda x: lax.dot(x, x, preferred_element_type=jnp.float32),
        "'dot_general' from float64 to float32",
    ),
}


@pytest.mark.parametrize("name", CASTS)
def test_a_cast_is_named(name):
    function, text = CASTS[name]
    ((kind, found),) = said(function)
    assert kind == "cast"
    assert text in found
    assert found.endswith("counts as exact")


def test_jumps_are_named():
    for function in (jnp.floor, jnp.ceil, jnp.round, lambda x: x.astype(jnp.int32)):
        ((kind, _),) = said(function)
        assert kind == "jump"


def test_masks_are_named():
    def masked(x):
        return jnp.where(x > 0, x, -2e38) + jnp.asarray([0.0, -3e38, -jnp.inf])

    assert [text for _, text in said(masked)] == [
        "the literal -2e+38 counts as minus infinity in prime fields",
        "the literal -3e+38 counts as minus infinity in prime fields",
    ]
    assert not said(lambda x: jnp.where(x > 0, x, -1e30))


NONE = {
    "a constant divisor": lambda x: x / 3,
    "a constant root": lambda x: x / jnp.sqrt(2.0),
    "a positive power": lambda x: x**3 + x**2.0,
    "the step of a loop": lambda x: lax.fori_loop(1, 3, lambda k, y: y / k, x),
    "a constant beside what varies": lambda x: lax.scan(lambda c, y: (c + y, y / 3.0), 0.0, x),
    "a wider format": lambda x: jax.nn.sigmoid(jnp.exp(x)),
    "what nobody needs": lambda x: (1 / x, x)[1],
    "whole numbers": lambda x: x[jnp.arange(3) // 2],
}


@pytest.mark.parametrize("name", NONE)
def test_nothing_is_said_where_nothing_can_happen(name):
    assert not said(NONE[name])


def test_each_condition_is_said_once_with_its_line():
    def two(x):
        return 1 / x + 2 / x

    line = inspect.getsourcelines(two)[1] + 1
    program = trace(two, X)
    found = conditions_of(program, program)
    assert [one.source for one in found[1:]] == [f"test_conditions.py:{line} ({two.__qualname__})"]
    assert str(found[1]).endswith(f"({found[1].source})")
    other = trace(lambda x: 1 / x, X)
    assert len(conditions_of(program, other)) == 3


def test_a_condition_within_a_library_has_the_line_that_calls_it():
    def normalised(x):
        return jax.nn.softmax(x) + jnp.log1p(x)

    line = inspect.getsourcelines(normalised)[1] + 1
    found = conditions_of(trace(normalised, X))[1:]
    assert {one.source for one in found} == {f"test_conditions.py:{line} ({normalised.__qualname__})"}
    assert len(found) == 2


def test_a_certificate_lists_its_conditions():
    found = equal(lambda x: x / x, lambda x: jnp.ones_like(x), "x:n=3")
    assert isinstance(found, Certificate)
    assert [one.kind for one in found.conditions] == ["real numbers", "pole"]
    assert "\n  pole: 'div' divides by a number that must not be zero (test_conditions.py:" in str(found)
    listed = json.loads(found.to_json())["conditions"]
    assert [one["kind"] for one in listed] == ["real numbers", "pole"]
    assert listed[1]["source"].startswith("test_conditions.py:")
