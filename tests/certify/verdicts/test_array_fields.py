"""Programs on large arrays: what holds, what does not by one part in 2^40, and what the probability is made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.attention import softmax_attention, streaming_softmax_attention
from lrgd_jax.certify import trace
from lrgd_jax.certify.fields.towers import base_bits
from lrgd_jax.certify.tracing.free_functions import free
from lrgd_jax.certify.verdicts import array_fields
from lrgd_jax.certify.verdicts.array_fields import LARGE, NORM, ArrayOdds, agree_on_arrays
from lrgd_jax.certify.verdicts.case_by_case import decide_exactly
from lrgd_jax.certify.verdicts.random_fields import (
    FALSE_ACCEPT,
    Agreement,
    Disagreement,
    NotApplicable,
    Prepared,
    agree_exactly,
)

PLANTED = 1 + 2.0**-40
ONE = {"q": (5, 4), "k": (7, 4), "v": (7, 4)}
SQUARE = {"q": (5, 4), "k": (5, 4), "v": (5, 4)}


def of_shapes(f, g, shapes, decide=agree_on_arrays):
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"):
        structs = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes.values()]
        return decide(*(trace(x, *structs) for x in (f, g)), Prepared(structs), seed=0)


def naive(q, k, v, error=1.0):
    weights = jnp.exp(q @ k.T * (error * q.shape[1] ** -0.5))
    return weights @ v / weights.sum(axis=1, keepdims=True)


def causal_naive(q, k, v, error=1.0):
    seen = jnp.tri(len(q), dtype=bool)
    weights = jnp.where(seen, jnp.exp(q @ k.T * (error * q.shape[1] ** -0.5)), 0.0)
    return weights @ v / weights.sum(axis=1, keepdims=True)


def causal(q, k, v):
    return softmax_attention(q, k, v, mask=jnp.tri(len(q), dtype=bool))


def streaming(q, k, v):
    return streaming_softmax_attention(q, k, v, block=2)


def ring_merged(q, k, v):
    parts = []
    for keys, values in ((k[:3], v[:3]), (k[3:], v[3:])):
        logits = q @ keys.T * q.shape[1] ** -0.5
        largest = logits.max(axis=1, keepdims=True)
        weights = jnp.exp(logits - largest)
        parts.append((largest, weights @ values, weights.sum(axis=1, keepdims=True)))
    whole = jnp.maximum(parts[0][0], parts[1][0])
    above, below = (sum(jnp.exp(part[0] - whole) * part[k] for part in parts) for k in (1, 2))
    return above / below


def mean_of_values(q, k, v):
    return jnp.sum(naive(q, k, v) * v)


def layers(one, depth):
    def run(q, k, v, error=1.0):
        for _ in range(depth):
            q = one(q, k, v)
        return q * error

    return run


def block(q, k, v, *, shift):
    """Attention, a norm and a gated layer."""
    logits = q @ k.T
    logits = logits - jnp.max(logits, axis=1, keepdims=True) if shift else logits
    weights = jnp.exp(logits)
    x = q + weights @ v / weights.sum(axis=1, keepdims=True)
    x = x / jnp.sqrt(jnp.mean(x * x, axis=1, keepdims=True) + 1e-5)
    return x + (jax.nn.silu(x) if shift else x / (1 + jnp.exp(-x)))


TRUE = {
    "softmax, shifted": (naive, softmax_attention, ONE, 1),
    "softmax, causal": (causal_naive, causal, SQUARE, 1),
    "softmax, streaming": (naive, streaming, ONE, 1),
    "softmax, merged from a ring": (naive, ring_merged, ONE, 1),
    "softmax, gradients": (
        jax.grad(mean_of_values),
        jax.grad(lambda *x: jnp.sum(softmax_attention(*x) * x[2])),
        SQUARE,
        1,
    ),
    "three layers of softmax": (layers(naive, 3), layers(softmax_attention, 3), SQUARE, 3),
    "a block of a decoder": (
        lambda *x: block(*x, shift=True),
        lambda *x: block(*x, shift=False),
        SQUARE,
        2,
    ),
    "a polynomial": (lambda q, k, v: q @ (k.T @ v), lambda q, k, v: (q @ k.T) @ v, ONE, 0),
    "free features": (
        lambda q, k, v: jax.vmap(FEATURES)(q) @ (jax.vmap(FEATURES)(k).T @ v),
        lambda q, k, v: (jax.vmap(FEATURES)(q) @ jax.vmap(FEATURES)(k).T) @ v,
        ONE,
        0,
    ),
    "ridge": (
        lambda q, k, v: q @ jnp.linalg.solve(k.T @ k + jnp.eye(4), k.T @ v),
        lambda q, k, v: q @ (k.T @ jnp.linalg.solve(k @ k.T + jnp.eye(7), v)),
        ONE,
        0,
    ),
}
FEATURES = free(jnp.tanh)


@pytest.mark.parametrize("name", TRUE)
def test_agrees(name):
    left, right, shapes, depth = TRUE[name]
    found = of_shapes(left, right, shapes)
    assert isinstance(found, Agreement), found
    assert found.false_accept <= FALSE_ACCEPT
    assert found.depth == depth
    assert (found.assumes is None) == (depth == 0)
    assert len(found.fields) >= 2


@pytest.mark.parametrize("name", TRUE)
def test_an_error_of_one_part_in_2_to_the_40_is_refuted(name):
    left, right, shapes, _ = TRUE[name]
    found = of_shapes(lambda q, k, v: left(q, k * PLANTED, v), right, shapes)
    if name not in ("ridge", "free features"):
        assert isinstance(found, Disagreement), found
    found = of_shapes(lambda *x: jax.tree.map(lambda y: y * PLANTED, left(*x)), right, shapes)
    assert isinstance(found, Disagreement), found
    assert found.certain == (name in ("a polynomial", "ridge"))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_an_error_at_every_depth_is_refuted(depth):
    """Planted in the logits of one layer of several."""

    def wrong(at):
        def run(q, k, v):
            for layer in range(depth):
                q = naive(q, k, v, PLANTED if layer == at else 1.0)
            return q

        return run

    for at in range(depth):
        assert isinstance(of_shapes(wrong(at), layers(softmax_attention, depth), SQUARE), Disagreement)


WRONG = {
    "no shift of the values": (naive, lambda q, k, v: softmax_attention(q, k, v) + 2.0**-40),
    "an unmasked key": (causal_naive, lambda q, k, v: softmax_attention(q, k, v)),
    "not rescaled": (naive, lambda q, k, v: naive(q, k, v) * jnp.exp(q[0, 0] - q[1, 0])),
    "another scale": (naive, lambda q, k, v: naive(q, k, v, 2.0)),
    "a maximum of fewer": (lambda q, k, v: jnp.max(q @ k.T, axis=1), lambda q, k, v: jnp.max((q @ k.T)[:, 1:], axis=1)),
    "a square in the exponent": (lambda q, k, v: jnp.exp(q * q), lambda q, k, v: jnp.exp(q) ** 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_differs(name):
    left, right = WRONG[name]
    assert isinstance(of_shapes(left, right, SQUARE), Disagreement)


NOTHING_SAID = {
    "a comparison": (lambda x: jnp.where(x > 0, x, 0.0), lambda x: jnp.maximum(x, 0.0), "no order"),
    "too deep": (lambda x: jnp.exp(jnp.exp(jnp.exp(jnp.exp(x)))), lambda x: x, "more than 3 deep"),
    "a pole everywhere": (lambda x: 1 / (x - x), lambda x: x, "zero at every point"),
    "a result that is infinite": (lambda x: x.at[0].set(jnp.inf), lambda x: x.at[0].set(jnp.inf), "infinite or NaN"),
    "a degree of the size of the primes": (lambda x: x ** (1 << 62), lambda x: x, "prove little"),
}


@pytest.mark.parametrize("name", NOTHING_SAID)
def test_says_nothing(name):
    left, right, reason = NOTHING_SAID[name]
    found = of_shapes(left, right, {"x": (3,)})
    assert isinstance(found, NotApplicable), found
    assert reason in found.reason


@pytest.mark.parametrize(
    ("left", "right", "settled"),
    [
        (lambda x: jnp.log(x * x), lambda x: 2 * jnp.log(x), False),
        (lambda x: jnp.maximum(x, 0.0), lambda x: (x + jnp.abs(x)) / 2, False),
        (lambda x: jnp.sqrt(x * x), lambda x: x, True),
    ],
    ids=["logarithms", "few maxima", "roots"],
)
def test_other_layers_may_know_laws_of_symbols(left, right, settled):
    found = of_shapes(left, right, {"x": (3,)})
    assert isinstance(found, Disagreement)
    assert found.settled == settled
    assert not found.certain


def test_large_programs_are_evaluated_on_arrays():
    shapes = {"q": (64, 16), "k": (64, 16), "v": (64, 16)}
    found = of_shapes(naive, softmax_attention, shapes, agree_exactly)
    assert isinstance(found, Agreement)
    assert found.depth == 1
    wrong = of_shapes(lambda q, k, v: naive(q, k, v, PLANTED), softmax_attention, shapes, decide_exactly)
    assert isinstance(wrong, Disagreement)
    assert wrong.settled
    small = of_shapes(naive, softmax_attention, ONE, agree_exactly)
    assert isinstance(small, Agreement)
    assert small.depth == 0


def test_many_exponentials_of_a_small_program_are_evaluated_in_towers():
    """Too many terms to expand, and too many exponents to tell which are independent."""
    shapes = {"x": (700,)}
    found = of_shapes(
        lambda x: jnp.sum(jnp.exp(x)) ** 2 / jnp.sum(jnp.exp(x[::-1])),
        lambda x: jnp.sum(jnp.exp(x - jnp.max(x))) * jnp.exp(jnp.max(x)),
        shapes,
        decide_exactly,
    )
    assert isinstance(found, Agreement)
    assert found.depth == 1


def odds_of(f, g, *shapes):
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"):
        structs = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes]
        return ArrayOdds.of(trace(f, *structs), trace(g, *structs), Prepared(structs))


DEGREES = {
    # the numerator of the difference has at least that degree, for some weights of the sides
    "a product": (lambda x: x * x * x, 3),
    "a contraction": (lambda x: x @ x, 2),
    "a sum of fractions": (lambda x: jnp.sum(1 / x), 3),
    "a fraction twice": (lambda x: 1 / x / x, 2),
    "a negative power": (lambda x: jnp.sum(x**-3), 9),
    "a partial product": (jnp.cumprod, 4),
    "a constant divisor": (lambda x: x / 3, 1),
    "an inverse": (lambda x: jnp.linalg.inv(x.reshape(2, 2)), 2),
    "a broadcast divisor": (lambda x: (x / x.sum()).sum(), 1),
    "a loop of divisions": (lambda x: jax.lax.scan(lambda s, r: (s / r, s), 1.0, x)[0], 4),
}


@pytest.mark.parametrize("name", DEGREES)
def test_degrees_are_no_smaller_than_they_are(name):
    function, least = DEGREES[name]
    assert odds_of(function, function, (4,)).difference.degree >= least


def test_zeros_are_no_more_than_the_degree():
    """Counted in a field so small that every point is tried."""
    p, function = 499, lambda x: (x**3 - 5 * x + 1) / (x * x + 1) + 2 / x
    degree = odds_of(function, lambda x: 0 * x, ()).difference.degree
    zeros = sum((pow(x, 3) - 5 * x + 1) * x % p == -2 * (x * x + 1) % p for x in range(1, p))
    assert zeros <= degree < 12


def test_what_the_probability_is_made_of():
    plain, powers = (odds_of(f, f, (4,)) for f in (lambda x: x * x, lambda x: jnp.exp(x) ** 2))
    of_field, of_tower = 2.0 ** (base_bits(0) - 1), 2.0 ** (base_bits(1) - 1)
    assert round((plain.zero(3e9, 1) - plain.zero(1e9, 1)) * of_field / 1e9) == 2
    # exponents are combinations of others, so exponentials are products of others
    assert round((powers.zero(3e6, 1) - powers.zero(1e6, 1)) * of_tower / 1e6) == 2 * 2 * NORM
    assert plain.zero(3, 1e9) > plain.zero(3, 1)
    assert plain.zero(np.inf, 1) == powers.zero(1e20, 1) == 1.0
    assert plain.false_accept(3) == plain.false_accept(1) ** 3


def test_more_keys_need_more_towers():
    few, many = (odds_of(jnp.sqrt, jnp.sqrt, (n,)) for n in (4, 4096))
    assert many.false_accept(2) > few.false_accept(2)
    assert many.towers(FALSE_ACCEPT) >= few.towers(FALSE_ACCEPT)


def test_a_divisor_leaves_fewer_points():
    plain, divided = (odds_of(f, f, (64,)) for f in (lambda x: x, lambda x: x / (1 + x)))
    assert divided.system.excluded >= 64
    assert plain.system.excluded == 0


def test_points_are_drawn_anew_where_a_divisor_is_zero(monkeypatch):
    seeds = []
    draw = array_fields.TowerField.random

    def first_zero(field, shape, name):
        seeds.append(field.seed)
        point = draw(field, shape, name)
        return point * field.fraction(0, 1) if field.seed % 8 == 0 else point

    monkeypatch.setattr(array_fields.TowerField, "random", first_zero)
    assert isinstance(of_shapes(lambda x: x / x, lambda x: x - x + 1, {"x": (3,)}), Agreement)
    assert seeds == [0, 1]


def test_a_large_program_is_one_that_computes_many_numbers():
    # the largest of the claims' own shapes stay with the layers that assume nothing
    assert LARGE == 60_000
