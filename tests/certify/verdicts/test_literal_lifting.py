"""Literals that are lifted to the numbers that they mean: on both sides, in every layer, and never silently."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import Certificate, Counterexample, equal, running_error, trace
from lrgd_jax.certify.answers.unrefuted import Unrefuted
from lrgd_jax.certify.verdicts.literal_lifting import LiteralLifting
from lrgd_jax.certify.verdicts.random_fields import Agreement

ATTENTION = "q:b=1,t=2,h=1,d=2; k:b,t,h,d; v:b,t,h,d"


def library(q, k, v):
    with jax.numpy_dtype_promotion("standard"):
        return jax.nn.dot_product_attention(q, k, v)


def by_hand(q, k, v):
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / jnp.sqrt(float(q.shape[-1]))
    return jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(scores), v)


def looped(x):
    return lax.scan(lambda total, y: (total + y * (1 / 3), y * 0.1), 0.0, x)


PAIRS = {
    "two spellings of a root": (lambda x: x * (1 / np.sqrt(3)), lambda x: x * float(3**-0.5), "x:n=2"),
    "a root and a quotient": (lambda x: x * (1 / np.sqrt(7)), lambda x: x / jnp.sqrt(7.0), "x:n=2"),
    "three tenths": (lambda x: (0.1 + 0.2) * x, lambda x: 0.3 * x, "x:n=2"),
    "tenths one by one": (lambda x: 0.1 * x + 0.2 * x, lambda x: 3 * x / 10, "x:n=2"),
    "attention of a library": (library, by_hand, ATTENTION),
    "within a loop": (looped, lambda x: (jnp.sum(x) / 3, x / 10), "x:n=3"),
    "an array of them": (lambda x: x * np.array([0.1, 0.2, 0.5]), lambda x: x * np.array([1, 2, 5.0]) / 10, "x:n=3"),
    "within a compiled function": (jax.jit(lambda x: 0.1 * x), lambda x: x / 10, "x:n=2"),
    "a result": (lambda x: (x, 1 / 3), lambda x: (x, jnp.ones(()) / 3), "x:n=2"),
    "within a complex number": (
        lambda x: jnp.fft.ifft(jnp.fft.fft(x) * 0.1j).imag,
        lambda x: jnp.fft.ifft(jnp.fft.fft(x) * 1j).imag / 10,
        "x:n=2",
    ),
    "of float32": (lambda x: x * np.float64(np.float32(0.1)), lambda x: x / 10, "x:n=2"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_rounded_they_differ_and_meant_they_are_certified(name):
    left, right, shapes = PAIRS[name]
    rounded = equal(left, right, shapes)
    assert isinstance(rounded, Counterexample)
    assert rounded.rounded
    assert "rounded constants make the difference" in str(rounded)
    assert json.loads(rounded.to_json())["rounded"] == [one.as_dict() for one in rounded.rounded]
    meant = equal(left, right, shapes, constants="meant")
    assert isinstance(meant, Certificate)
    assert isinstance(meant.exact, Agreement)
    listed = [one for one in meant.conditions if one.kind == "constant"]
    assert listed
    assert all(f"\n  constant: {one}" in str(meant) for one in listed)


def test_the_literal_is_named_with_its_line_and_its_meaning():
    found = equal(library, by_hand, ATTENTION, constants="meant")
    assert isinstance(found, Certificate)
    (one,) = [one for one in found.conditions if one.kind == "constant"]
    assert one.text == f"the literal {float(1 / np.sqrt(2))!r} counts as 1/sqrt(2)"
    assert "(library)" in one.source
    assert any(other.kind == "cast" for other in found.conditions)


def test_an_error_is_no_rounding():
    """What differs by more than rounding differs with the meant constants too."""
    for left, right in (
        (lambda x: 0.1 * x, lambda x: 0.1001 * x),
        (lambda x: x / 3, lambda x: x * 0.3333),
        (lambda x: 0.1 * x, lambda x: 0.2 * x),
    ):
        rounded = equal(left, right, "x:n=2")
        assert isinstance(rounded, Counterexample)
        assert not rounded.rounded
        meant = equal(left, right, "x:n=2", constants="meant")
        assert isinstance(meant, Counterexample)
        assert meant.constants
        assert not meant.rounded
        assert f"  constant: {meant.constants[0]}" in str(meant)
        assert json.loads(meant.to_json())["constants"]


def test_nothing_is_lifted_where_nobody_asks():
    found = equal(lambda x: 0.1 * x, lambda x: x * 0.1, "x:n=2")
    assert isinstance(found, Certificate)
    assert {one.kind for one in found.conditions} == {"real numbers"}


def test_a_mask_that_means_minus_infinity():
    def masked(q, k):
        return jax.nn.softmax(jnp.where(np.tri(2, dtype=bool), q @ k.T, -2e38))

    def left_out(q, k):
        weights = jnp.exp(q @ k.T) * np.tri(2)
        return weights / weights.sum(axis=1, keepdims=True)

    rounded = equal(masked, left_out, "q:n=2,d=1; k:n,d")
    assert not isinstance(rounded, Counterexample) or rounded.rounded
    meant = equal(masked, left_out, "q:n=2,d=1; k:n,d", constants="meant")
    assert isinstance(meant, Certificate | Unrefuted)
    assert "the literal -2e+38 counts as minus infinity" in str(meant)


def test_transcendental_numbers_are_compared_in_balls():
    found = equal(lambda x: x * math.pi, lambda x: x * 4 * jnp.atan(1.0), "x:n=2", constants="meant")
    assert found
    half = equal(lambda x: x * math.sqrt(2), lambda x: x * (2 / jnp.sqrt(2.0)), "x:n=2", constants="meant")
    assert not isinstance(half, Counterexample)
    assert "counts as sqrt(2)" in str(half)


def test_a_lifted_function_keeps_its_name_and_parameters():
    def named(first, *, second=0.1):
        return {"out": first * second}

    lifted = LiteralLifting(named)
    program = trace(lifted, 2.0)
    assert str(program.out_tree) == str(trace(named, 2.0).out_tree)
    assert lifted.__name__ == "named"
    assert lifted.lifted
    trace(lifted, 3.0)
    assert len(lifted.lifted) == 1
    assert isinstance(equal(named, lambda first: {"out": first / 10}, "first:n=2", constants="meant"), Certificate)


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="constants must be 'rounded' or 'meant', got 'exact'"):
        equal(lambda x: x, lambda x: x, "x:n=1", constants="exact")  # pyright: ignore[reportArgumentType]


WALKED = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "derivative": jax.grad(lambda x: jax.nn.silu(x * 0.1).sum()),
    "while": lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.1), (0, x))[1],
    "cond": lambda x: lax.cond(x[0] > 0, lambda y: y * 0.1, lambda y: y / 3.0, x),
    "remat": jax.checkpoint(lambda x: jnp.sin(x * 0.1)),
    "vmap": jax.vmap(lambda x: jax.nn.softplus(x * 0.1)),
}


@pytest.mark.parametrize("name", WALKED)
def test_a_lifted_function_has_the_same_values_up_to_rounding(name):
    """Whatever programs are within the program."""
    function, x = WALKED[name], np.array([0.1, 0.2, 0.3])
    lifted = LiteralLifting(function)
    bounded, plain = running_error(lifted, x), running_error(function, x)
    assert lifted.lifted
    # the literals themselves may be off by two units in the last place
    allowed = bounded.error + plain.error + 8 * np.finfo(np.float64).eps * np.abs(plain.value)
    assert (np.abs(bounded.value - plain.value) <= allowed).all()
