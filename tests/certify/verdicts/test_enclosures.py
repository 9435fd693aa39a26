"""Enclosures of a difference: identities are found, a fault of any size is excluded, and nothing undecided passes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

from lrgd_jax.certify import trace
from lrgd_jax.certify.verdicts.enclosures import (
    BITS,
    LARGEST_BITS,
    RADIUS,
    ZERO_BITS,
    Enclosure,
    Exclusion,
    enclose_difference,
)
from lrgd_jax.certify.verdicts.random_fields import NotApplicable

X = np.random.default_rng(0).uniform(0.2, 2, 6)
Y = np.random.default_rng(1).uniform(-2, 2, 6)
SMALL = np.array(2.0**-300)


def verdict(left, right, *arrays, **options):
    """Of two functions at arrays."""
    arrays = tuple(np.asarray(x) for x in arrays)
    return enclose_difference(trace(left, *arrays), trace(right, *arrays), arrays, **options)


def _attention(q, k, v):
    return jax.nn.softmax(q @ k.T) @ v


def _by_hand(q, k, v):
    weights = jnp.exp(q @ k.T)
    return (weights @ v) / weights.sum(axis=1, keepdims=True)


def rows(x):
    return x[:2, None] * jnp.arange(1.0, 4)[None, :], x[2:5, None] * jnp.arange(2.0, 5)[None, :], x[:3, None]


IDENTITIES = {
    "exponential of a sum": (lambda x, y: jnp.exp(x + y), lambda x, y: jnp.exp(x) * jnp.exp(y)),
    "circle": (lambda x, y: jnp.sin(x) ** 2 + jnp.cos(x) ** 2, lambda x, y: jnp.ones_like(x)),
    "angles": (lambda x, y: jnp.sin(x + y), lambda x, y: jnp.sin(x) * jnp.cos(y) + jnp.cos(x) * jnp.sin(y)),
    "error function": (lambda x, y: lax.erf(x) + lax.erfc(x), lambda x, y: jnp.ones_like(x)),
    "inverse of the error function": (lambda x, y: lax.erf_inv(lax.erf(x)), lambda x, y: x),
    "logarithm": (lambda x, y: jnp.log(x * x), lambda x, y: 2 * jnp.log(x)),
    "logarithm beside one": (lambda x, y: jnp.log1p(jnp.expm1(y)), lambda x, y: y),
    "logistic": (lambda x, y: jax.nn.sigmoid(y), lambda x, y: (1 + jnp.tanh(y / 2)) / 2),
    "roots": (lambda x, y: lax.rsqrt(x) * jnp.sqrt(x), lambda x, y: jnp.ones_like(x)),
    "cube": (lambda x, y: jnp.cbrt(y) ** 3, lambda x, y: y),
    "gamma": (lambda x, y: lax.lgamma(x + 1) - lax.lgamma(x), lambda x, y: jnp.log(x)),
    "digamma": (lambda x, y: lax.digamma(x + 1), lambda x, y: lax.digamma(x) + 1 / x),
    "absolute value": (lambda x, y: jnp.abs(y), lambda x, y: jnp.maximum(y, -y)),
    "branches": (lambda x, y: jnp.where(y > 0, y, 0), lambda x, y: jax.nn.relu(y)),
    "sorted": (lambda x, y: jnp.sort(y)[::-1], lambda x, y: -jnp.sort(-y)),
    "shift of softmax": (lambda x, y: jax.nn.softmax(y + x[0]), lambda x, y: jnp.exp(y) / jnp.exp(y).sum()),
    "attention": (lambda x, y: _attention(*rows(x)), lambda x, y: _by_hand(*rows(x))),
    "gradient": (jax.grad(lambda x, y: jax.nn.logsumexp(x)), lambda x, y: jax.nn.softmax(x)),
    "places": (lambda x, y: jnp.argmax(y), lambda x, y: jnp.argmin(-y)),
    "power": (lambda x, y: x**y, lambda x, y: jnp.exp(y * jnp.log(x))),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_is_enclosed(name):
    found = verdict(*IDENTITIES[name], X, Y)
    assert isinstance(found, Enclosure)
    assert found.radius <= RADIUS
    assert found.bits == BITS


@pytest.mark.parametrize("bits", [40, 150])
@pytest.mark.parametrize("name", [name for name in IDENTITIES if name != "places"])
def test_a_relative_fault_is_excluded(name, bits):
    left, right = IDENTITIES[name]
    fault = np.array(2.0**-bits)
    for one, other in (
        (lambda x, y, f: left(x, y) * (1 + f), lambda x, y, f: right(x, y)),
        (lambda x, y, f: left(x, y), lambda x, y, f: right(x, y) * (1 - f)),
    ):
        found = verdict(one, other, X, Y, fault)
        assert isinstance(found, Exclusion)
        assert arb(found.difference) > 0
        assert np.shape(found.left) == np.shape(found.right)


def test_a_fault_in_one_literal_is_excluded():
    literal = 2 * (1 + 2.0**-40)
    assert isinstance(verdict(lambda x: jnp.exp(2 * x), lambda x: jnp.exp(literal * x), X), Exclusion)


def test_a_fault_in_one_entry_is_excluded():
    found = verdict(lambda x, f: jnp.exp(x), lambda x, f: jnp.exp(x).at[3].add(f), X, np.array(2.0**-150))
    assert isinstance(found, Exclusion)
    differ = [a != b for a, b in zip(found.left, found.right, strict=True)]
    assert not any(differ[:3] + differ[4:])


def test_the_precision_is_doubled_where_it_does_not_suffice():
    def cancelled(x):
        return (1 + x) - 1

    found = verdict(cancelled, lambda x: x, SMALL)
    assert isinstance(found, Enclosure)
    assert found.bits == 2 * BITS
    found = verdict(cancelled, lambda x: 2 * x, SMALL)
    assert isinstance(found, Exclusion)
    assert found.bits == 2 * BITS


def test_a_branch_is_decided_with_more_precision():
    def which(x):
        return jnp.where((1 + x) - 1 > 0, x, -x)

    found = verdict(which, lambda x: x, SMALL)
    assert isinstance(found, Enclosure)
    assert found.bits == 2 * BITS
    assert isinstance(verdict(which, lambda x: -x, SMALL), Exclusion)
    sign = verdict(lambda x: jnp.sign((1 + x) - 1), lambda x: jnp.ones_like(x), SMALL)
    assert isinstance(sign, Enclosure)


def test_what_is_finite_is_decided_with_more_precision():
    def finite(x):
        return jnp.where(jnp.isfinite(jnp.log((1 + x) - 1)), 1.0, 0.0)

    assert isinstance(verdict(finite, jnp.ones_like, SMALL), Enclosure)
    assert isinstance(verdict(finite, jnp.zeros_like, SMALL), Exclusion)


def test_the_precision_has_a_cap():
    """A branch at zero is one that no precision decides."""
    circle = verdict(lambda x: jnp.where(jnp.sin(x) ** 2 + jnp.cos(x) ** 2 > 1, x, 2 * x), lambda x: 2 * x, X)
    assert isinstance(circle, NotApplicable)
    assert f"{LARGEST_BITS} bits" in circle.reason
    late = verdict(lambda x: jnp.exp(x), lambda x: jnp.exp(x), X, bits=2 * LARGEST_BITS)
    assert isinstance(late, NotApplicable)
    assert "no precision" in late.reason


@pytest.mark.parametrize("relation", ["equal", "at most"])
def test_nothing_that_is_not_finite_passes(relation):
    for function in (
        lambda x: jnp.log(-x),
        lambda x: jnp.sqrt(-x),
        lambda x: 1 / (x - x),
        lambda x: (x - x) / (x - x),
        lambda x: x + jnp.inf,
        lambda x: x - jnp.inf,
        lambda x: x * jnp.nan,
        lambda x: jnp.stack([x[0], jnp.log(-x[0])]),
    ):
        found = verdict(function, function, X, relation=relation)
        assert isinstance(found, NotApplicable)
    assert isinstance(verdict(lambda x: x - jnp.inf, lambda x: x, X, relation="at most"), NotApplicable)


def test_at_most():
    def least(x, y):
        return x * y

    def most(x, y):
        return (x * x + y * y) / 2

    assert isinstance(verdict(least, most, X, Y, relation="at most"), Enclosure)
    assert isinstance(verdict(most, least, X, Y, relation="at most"), Exclusion)
    # with equality
    same = verdict(least, most, X, X, relation="at most")
    assert isinstance(same, Enclosure)
    assert same.radius <= RADIUS
    above = verdict(
        lambda x, f: jnp.exp(x) * (1 + f), lambda x, f: jnp.exp(x), X, np.array(2.0**-150), relation="at most"
    )
    assert isinstance(above, Exclusion)
    below = verdict(
        lambda x, f: jnp.exp(x) * (1 - f), lambda x, f: jnp.exp(x), X, np.array(2.0**-150), relation="at most"
    )
    assert isinstance(below, Enclosure)
    assert below.radius == 0
    late = verdict(lambda x: (1 + x) - 1, jnp.zeros_like, SMALL, relation="at most")
    assert isinstance(late, Exclusion)
    assert late.bits == ZERO_BITS
    one = verdict(lambda x: x, lambda x: x.at[2].add(-1.0), X, relation="at most")
    assert isinstance(one, Exclusion)


def test_a_radius_is_never_rounded_to_zero():
    found = verdict(lambda x: jnp.exp(x), lambda x: jnp.exp(x / 2) ** 2, X, bits=LARGEST_BITS)
    assert isinstance(found, Enclosure)
    assert 0 < found.radius <= RADIUS
    same = verdict(lambda x: x * x, lambda x: x**2, X)
    assert isinstance(same, Enclosure)


def test_integers_and_booleans_are_compared():
    assert isinstance(verdict(lambda x: (x > 1, jnp.argmax(x)), lambda x: (x > 1, jnp.argmin(-x)), X), Enclosure)
    assert isinstance(verdict(lambda x: x > 1, lambda x: x < 1, X), Exclusion)
    assert isinstance(verdict(lambda x, k: x[k], lambda x, k: x[k + 1], X, np.array(2)), Exclusion)
    undecided = verdict(lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 > 1, lambda x: x < 0, X)
    assert isinstance(undecided, NotApplicable)


def test_a_zero_that_nobody_knows_of_is_measured_by_what_went_into_it():
    found = verdict(lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1, jnp.zeros_like, X)
    assert isinstance(found, Enclosure)
    assert 0 < found.radius <= RADIUS
    assert found.bits == ZERO_BITS


def test_a_small_entry_beside_a_large_one_is_measured_by_itself():
    def beside(x, f):
        return jnp.stack([1e30 * jnp.ones_like(x), x])

    def off(x, f):
        return jnp.stack([1e30 * jnp.ones_like(x), x + f])

    x = np.array(0.7)
    for fault in (1e-20, 2.0**-150, 2.0**-700):
        assert isinstance(verdict(beside, off, x, np.array(fault)), Exclusion if fault > 2.0**-200 else Enclosure)
    # the first decimals of a number as small as this one
    tiny = verdict(beside, off, np.array(1e-50), np.array(1e-60))
    assert isinstance(tiny, Exclusion)
    assert arb(tiny.difference).mid().str(2, radius=False) == "1.0e-60"

    def cancelled(x, f):
        return jnp.stack([1e30 * jnp.ones_like(x), (jnp.exp(x) + f) - jnp.exp(x)])

    assert isinstance(verdict(cancelled, beside, np.array(1e-50), np.array(1e-50)), Enclosure)
    lost = verdict(cancelled, beside, np.array(1e-90), np.array(1e-90 * (1 + 2.0**-30)))
    assert isinstance(lost, Exclusion)


def _square(x, y):
    return jnp.outer(x[:3], y[:3]) + jnp.diag(x[3:])


ZEROS = {
    "a third": lambda x, y: (x / 3 + y / 3) - (x + y) / 3,
    "an exponential": lambda x, y: jnp.exp(x + y) - jnp.exp(x) * jnp.exp(y),
    "a logarithm of one": lambda x, y: jnp.log(jnp.sin(x) ** 2 + jnp.cos(x) ** 2),
    "an arc": lambda x, y: jnp.arctan2(jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1, x),
    "a maximum": lambda x, y: jnp.maximum(jnp.exp(x) * jnp.exp(-x) - 1, -1 - y * y),
    "a tie": lambda x, y: jnp.where(x >= x, jnp.exp(x) * jnp.exp(-x) - 1, y),
    "an inverse": lambda x, y: jnp.linalg.inv(_square(x, y)) @ _square(x, y) - jnp.eye(3),
    "a transform": lambda x, y: jnp.fft.ifft(jnp.fft.fft(x)).imag,
    "ten steps": lambda x, y: jnp.linalg.matrix_power(jnp.outer(x, y), 10) - jnp.outer(x, y) * (x @ y) ** 9,
}


@pytest.mark.parametrize("name", ZEROS)
def test_an_entry_that_cancels_is_measured_by_its_own_terms(name):
    """Whatever stands beside it."""
    zero = ZEROS[name]

    def beside(x, y):
        return jnp.concatenate([jnp.ravel(zero(x, y)), jnp.array([1e30])])

    found = verdict(beside, lambda x, y: jnp.zeros_like(beside(x, y)).at[-1].set(1e30), X, Y)
    assert isinstance(found, Enclosure)
    assert found.bits == ZERO_BITS
    assert 0 < found.radius <= RADIUS
    for fault in (2.0**-150, 2.0**-700):
        off = verdict(beside, lambda x, y, f=fault: jnp.zeros_like(beside(x, y)).at[-1].set(1e30).at[0].set(f), X, Y)
        assert isinstance(off, Exclusion)


def test_zeros_of_nothing_need_no_measure():
    assert verdict(lambda x: x - x, jnp.zeros_like, X) == Enclosure(BITS, 0.0)
    assert verdict(lambda x: jnp.exp(0 * x) - 1, jnp.zeros_like, X) == Enclosure(BITS, 0.0)


def test_an_infinite_input_is_no_measure():
    """A difference that two hundred bits do not see, beside an input that nobody looks at."""

    def lost(x, y):
        return jnp.stack([(1 + x) - 1, jnp.exp(x) - jnp.exp(x)])

    found = verdict(lost, lambda x, y: jnp.stack([2 * x, 0 * x]), SMALL, np.array(-np.inf))
    assert isinstance(found, Exclusion)
    assert found.bits == 2 * BITS


def test_nothing_at_all_is_equal():
    assert verdict(lambda x: x[:0], lambda x: 2 * x[:0], X) == Enclosure(BITS, 0.0)


def test_an_unknown_primitive_is_not_applicable():
    found = verdict(lambda x: lax.nextafter(x, x), lambda x: x, X)
    assert isinstance(found, NotApplicable)
    assert "nextafter" in found.reason


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="cannot be compared"):
        verdict(lambda x: x.reshape(2, 3), lambda x: x.reshape(3, 2), X)


def test_the_radius_is_small_enough_to_mean_something():
    assert BITS * math.log10(2) / 2 < -math.log10(RADIUS) < BITS * math.log10(2)
