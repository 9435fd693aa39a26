"""Agreement in prime fields: identities pass, faults of any size do not, and the stated odds are no less than true."""

import dataclasses
import itertools
import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpz, nmod, nmod_mat
from hypothesis import assume, given
from hypothesis import strategies as st
from jax import lax

from lrgd_jax.certify import trace, walk
from lrgd_jax.certify.exact.algebra import Numbers
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.fields.degrees import Degrees
from lrgd_jax.certify.fields.exponentials import Exponentials
from lrgd_jax.certify.fields.polynomial_size import Size
from lrgd_jax.certify.fields.prime_fields import BITS, PrimeField, primes
from lrgd_jax.certify.tracing.free_functions import free
from lrgd_jax.certify.verdicts import random_fields
from lrgd_jax.certify.verdicts.random_fields import (
    _PRIMES_TO_DRAW,
    FALSE_ACCEPT,
    FEWEST_FIELDS,
    Agreement,
    Disagreement,
    NotApplicable,
    Prepared,
    agree_exactly,
)

PRIME = (1 << 61) - 1


def struct(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float64)


def verdict(left, right, *shapes, seed=0, given=None):
    """Of two functions of arrays of those shapes."""
    inputs = [struct(*shape) for shape in shapes]
    prepared = Prepared(inputs, None if given is None else trace(given, *inputs))
    arguments = inputs if given is None else jax.eval_shape(given, *inputs)
    return agree_exactly(trace(left, *arguments), trace(right, *arguments), prepared, seed=seed)


def phi(x):
    """Any feature map: its values are never looked at."""
    return jnp.concatenate([jnp.sin(x), x])


def kernel(x, y):
    return jnp.exp(x @ y)


def _attention(q, k, v):
    return jax.nn.softmax(q @ k.T) @ v


def _by_hand(q, k, v):
    weights = jnp.exp(q @ k.T)
    return (weights @ v) / weights.sum(axis=1, keepdims=True)


def _causal(mask):
    def function(q, k, v):
        logits = jnp.where(jnp.tril(jnp.ones((3, 3), bool)), q @ k.T, mask)
        return jax.nn.softmax(logits) @ v

    return function


def _causal_by_hand(q, k, v):
    weights = jnp.exp(q @ k.T) * jnp.tril(jnp.ones((3, 3)))
    return (weights @ v) / weights.sum(axis=1, keepdims=True)


def _linear(q, k, v):
    return (q @ k.T) @ v


def _descended(q, k, v):
    """One step of gradient descent on a linear model from zero."""

    def loss(W):
        return -jnp.sum((k @ W.T) * v)

    return q @ (-jax.grad(loss)(jnp.zeros((v.shape[1], k.shape[1])))).T


def _linear_of(feature_map):
    def function(q, k, v):
        return jax.vmap(feature_map)(q) @ (jax.vmap(feature_map)(k).T @ v)

    return function


def _recurrent_of(feature_map):
    def function(q, k, v):
        def step(S, kv):
            return S + jnp.outer(feature_map(kv[0]), kv[1]), None

        features = jax.vmap(feature_map)(q)
        S, _ = lax.scan(step, jnp.zeros((features.shape[1], v.shape[1])), (k, v))
        return jax.jit(lambda S: features @ S)(S)

    return function


QKV = ((3, 2), (3, 2), (3, 2))
FREE, OTHER, KERNEL = free(phi), free(lambda x: phi(x)), free(kernel)
POSITIONED = free(lambda x, k: x * k.astype(x.dtype))

IDENTITIES = {
    "binomial": (lambda x, y: (x + y) ** 2, lambda x, y: x * x + 2 * x * y + y * y, (4,), (4,)),
    "difference of powers": (
        lambda x, y: x**5 - y**5,
        lambda x, y: (x - y) * (x**4 + x**3 * y + x * x * y * y + x * y**3 + y**4),
        (),
        (),
    ),
    "partial fractions": (lambda x: 1 / (x - 1) - 1 / (x + 1), lambda x: 2 / (x * x - 1), (3,)),
    "geometric series": (lambda x: 1 + x + x**2 + x**3, lambda x: (1 - x**4) / (1 - x), ()),
    "negative power": (lambda x: x**-3, lambda x: 1 / (x * x * x), (2,)),
    "mean": (lambda x: (x - x.mean()).sum() + x[0], lambda x: x[0], (5,)),
    "inverse": (lambda x: jnp.linalg.det(jnp.eye(2) + x[:, None] * x[None, :]), lambda x: 1 + x @ x, (2,)),
    "exponential of a sum": (lambda x, y: jnp.exp(x + y / 2), lambda x, y: jnp.exp(x) * jnp.exp(y / 2), (3,), (3,)),
    "half an exponential": (lambda x: jnp.exp(x / 2) ** 2, jnp.exp, (3,)),
    "exponential beside one": (jnp.expm1, lambda x: jnp.exp(x) - 1, (3,)),
    "hyperbolic": (
        lambda x: (jnp.exp(x) + jnp.exp(-x)) ** 2 - (jnp.exp(x) - jnp.exp(-x)) ** 2,
        lambda x: jnp.full_like(x, 4.0),
        (3,),
    ),
    "shift of softmax": (lambda x, y: jax.nn.softmax(x + y), lambda x, y: jax.nn.softmax(x), (4,), ()),
    "softmax of two": (
        lambda x: jax.nn.softmax(x)[0],
        lambda x: 1 / (1 + jnp.exp(x[1] - x[0])),
        (2,),
    ),
    "softmax sums to one": (lambda x: jax.nn.softmax(x).sum(), lambda x: jnp.ones(()), (4,)),
    "attention": (_attention, _by_hand, *QKV),
    "masked by minus infinity": (_causal(-np.inf), _causal_by_hand, *QKV),
    "masked by half the least float": (_causal(float(np.finfo(np.float32).min) / 2), _causal_by_hand, *QKV),
    "masked by the least float": (_causal(float(np.finfo(np.float64).min)), _causal_by_hand, *QKV),
    "attention is a step of descent": (_linear, _descended, *QKV),
    "free features": (_linear_of(FREE), _recurrent_of(FREE), *QKV),
    "free features made free twice": (_linear_of(FREE), _recurrent_of(free(phi)), *QKV),
    "free map at one point": (lambda x: FREE((x + 1) - 1), FREE, (3,)),
    "free map of a position": (
        lambda x: jax.vmap(POSITIONED)(x, jnp.arange(4))[::-1],
        lambda x: jax.vmap(POSITIONED)(x[::-1], jnp.arange(4)[::-1]),
        (4,),
    ),
    "free kernel": (
        lambda x, y: jax.vmap(lambda a: jax.vmap(lambda b: KERNEL(a, b))(y))(x),
        lambda x, y: jax.vmap(jax.vmap(KERNEL, (None, 0)), (0, None))(x, y),
        (3, 2),
        (4, 2),
    ),
    "function of a softmax": (
        lambda x, y: jnp.tanh(jax.nn.softmax(x + y)),
        lambda x, y: jnp.tanh(jnp.exp(x) / jnp.exp(x).sum()),
        (3,),
        (),
    ),
    "two layers": (
        lambda q, k, v: _attention(_attention(q, k, v), k, v),
        lambda q, k, v: _by_hand(_by_hand(q, k, v), k, v),
        *QKV,
    ),
    "maximum": (lambda x: jnp.max(x), lambda x: jnp.maximum(x[2], jnp.maximum(x[0], jnp.max(x[::-1]))), (3,)),
    "positive parts": (lambda x: jnp.maximum(jnp.maximum(x, 0), 0), lambda x: jnp.maximum(0.0, x), (3,)),
    "integers": (lambda x: jnp.arange(3) * 2, lambda x: jnp.arange(3) + jnp.arange(3), (3,)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_passes(name):
    found = verdict(*IDENTITIES[name])
    assert isinstance(found, Agreement)
    assert found.false_accept <= FALSE_ACCEPT
    assert len(found.fields) >= FEWEST_FIELDS


FAULT = 1 + 2.0**-40

NO_IDENTITIES = {
    "a relative fault in a literal": (
        lambda x, y: (x + y) ** 2,
        lambda x, y: x * x + 2 * FAULT * x * y + y * y,
        (),
        (),
    ),
    "a relative fault in one entry": (lambda x: x, lambda x: x.at[3].set(FAULT * x[3]), (5,)),
    "a fault in an exponent": (lambda x: jnp.exp(2 * x), lambda x: jnp.exp(2 * FAULT * x), ()),
    "a fault within softmax": (jax.nn.softmax, lambda x: jax.nn.softmax(x * FAULT), (3,)),
    "a fault within a free map": (FREE, lambda x: FREE(x * FAULT), (3,)),
    "a missing term": (lambda x: x.sum(), lambda x: x[1:].sum(), (4,)),
    "a wrong sign": (lambda x, y: x - y, lambda x, y: y - x, (), ()),
    "a wrong power": (lambda x: x**4, lambda x: x**5, ()),
    "another entry": (lambda x: x[0], lambda x: x[1], (2,)),
    "another free map": (FREE, OTHER, (3,)),
    "another argument of a free map": (_linear_of(FREE), _linear_of(lambda x: FREE(x[::-1])), *QKV),
    "a kernel with its arguments exchanged": (KERNEL, lambda x, y: KERNEL(y, x), (2,), (2,)),
    "another integer argument": (
        lambda x: POSITIONED(x, jnp.arange(3)),
        lambda x: POSITIONED(x, jnp.arange(1, 4)),
        (3,),
    ),
    "a matrix in another shape": (
        lambda x: free(jnp.ravel)(x),
        lambda x: free(jnp.ravel)(x.reshape(3, 2)),
        (2, 3),
    ),
    "arguments of other lengths": (
        lambda x: free(_first)(x[:1], x[1:]),
        lambda x: free(_first)(x[:2], x[2:]),
        (3,),
    ),
    "an unscaled softmax": (_attention, lambda q, k, v: jnp.exp(q @ k.T) @ v, *QKV),
    "the mask one off": (
        _causal(-np.inf),
        lambda q, k, v: jax.nn.softmax(jnp.where(jnp.tril(jnp.ones((3, 3), bool), 1), q @ k.T, -jnp.inf)) @ v,
        *QKV,
    ),
    "exp is not its square": (lambda x: jnp.exp(x), lambda x: jnp.exp(x) ** 2, ()),
    "exponential of a product": (lambda x, y: jnp.exp(x * y), lambda x, y: jnp.exp(x) * jnp.exp(y), (), ()),
    "a step of descent with another rate": (_linear, lambda q, k, v: FAULT * _descended(q, k, v), *QKV),
    "maximum is not minimum": (lambda x: jnp.max(x), lambda x: jnp.min(x), (3,)),
    "one entry fewer": (lambda x: jnp.max(x), lambda x: jnp.max(x[1:]), (3,)),
    "integers": (lambda x: jnp.arange(3), lambda x: jnp.arange(3)[::-1], (3,)),
}
SYMBOLS = {"a fault in an exponent", "a fault within softmax", "a fault within a free map", "an unscaled softmax"}


def _first(x, y):
    return x[0]


@pytest.mark.parametrize("name", NO_IDENTITIES)
def test_a_fault_is_caught(name):
    for seed in range(3):
        found = verdict(*NO_IDENTITIES[name], seed=seed)
        assert isinstance(found, Disagreement)
        assert found.entries > 0
        if name in SYMBOLS:
            assert not found.certain


def test_what_is_certain():
    assert dataclasses.replace(_disagreement("a wrong sign"), modulus=0) == Disagreement(0, 1, certain=True)
    assert _disagreement("a relative fault in one entry").entries == 1


def _disagreement(name):
    found = verdict(*NO_IDENTITIES[name])
    assert isinstance(found, Disagreement)
    return found


REFUSED = {
    "equal": (lambda x: jnp.where(x == 0, x, 0), "order"),
    "positive": (lambda x: jnp.where(x > 0, x, 0), "order"),
    "gradient of relu": (jax.grad(lambda x: jax.nn.relu(x).sum()), "order"),
    "infinity": (lambda x: x + jnp.inf, "plus infinity"),
    "clipped to infinity": (lambda x: jnp.minimum(x, jnp.inf), "plus infinity"),
    "an infinite result": (lambda x: x + (-jnp.inf), "infinite"),
    "NaN": (lambda x: jnp.maximum(x, jnp.nan), "NaN"),
    "a row without a key": (lambda x: jax.nn.softmax(x + (-jnp.inf)), "minus infinity"),
    "a free function that returns integers": (lambda x: free(jnp.argsort)(x).astype(float), "integers"),
    "unknown": (lambda x: lax.nextafter(x, x), "nextafter"),
    "rounded to an integer": (lambda x: x.astype(int), "integers"),
    "a degree beyond any field": (lambda x: lax.fori_loop(0, 60, lambda k, y: y * y, x), "degree"),
    "a degree beyond floats": (lambda x: lax.fori_loop(0, 1100, lambda k, y: y * y, x), "degree"),
    "too many terms": (lambda x: (jnp.exp(x[:, None] * x[None, :]).sum()) ** 8, "terms"),
    "zero divided": (lambda x: 1 / (x - x), "zero"),
    "zero polynomial divided": (lambda x: x / ((x + 1) ** 2 - x * x - 2 * x - 1), "zero"),
    "zero sum of exponentials divided": (lambda x: 1 / (jnp.exp(x) ** 2 - jnp.exp(2 * x)), "zero"),
    "zero constant divided": (lambda x: x / (jnp.zeros_like(x)), "zero"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_field_cannot_say_is_refused(name):
    function, reason = REFUSED[name]
    found = verdict(function, function, (12,))
    assert isinstance(found, NotApplicable)
    assert reason in found.reason


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="cannot be compared"):
        verdict(lambda x: x.reshape(2, 3), lambda x: x.reshape(3, 2), (6,))


def test_an_assumption_is_a_program():
    """Two vectors of which one is made orthogonal to the other."""

    def orthogonal(x, y):
        return x, y - x * (x @ y) / (x @ x)

    def square(x):
        return x @ x

    found = verdict(lambda x, y: square(x + y), lambda x, y: square(x) + square(y), (3,), (3,), given=orthogonal)
    assert isinstance(found, Agreement)
    assert isinstance(verdict(lambda x, y: square(x + y), lambda x, y: square(x) + square(y), (3,), (3,)), Disagreement)


def test_a_certificate_is_reproducible():
    one, again, other = (verdict(*IDENTITIES["attention"], seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert isinstance(one, Agreement)
    assert isinstance(other, Agreement)
    assert not set(one.fields) & set(other.fields)


# Primes and points.


def test_primes():
    found = list(itertools.islice(primes(5), 40))
    assert found == list(itertools.islice(primes(5), 40))
    assert len(set(found)) == 40
    assert all(fmpz(p).is_prime() and 2 ** (BITS - 1) < p < 2**BITS for p in found)
    assert not set(found) & set(itertools.islice(primes(6), 40))


def test_points_are_independent():
    field = PrimeField(PRIME, 0)
    first, second = field.random((50,), "a").array, field.random((50,), "b").array
    assert len({int(x) for x in (*first, *second)}) == 100
    assert [int(x) for x in field.random((50,), "a").array] == [int(x) for x in first]
    for other in (PrimeField(PRIME, 1), PrimeField(2**31 - 1, 0)):
        assert not {int(x) for x in other.random((50,), "a").array} & {int(x) for x in first}


def test_points_cover_a_small_field():
    field = PrimeField(7, 0)
    counts = np.bincount([int(x) for x in field.random((7000,), "a").array], minlength=7)
    # chi squared of six degrees of freedom: its mean is 6 and its variance 12, and seven deviations are allowed
    assert ((counts - 1000) ** 2 / 1000).sum() <= 6 + 7 * math.sqrt(12)


def test_a_zero_divisor_is_drawn_again(monkeypatch):
    """Modulo 3 a third of all points has no value; every certificate is for points that have one."""
    tries = []

    class Counted(PrimeField):
        def __init__(self, modulus, seed):
            tries.append(seed)
            super().__init__(modulus, seed)

    monkeypatch.setattr(random_fields, "PrimeField", Counted)
    program = trace(lambda x: x / x, struct())
    one = trace(lambda x: jnp.ones(()), struct())
    for seed in range(40):
        entries, _ = random_fields._compare(program, one, Prepared([struct()]), 3, seed)
        assert entries == 0
    assert 40 < len(tries) < 120
    assert len(set(tries)) == len(tries)


# The odds of a wrong identity, counted at all points of a small field.


def _pole(x):
    return 1 / (x * x - 3)


def _solved(x):
    rows = jnp.stack([jnp.stack([x, x * x]), jnp.stack([x + 3, 2 * x])])
    return jnp.linalg.solve(rows, jnp.stack([x, x - 1]))[0]


WRONG = {
    "linear": (lambda x: 3 * x, lambda x: x + 4),
    "power": (lambda x: x**7, lambda x: x**3 + x),
    "split": (lambda x: (x - 1) * (x - 2) * (x - 3) * (x - 4), lambda x: jnp.zeros(())),
    "fraction": (lambda x: 1 / (x - 1) + x, lambda x: x * x / (x + 1)),
    "poles": (lambda x: _pole(x) + _pole(x + 1), lambda x: _pole(x - 1) * x),
    "negative power": (lambda x: x**-3, lambda x: x * x),
    "power of an integer array": (lambda x: lax.pow(x, jnp.asarray(-2)), lambda x: x),
    "exponents": (lambda x: jnp.exp(x * x), lambda x: jnp.exp(3 * x - 2)),
    "sum of exponentials": (lambda x: jnp.exp(x * x) + jnp.exp(x), lambda x: jnp.exp(x**3) + jnp.exp(2 * x)),
    "coefficients": (lambda x: x * x * jnp.exp(x), lambda x: (5 * x - 6) * jnp.exp(x)),
    "softmax": (lambda x: jnp.exp(x) / (jnp.exp(x) + jnp.exp(x**2)), lambda x: 1 / (1 + jnp.exp(2 * x - 3))),
    "exponential of a fraction": (lambda x: jnp.exp(1 / x), lambda x: jnp.exp(x)),
    "divisors of exponentials": (lambda x: 1 / (jnp.exp(x * x) - jnp.exp(x)), lambda x: 1 / (jnp.exp(x) - 1)),
    "logarithm of a sum": (
        lambda x: jnp.log(jnp.exp(x * x) + 2 * jnp.exp(x)),
        lambda x: jnp.log(1 + 2 * jnp.exp(2 * x)) + x**3,
    ),
    "logarithm of a quotient": (
        lambda x: jnp.log(jnp.exp(x * x) / (1 + x * jnp.exp(x))),
        lambda x: x - jnp.log(1 + jnp.exp(x)),
    ),
    "logarithm of a fraction's exponential": (lambda x: jnp.log(jnp.exp(1 / x) + 1), lambda x: jnp.log(jnp.exp(x) + 1)),
    "solution": (lambda x: _solved(x), lambda x: _solved(2 * x + 1)),
    "symbols": (lambda x: jnp.tanh(x * x), lambda x: jnp.tanh(3 * x - 2)),
    "symbol of a fraction": (lambda x: jnp.tanh(1 / x), lambda x: jnp.tanh(x)),
    "maximum": (lambda x: jnp.maximum(x * x, x), lambda x: x),
    "maximum of a maximum": (
        lambda x: jnp.maximum(jnp.maximum(x * x, x), x**3),
        lambda x: jnp.maximum(x * x, x**3),
    ),
    "symbol of exponentials": (
        lambda x: jnp.tanh(jnp.exp(x) + jnp.exp(x * x)),
        lambda x: jnp.tanh(jnp.exp(2 * x) + jnp.exp(3 * x - 2)),
    ),
    "symbol of fractions of exponentials": (
        lambda x: jnp.tanh(1 / (jnp.exp(x) + 1) + 1 / (jnp.exp(x * x) + 2)),
        lambda x: jnp.tanh(1 / (jnp.exp(x) + 1) + 1 / (jnp.exp(3 * x) + 2)),
    ),
    "exponential of an exponential": (lambda x: jnp.exp(jnp.exp(x)), lambda x: jnp.exp(jnp.exp(x * x))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_identity_agrees_no_oftener_than_stated(name):
    modulus = 499
    left, right = (trace(side, struct()) for side in WRONG[name])
    agreed, valued, labels = 0, 0, 0
    field = PrimeField(modulus, 0)
    for point in range(modulus):
        field = PrimeField(modulus, point)
        x = Numbers(nmod(point, modulus))
        try:
            (a,), (b,) = walk(left, field, [x]), walk(right, field, [x])
        except ZeroDivisionError:
            continue
        valued, labels = valued + 1, max(labels, field.labels)
        agreed += not field.differ(a.array[()], b.array[()])
    odds = random_fields.Odds.of(left, right, Prepared([struct()]), field)
    odds = dataclasses.replace(odds, labels=labels)
    assert modulus - valued <= odds.system.excluded
    stated = (odds.degree + odds.collisions) / (modulus - odds.system.excluded)
    assert agreed / valued <= stated < 1


def test_the_odds_of_a_split_polynomial_are_tight():
    """All zeros lie in the field: as many points agree as the degree says."""
    left, right = (trace(side, struct()) for side in WRONG["split"])
    field = PrimeField(499, 0)
    assert random_fields.Odds.of(left, right, Prepared([struct()]), field).degree == 4
    zeros = [x for x in range(499) if _at(left, PrimeField(499, 0), x) == 0]
    assert zeros == [1, 2, 3, 4]


def test_what_may_collide_is_counted():
    """A maximum is told from other numbers, and so are both that it is of; exponents of products are told too."""
    system = Degrees()
    walk(trace(lambda x: jnp.maximum(x[0], x[1]), struct(2)), system, [system.variables((2,))])
    assert (system.keys, system.argument) == (3, 1)

    def product(x):
        return jnp.exp(x).sum() * jnp.exp(x * x).sum()

    left = trace(product, struct(9))
    odds = random_fields.Odds.of(left, left, Prepared([struct(9)]), PrimeField(PRIME, 0))
    assert odds.terms >= 2 * 81
    assert odds.collisions >= 2 * odds.exponent * odds.terms + odds.system.keys**2 * odds.system.argument
    assert dataclasses.replace(odds, labels=10).collisions == odds.collisions + 100 * odds.system.exponent

    def symbols(x):
        return jnp.tanh(product(x))

    field = PrimeField(PRIME, 0)
    walk(trace(symbols, struct(9)), field, [field.random((9,), "x")])
    assert field.labels == 81


def _at(program, field, *point):
    inputs = [Numbers(nmod(x, field.modulus)) for x in point]
    return walk(program, field, inputs)[0].array[()]


def test_more_symbols_or_digits_make_the_odds_worse():
    def odds(terms):
        function = trace(lambda x: jnp.tanh(x).sum(), struct(terms))
        found = agree_exactly(function, function, Prepared([struct(terms)]), seed=0, target=1.0)
        assert isinstance(found, Agreement)
        assert len(found.fields) == FEWEST_FIELDS
        return found.false_accept

    assert odds(2) < odds(20) < odds(200)


# Degrees against what polynomials and fractions really have.

literals = st.sampled_from([0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.75, 10.0])
trees = st.recursive(
    st.one_of(st.sampled_from(["x", "y"]), literals),
    lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner),
    max_leaves=8,
)
polynomial_trees = st.recursive(
    st.one_of(st.sampled_from(["x", "y"]), literals),
    lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner),
    max_leaves=10,
)
OPERATIONS = {"+": jnp.add, "-": jnp.subtract, "*": jnp.multiply, "/": jnp.divide}


def program_of(tree: Any) -> Any:
    """An expression tree as a JAX function of two numbers; nothing is folded before it is traced."""

    def value(node, x, y):
        if isinstance(node, tuple):
            return OPERATIONS[node[0]](value(node[1], x, y), value(node[2], x, y))
        return {"x": x, "y": y}.get(node, node if isinstance(node, str) else jnp.asarray(node))

    return trace(lambda x, y: value(tree, x, y), struct(), struct())


def size_of(program) -> Size:
    system = Degrees()
    (result,) = walk(program, system, [system.variables(()), system.variables(())])
    return result.array[()]


def line(t: int) -> tuple[int, int]:
    """A line through the plane, on which a polynomial keeps its degree unless it is a special one."""
    return (5 * t + 3) % PRIME, (11 * t - 8) % PRIME


@given(trees)
def test_a_fraction_has_no_more_degrees_than_stated(tree):
    """With f = N/D, N - f D vanishes at all points: its coefficients solve a system of less than full rank."""
    program = program_of(tree)
    try:
        size = size_of(program)
        top, below = int(size.degree), int(size.below)
        assume(top + below <= 24)
        field = PrimeField(PRIME, 0)
        columns = top + below + 2
        points = range(1, columns + 3)
        values = [_at(program, field, *line(t)) for t in points]
    except ZeroDivisionError:
        assume(False)
        return
    rows = [
        [int(nmod(t, PRIME) ** k) for k in range(top + 1)] + [int(-f * nmod(t, PRIME) ** k) for k in range(below + 1)]
        for t, f in zip(points, values, strict=True)
    ]
    assert nmod_mat(len(rows), columns, [c for row in rows for c in row], PRIME).rank() < columns


@given(polynomial_trees)
def test_differences_of_one_order_more_vanish(tree):
    program = program_of(tree)
    size = size_of(program)
    assert size.below == 0
    field = PrimeField(PRIME, 0)
    values = [_at(program, field, *line(t)) for t in range(int(size.degree) + 2)]
    while len(values) > 1:
        values = [b - a for a, b in itertools.pairwise(values)]
    assert values[0] == 0


@given(polynomial_trees)
def test_coefficients_have_no_more_digits_than_stated(tree):
    """At points of 1 and -1 a polynomial is at most the sum of its coefficients' magnitudes."""
    program = program_of(tree)
    size, system = size_of(program), Rationals()
    for x, y in itertools.product((1, -1), repeat=2):
        inputs = [system.lift(np.array(v), np.dtype(float)) for v in (x, y)]
        number = walk(program, system, inputs)[0].array[()]
        if size.bits == -math.inf:
            assert number == 0
        else:
            # log2 is rounded
            assert abs(Fraction(int(number.p), int(number.q))) <= Fraction(2) ** math.ceil(size.bits - size.shift)


exponential_trees = st.recursive(
    st.sampled_from(["x", "y", "2x", "x+y", 1.0, 2.0]),
    lambda inner: st.tuples(st.sampled_from("+*/"), inner, inner),
    max_leaves=5,
)
EXPONENTS = {"x": lambda x, y: x, "y": lambda x, y: y, "2x": lambda x, y: 2 * x, "x+y": lambda x, y: x + y}


@given(exponential_trees)
def test_sums_of_exponentials_have_no_more_terms_than_stated(tree):
    def value(node, x, y):
        if isinstance(node, tuple):
            return OPERATIONS[node[0]](value(node[1], x, y), value(node[2], x, y))
        return jnp.exp(EXPONENTS[node](x, y)) if isinstance(node, str) else jnp.asarray(node)

    program = trace(lambda x, y: value(tree, x, y), struct(), struct())
    size = size_of(program)
    number = _at(program, PrimeField(PRIME, 0), 12345, 6789)
    if isinstance(number, Exponentials):
        assert size.exponent >= 1
        assert len(number.parts) <= size.parts
        assert all(len(terms) <= size.terms for terms in number.parts.values())


def test_a_sum_of_fractions_of_exponentials_has_the_degree_of_all():
    """As an argument it is a fraction in one symbol for each exponential, over the product of all denominators."""

    def heads(count):
        def function(x):
            return sum(1 / (jnp.exp(k * x) + 1) for k in range(1, count + 1))

        return size_of(trace(lambda x, y: jnp.asarray(function(x)), struct(), struct()))

    for count in (1, 2, 3, 4):
        assert heads(count).parts >= count
        assert heads(count).reach >= count


def test_a_constant_exponent_is_a_symbol_too():
    size = size_of(trace(lambda x, y: jnp.exp(jnp.asarray(1.0)), struct(), struct()))
    assert size.exponent >= 1
    assert size.reach >= 1


def test_as_many_primes_as_the_theorem_says():
    """More than 3 x / (5 ln x) lie between x and 2 x (Rosser and Schoenfeld 1962); here x = 2^60."""
    assert BITS == 61
    wanted = 3 * 2.0**60 / (5 * math.log(2.0**60))
    assert abs(_PRIMES_TO_DRAW - wanted) <= 4 * math.ulp(wanted)
