"""Rates and gates by layer and by head: what they are made of, and what is refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.decoder import DemonstrationGates, apply, embed, gate_demonstrations, hidden_states
from lrgd_jax.decoder.attention import attend, project_heads
from lrgd_jax.positions import visible

from .helpers import TINY, TOKENS, agree, decoder

SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2])
BY_LAYER, BY_HEAD = (TINY.layers, 2), (TINY.layers, TINY.heads, 2)
KINDS = pytest.mark.parametrize("config", [TINY, replace(TINY, attention="linear")], ids=lambda c: c.attention)
CONTROLS = pytest.mark.parametrize("control", ["rates", "contributions"])
GATES = jnp.asarray([0.25, 1.5])


def last_logits(params, config, control, gates):
    return apply(params, config, TOKENS, segments=SEGMENTS, **{control: gates})[-1]


@KINDS
@CONTROLS
def test_one_vector_is_the_same_vector_in_every_layer_and_head(config, control):
    def run(p, *shapes):
        return jnp.stack([last_logits(p, config, control, jnp.broadcast_to(GATES, shape)) for shape in shapes])

    agree(lambda p: run(p, BY_LAYER, BY_HEAD), lambda p: jnp.tile(run(p, (2,)), (2, 1)), decoder(config))


@CONTROLS
def test_the_derivative_of_one_vector_is_the_sum_over_layers_and_heads(control):
    config = replace(TINY, layers=1)
    params = decoder(config)

    def slopes(gates):
        return jax.grad(lambda g: jax.nn.log_softmax(last_logits(params, config, control, g))[3])(gates)

    agree(slopes, lambda gates: slopes(jnp.broadcast_to(gates, (1, 4, 2))).sum((0, 1)), GATES)


@pytest.mark.parametrize("config", [TINY, replace(TINY, attention="linear", kv_heads=4)], ids=lambda c: c.attention)
@CONTROLS
def test_each_query_head_has_its_own_row(config, control):
    """Head j under all rows is head j where every head has row j."""
    rows = jnp.arange(1.0, 9.0).reshape(4, 2) / 4
    params = decoder(config)
    heads = params.layers[0].heads
    mask = visible(len(TOKENS), len(TOKENS), causal=True)

    def outputs(x, gates):
        of_layer = DemonstrationGates(SEGMENTS, **{control: gates})
        return attend(config, *project_heads(heads, config, x, jnp.arange(len(TOKENS))), mask, of_layer)

    def one_by_one(x):
        return jnp.stack([outputs(x, rows[j])[j] for j in range(4)])

    agree(lambda x: outputs(x, rows), one_by_one, embed(params, TOKENS))


@CONTROLS
def test_every_head_that_reads_a_demonstration_has_its_own_effect(control):
    """Closing one gate of one head changes the logits, and no two heads alike."""
    params = decoder(TINY)
    whole = jnp.ones(BY_HEAD)
    places = [(layer, head, i) for layer in range(2) for head in range(4) for i in range(2)]
    closed = jnp.stack([whole.at[place].set(0.0) for place in places])
    run = jax.jit(jax.vmap(lambda gates: last_logits(params, TINY, control, gates)))
    changed = run(closed) - jax.jit(lambda: last_logits(params, TINY, control, whole))()[None]
    assert changed.any(axis=1).all()
    assert len(np.unique(np.asarray(changed), axis=0)) == len(places)
    assert jnp.isfinite(changed).all()


def test_a_layer_reads_its_own_row():
    """Below the first layer nothing of the second one's rates is seen."""
    params, ones = decoder(TINY), jnp.ones(BY_LAYER)
    below = replace(TINY, layers=1)
    first = params.replace(layers=params.layers[:1])

    def of(config, params, rates):
        return hidden_states(params, config, TOKENS, rates=rates, segments=SEGMENTS)

    def two(p):
        """The second layer adds nothing where its output matrices are zero."""
        silent = jax.tree.map(jnp.zeros_like, p.layers[1])
        return of(TINY, p.replace(layers=(p.layers[0], silent)), ones.at[0].set(GATES))

    agree(two, lambda p: of(below, p.replace(layers=p.layers[:1]), GATES[None]), params)
    assert (of(below, first, GATES[None]) != of(below, first, ones[:1])).any()


def test_the_hidden_states_take_gates_or_their_parts():
    params = decoder(TINY)
    rates = jnp.broadcast_to(GATES, BY_HEAD)
    gates = gate_demonstrations(TINY, len(TOKENS), SEGMENTS, rates)
    parts = hidden_states(params, TINY, TOKENS, rates=rates, segments=SEGMENTS)
    assert (hidden_states(params, TINY, TOKENS, gates) == parts).all()
    with pytest.raises(ValueError, match="either gates, or rates"):
        hidden_states(params, TINY, TOKENS, gates, rates=rates, segments=SEGMENTS)


@pytest.mark.parametrize("shape", [(), (2, 3), (3, 2), (2, 2, 2), (2, 4, 3), (4, 2, 2), (1, 2, 4, 2), (4,)])
@CONTROLS
def test_wrong_shapes_are_refused(control, shape):
    number = len(shape) > 0 and shape[:-1] == (TINY.layers, TINY.heads)[: len(shape) - 1]
    message = f"{shape[-1]} {control} were given" if number else r"\[N\], .* \[2, N\], .* \[2, 4, N\]; got shape \["
    with pytest.raises(ValueError, match=message):
        gate_demonstrations(TINY, len(TOKENS), SEGMENTS, **{control: jnp.ones(shape)})


def test_a_negative_rate_of_one_head_is_refused_and_a_negative_gate_is_not():
    gates = jnp.ones(BY_HEAD).at[1, 2, 0].set(-0.5)
    with pytest.raises(ValueError, match=r"zero or more, got -0\.5 among them"):
        gate_demonstrations(TINY, len(TOKENS), SEGMENTS, gates)
    assert gate_demonstrations(TINY, len(TOKENS), SEGMENTS, contributions=gates) is not None


def test_rows_of_a_whole_decoder_are_not_those_of_a_layer():
    x = embed(decoder(TINY), TOKENS)
    qkv = project_heads(decoder(TINY).layers[0].heads, TINY, x, jnp.arange(len(TOKENS)))
    mask = visible(len(TOKENS), len(TOKENS), causal=True)
    with pytest.raises(ValueError, match=r"shape \[N\] or \[4, N\], one row a query head; got \(2, 4, 2\)"):
        attend(TINY, *qkv, mask, DemonstrationGates(SEGMENTS, jnp.ones(BY_HEAD)))
