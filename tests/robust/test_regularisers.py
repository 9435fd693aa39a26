"""Every regulariser: the regularised dual is the modified attention; degenerate switches; what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robust.example_problems import DUALS, D, N, linear_dual, softmax_dual, tokens
from support.equivalence import meet

from lrgd_jax.attention import softmax_attention
from lrgd_jax.dual import DualModel, alignment
from lrgd_jax.robust import (
    anchor,
    clip,
    contrast,
    drop,
    fraction,
    kernels_of,
    none,
    regularise,
    regularised_influences,
    ridge,
    weight_decay,
)

KEPT = jnp.asarray([1.0, 0.0, 1.0, 1.0, 0.0])
SWITCHES = {
    "none": none(),
    "step size": fraction(0.5),
    "weight decay": weight_decay(0.25),
    "anchor": anchor(0.25),
    "anchor, full batch": anchor(0.25, steps=3),
    "early stopping": ridge(0.5, rate=0.0625, steps=6),
    "clipping": clip(1.5),
    "dropout": drop(KEPT),
    "inverted dropout": drop(KEPT, rate=0.5),
    "negative samples": contrast(jnp.eye(N)[::-1] / 4),
    "negative samples, normaliser too": contrast(jnp.full((N, N), 0.125), normaliser=True),
}


@pytest.mark.parametrize("dual", DUALS)
@pytest.mark.parametrize("name", SWITCHES)
def test_the_regularised_dual_is_the_modified_attention(name, dual):
    def change(query, *data):
        return regularise(DUALS[dual](*data), query, SWITCHES[name])

    comparison = meet(lambda *x: change(*x).predicted, lambda *x: change(*x).measured, *tokens(0))
    assert comparison.holds, comparison


def trained(query, *data):
    return regularise(softmax_dual(*data), query, anchor(0.25, steps=4)).measured


def attended(query, keys, values, context_keys, context_values):
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])
    bias = jnp.concatenate([jnp.full((N,), jnp.log(sum(0.75**s for s in range(4)))), jnp.zeros(2)])
    return softmax_attention(query[None], *everything, bias=bias[None])[0]


@given(seed=st.integers(0, 2**32 - 1))
def test_an_anchor_is_a_bias_on_the_demonstrations_logits(seed):
    comparison = meet(trained, attended, *tokens(seed))
    assert comparison.holds, comparison


def test_nothing_is_regularised_by_switches_at_zero():
    query, *data = tokens(1)
    model = linear_dual(*data)
    plain = regularise(model, query, none()).measured
    for switch in (
        weight_decay(0.0),
        anchor(0.0),
        anchor(0.0, steps=1),
        drop(jnp.ones(N)),
        contrast(jnp.zeros((N, N))),
    ):
        comparison = meet(
            lambda q, *x, switch=switch: regularise(linear_dual(*x), q, switch).predicted,
            lambda q, *x: regularise(linear_dual(*x), q, none()).measured,
            query,
            *data,
        )
        assert comparison.holds, (switch.name, comparison)
    assert np.array_equal(regularise(model, query, clip(1e6)).predicted, regularise(model, query, none()).predicted)
    assert np.isfinite(plain).all()


def test_ridge_is_exact_where_the_system_is_diagonal():
    # every number is a power of two or a small multiple of one, so nothing is rounded
    keys, values = 2 * jnp.eye(N, D + 1), jnp.arange(2.0 * N).reshape(N, 2)
    start = jnp.ones((2, D + 1))
    model = DualModel(start, keys, values)
    query = jnp.arange(D + 1.0)
    change = regularise(model, query, ridge(4.0))
    by_hand = start @ query + (keys @ query / 8) @ (values - keys @ start.T)
    assert np.array_equal(change.predicted, by_hand)
    assert np.array_equal(change.measured, by_hand)


@pytest.mark.parametrize("dual", DUALS)
def test_early_stopping_tends_to_ridge_at_the_stated_rate(dual):
    query, *data = tokens(2)
    model = DUALS[dual](*data)
    kernels = kernels_of(model, query)
    strength = 4.0
    rate = float(1 / (np.linalg.norm(kernels.gram, 2) + strength))
    limit = regularise(model, query, ridge(strength)).measured
    if model.projective:
        limit = ridge(strength).modify(kernels)()
    size = np.linalg.norm(kernels.near) * np.linalg.norm(kernels.targets - kernels.start_at_keys) / strength
    for steps in (1, 4, 16):
        stopped = ridge(strength, rate=rate, steps=steps).modify(kernels)()
        assert np.linalg.norm(stopped - limit) <= (1 - rate * strength) ** steps * size


@given(seed=st.integers(0, 2**32 - 1))
def test_clipping_bounds_every_step(seed):
    query, *data = tokens(seed)
    kernels = kernels_of(linear_dual(*data), query)
    modified = clip(0.5).modify(kernels)
    factors = modified.weights / kernels.near
    steps = factors * np.linalg.norm(kernels.targets, axis=1) * np.sqrt(np.diagonal(kernels.gram))
    assert (factors <= 1 + np.finfo(float).eps).all()
    assert (steps <= 0.5 + 8 * np.finfo(float).eps).all()


def test_more_regularisation_means_less_influence():
    query, *data = tokens(3)
    model = linear_dual(*data)
    for switch, settings in ((weight_decay, (0.0, 0.25, 0.5)), (ridge, (0.25, 1.0, 4.0))):
        sizes = [np.linalg.norm(regularised_influences(model, query, switch(x))) for x in settings]
        assert sizes == sorted(sizes, reverse=True), switch


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: weight_decay(-0.1), r"weight_decay: the decay .* must lie in \[0, 1\), got -0.1"),
        (lambda: weight_decay(1.0), r"must lie in \[0, 1\), got 1.0"),
        (lambda: anchor(1.5), r"anchor: the decay .* got 1.5"),
        (lambda: anchor(0.5, steps=0), "anchor: at least one step is needed, got 0"),
        (lambda: ridge(-1.0), "ridge: the strength must be zero or more, and finite, got -1.0"),
        (lambda: ridge(0.0), "the minimiser needs a positive strength"),
        (lambda: ridge(1.0, steps=3), "a rate and steps, both or none; got rate=None, steps=3"),
        (lambda: ridge(1.0, rate=-0.5, steps=3), "the rate of the steps must be positive, got -0.5"),
        (lambda: ridge(1.0, rate=0.5, steps=0), "ridge: at least one step is needed, got 0"),
        (lambda: fraction(0.0), "fraction: the size of the step must be positive and finite, got 0.0"),
        (lambda: clip(-1.0), "clip: the threshold must be positive and finite, got -1.0"),
        (lambda: drop(jnp.ones(N), rate=1.0), r"drop: the rate must lie in \[0, 1\)"),
        (lambda: drop(jnp.ones(N), rate=-0.5), "got -0.5"),
    ],
)
def test_bad_input_is_named(refused, message):
    with pytest.raises(ValueError, match=message):
        refused()


def test_another_objective_is_refused():
    query, keys, values, *_ = tokens(0)
    model = DualModel.untrained(keys, values, objective=alignment(1.0))
    with pytest.raises(ValueError, match="states its own objective"):
        regularise(model, query, none())
