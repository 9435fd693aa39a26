"""Nested exponentials certified at many points: what holds, what does not, and how the probability is bounded."""

import jax
import jax.numpy as jnp
import pytest

from lrgd_jax.certify import trace
from lrgd_jax.certify.fields.sampled_degrees import SampledDegrees
from lrgd_jax.certify.verdicts import sampled_fields
from lrgd_jax.certify.verdicts.random_fields import FALSE_ACCEPT, Agreement, Disagreement, NotApplicable, Prepared
from lrgd_jax.certify.verdicts.sampled_fields import NestedOdds, agree_at_points

QUERY = {"q": (3,), "k": (4, 3), "v": (4, 3)}


def naive(q, k, v):
    weights = jnp.exp(k @ q)
    return weights @ v / weights.sum()


def shifted(q, k, v):
    logits = k @ q
    weights = jnp.exp(logits - logits.max())
    return weights @ v / weights.sum()


def by_logsumexp(q, k, v):
    logits = k @ q
    return jnp.exp(logits - jax.nn.logsumexp(logits)) @ v


def rotated(x, position):
    """A pair of RoPE, by an angle whose multiples are exact: Su et al. 2021, eq. 13."""
    cosine, sine = (wave(jnp.asarray(position / 8) * x.dtype.type(1)) for wave in (jnp.cos, jnp.sin))
    return jnp.array([x[0] * cosine - x[1] * sine, x[0] * sine + x[1] * cosine])


def layers(one, depth):
    def run(q, k, v):
        for _ in range(depth):
            q = one(q, k, v)
        return q

    return run


def backward(q, k, v):
    """The gradient of the squared output, as FlashAttention writes it: Dao et al. 2022, algorithm 4."""
    logits = k @ q
    p = jnp.exp(logits - jax.nn.logsumexp(logits))
    cotangent = 2 * (p @ v)
    change = v @ cotangent
    return (p * (change - change @ p)) @ k


def of_shapes(f, g, shapes, seed=0):
    with jax.enable_x64(True):
        arguments = {name: jax.ShapeDtypeStruct(shape, jnp.float64) for name, shape in shapes.items()}
        left, right = (trace(function, *arguments.values()) for function in (f, g))
        return agree_at_points(left, right, Prepared(list(arguments.values())), seed=seed)


TRUE = {
    "four layers": (layers(naive, 4), layers(shifted, 4), QUERY),
    "logsumexp in layers": (layers(naive, 2), layers(by_logsumexp, 2), QUERY),
    "backward pass": (jax.grad(lambda q, k, v: (naive(q, k, v) ** 2).sum()), backward, QUERY),
    "tanh": (jnp.tanh, lambda x: 2 * jax.nn.sigmoid(2 * x) - 1, {"x": (3,)}),
    "gelu": (jax.nn.gelu, lambda x: x * jax.nn.sigmoid(2 * (2 / jnp.pi) ** 0.5 * (x + 0.044715 * x**3)), {"x": (3,)}),
    "derivative of silu": (
        jax.vmap(jax.grad(jax.nn.silu)),
        lambda x: jax.nn.sigmoid(x) * (1 + x * (1 - jax.nn.sigmoid(x))),
        {"x": (3,)},
    ),
    "exp of exp": (lambda x: jnp.exp(jnp.exp(x) + x), lambda x: jnp.exp(jnp.exp(x)) * jnp.exp(x), {"x": (2,)}),
    "powers of two": (lambda x: jnp.exp2(x) ** 2, lambda x: jnp.exp2(2 * x), {"x": (2,)}),
    "roots of norms": (
        lambda x: x * jax.lax.rsqrt((x * x).sum()),
        lambda x: x / jnp.sqrt((x * x).sum()),
        {"x": (3,)},
    ),
    "rotary positions": (
        lambda q, k: rotated(q, 7) @ rotated(k, 4),
        lambda q, k: q @ rotated(k, -3),
        {"q": (2,), "k": (2,)},
    ),
    "softmax of rotated keys": (
        lambda q, k, v: naive(rotated(q, 5), jnp.stack([rotated(x, t) for t, x in enumerate(k)]), v),
        lambda q, k, v: shifted(q, jnp.stack([rotated(x, t - 5) for t, x in enumerate(k)]), v),
        {"q": (2,), "k": (3, 2), "v": (3, 2)},
    ),
    "magnitude of a sum": (
        lambda x: jnp.log(jnp.abs(jnp.exp(x).sum())),
        lambda x: jnp.log(jnp.exp(x).sum()),
        {"x": (3,)},
    ),
}

FALSE = {
    "one position further": (
        lambda q, k: rotated(q, 7) @ rotated(k, 4),
        lambda q, k: q @ rotated(k, -4),
        {"q": (2,), "k": (2,)},
    ),
    "logits a little larger": (layers(naive, 3), layers(lambda q, k, v: naive(q * (1 + 2.0**-40), k, v), 3), QUERY),
    "another number of layers": (layers(naive, 2), layers(naive, 3), QUERY),
    "no subtraction": (
        jax.grad(lambda q, k, v: (naive(q, k, v) ** 2).sum()),
        lambda q, k, v: backward(q, k, v) * (1 + 2.0**-40),
        QUERY,
    ),
    "the magnitude under a logarithm": (lambda x: jnp.exp(jnp.log(jnp.abs(x))), lambda x: x, {"x": (2,)}),
    "exp of a product": (lambda x: jnp.exp(jnp.tanh(x) * x), lambda x: jnp.exp(jnp.tanh(x)) * jnp.exp(x), {"x": (2,)}),
    "tanh of twice": (lambda x: jnp.tanh(2 * x), lambda x: 2 * jnp.tanh(x), {"x": (2,)}),
    "log of a product": (
        lambda x: jnp.log(jnp.exp(x).sum() ** 2),
        lambda x: jnp.log(jnp.exp(x).sum()) + jnp.log(jnp.exp(2 * x).sum()),
        {"x": (2,)},
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_holds_is_certified(name):
    agreement = of_shapes(*TRUE[name])
    assert isinstance(agreement, Agreement), agreement
    assert agreement.false_accept <= FALSE_ACCEPT


@pytest.mark.parametrize("name", FALSE)
def test_what_does_not_hold_is_not(name):
    for seed in range(3):
        assert isinstance(of_shapes(*FALSE[name], seed=seed), Disagreement)


def test_a_comparison_of_arguments_is_left_to_others():
    verdict = of_shapes(lambda x: jnp.exp(jnp.where(x > 0, x, 0)), lambda x: jnp.exp(x), {"x": (2,)})
    assert isinstance(verdict, NotApplicable)
    assert "compares numbers" in verdict.reason


def test_too_many_exponents_are_refused(monkeypatch):
    monkeypatch.setattr(sampled_fields, "FEWEST_POINTS", 8)
    monkeypatch.setattr(sampled_fields, "MOST_POINTS", 18)
    verdict = of_shapes(naive, shifted, QUERY)
    assert isinstance(verdict, NotApplicable)
    assert "independent" in verdict.reason


def test_more_work_than_it_is_worth_is_refused(monkeypatch):
    monkeypatch.setattr(sampled_fields, "MOST_NUMBERS", 10)
    verdict = of_shapes(naive, shifted, QUERY)
    assert isinstance(verdict, NotApplicable)
    assert "more than 10 numbers" in verdict.reason


def _odds(**changes):
    system = SampledDegrees([])
    system.keys, system.argument, system.digits = 50, 4.0, 60.0
    system.logarithms, system.logarithm_digits = 3.0, 20.0
    fields = {
        "degree": 10.0,
        "digits": 100.0,
        "calls": 9,
        "exponents": 20,
        "members": 15,
        "rounds": 0,
        "norm": 2.0,
        "points": 32,
    }
    return NestedOdds(**{**fields, **changes}, system=system)


def test_the_probability_grows_with_everything_that_may_go_wrong_and_falls_with_every_field():
    base = _odds().false_accept(6)
    worse = (
        {"degree": 1e7},
        {"digits": 1e6},
        {"exponents": 2000},
        {"members": 1500},
        {"rounds": 1},
        {"norm": 100.0},
        {"points": 2},
    )
    for change in worse:
        assert _odds(**change).false_accept(6) >= base
    assert _odds(rounds=1).exponential[0] > _odds().exponential[0]
    assert [_odds().false_accept(f) for f in (3, 5, 7)] == sorted(
        (_odds().false_accept(f) for f in (3, 5, 7)), reverse=True
    )
    assert _odds(degree=float("inf")).false_accept(24) == 1
    assert _odds().fields(FALSE_ACCEPT) < _odds().fields(FALSE_ACCEPT**2)
