"""What people use today, on small decoders, against their definitions written out."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, agree, decoder, within

from lrgd_jax.attention import softmax_attention
from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply
from lrgd_jax.decoder.attention import project_heads
from lrgd_jax.decoder.forward import embed
from lrgd_jax.decoder.norms import normalise
from lrgd_jax.effect import (
    PromptLoss,
    attention_sums,
    contribution_sums,
    gradient_times_input,
    input_gradient_norms,
    prompt_alignment,
    ridge_influence,
    softmax_contributions,
)
from lrgd_jax.effect.prompt_activations import record_activations
from lrgd_jax.effect.ridge import influences

SEGMENTS = jnp.asarray([0, 1, 1, 2, 2, 2, 3, 3])
ONE_LAYER = replace(TINY, layers=1, tied_head=False)


def of(config=ONE_LAYER, target=(7, 8), **options):
    return PromptLoss.of(decoder(config), config, TOKENS, SEGMENTS, target, **options)


def first_layer(p, config):
    """Queries, keys and values of every query head."""
    weights = p.layers[0]
    normed = normalise(config, weights.attention_norm, weights.attention_norm_bias, embed(p, TOKENS))
    queries, keys, values = project_heads(weights.heads, config, normed, jnp.arange(8))
    return queries, *(jnp.repeat(x, config.heads // config.kv_heads, axis=0) for x in (keys, values))


@pytest.mark.parametrize("head_width", [4, 2])
def test_attention_sums_are_the_weights_of_the_predicting_token(head_width):
    config = replace(ONE_LAYER, head_width=head_width)
    loss = of(config, always_seen=1)
    members = (SEGMENTS[:, None] == jnp.arange(1, 3)[None, :]).astype(float)

    def written(p):
        queries, keys, _ = first_layer(p, config)
        # attention to the indicator of a demonstration is the mass on it
        heads = [softmax_attention(queries[h, 6:7], keys[h, :7], members[:7])[0] for h in range(config.heads)]
        return jnp.stack(heads)

    agree(lambda p: record_activations(replace(loss, params=p)).attention[0], written, loss.params)


def test_a_sink_keeps_some_of_the_mass_and_is_part_of_the_zero_shot_prompt():
    config = replace(ONE_LAYER, attention_sinks=True, attention_scale=0.5)
    loss = of(config, always_seen=1)
    members = (SEGMENTS[:, None] == jnp.arange(1, 3)[None, :]).astype(float)

    def written(p):
        queries, keys, values = first_layer(p, config)
        masses, norms = [], []
        for h in range(config.heads):
            entries = jnp.exp(0.5 * keys[h, :7, :4] @ queries[h, 6, :4])
            sink = jnp.exp(p.layers[0].heads.sinks[h])
            masses.append(entries @ members[:7] / (jnp.sum(entries) + sink))
            own = entries * (SEGMENTS[:7] % 3 == 0).astype(float)
            zero_shot = own @ values[h, :7] / (jnp.sum(own) + sink)
            sums = (members[:7] * entries[:, None]).T @ (values[h, :7] - zero_shot[None]) / (jnp.sum(entries) + sink)
            norms.append(jnp.linalg.norm(sums @ p.layers[0].heads.output[h], axis=1))
        return jnp.stack(masses), jnp.stack(norms)

    agree(lambda p: [x[0] for x in record_activations(replace(loss, params=p))[:2]], written, loss.params)


@pytest.mark.parametrize("always_seen", [0, 1])
def test_attention_is_a_mass_of_which_the_query_keeps_some(always_seen):
    scores = attention_sums(of(TINY, target=(6, 8), always_seen=always_seen, length=11, target_length=4))
    assert (scores.values > 0).all()
    assert 0 < scores.values.sum() < 1
    assert scores.cost == 1


def test_a_demonstration_gets_the_same_attention_whether_another_is_always_seen_or_not():
    every, some = (attention_sums(of(TINY, always_seen=k)).values for k in (0, 1))
    assert every[1:].tolist() == some.tolist()


def test_contributions_are_those_of_each_head_through_its_output_matrix():
    loss = of()

    def written(p):
        queries, keys, values = first_layer(p, ONE_LAYER)
        own = jnp.asarray([6])
        found = []
        for h in range(ONE_LAYER.heads):
            parts = softmax_contributions(
                queries[h, 6], keys[h, :6], values[h, :6], context_keys=keys[h, own], context_values=values[h, own]
            )
            sums = jnp.stack([parts[0], parts[1] + parts[2], parts[3] + parts[4] + parts[5]])
            found.append(jnp.linalg.norm(sums @ p.layers[0].heads.output[h], axis=1))
        return jnp.stack(found)

    agree(lambda p: record_activations(replace(loss, params=p)).contributions[0], written, loss.params)
    half = replace(loss, config=replace(ONE_LAYER, residual_multiplier=0.5))
    assert (2 * record_activations(half).contributions == record_activations(loss).contributions).all()
    scores = contribution_sums(loss)
    assert scores.parts is not None
    assert scores.values.tolist() == scores.parts.sum(axis=(0, 1)).tolist()


def test_gradients_in_the_embedded_tokens_are_those_of_the_embedding():
    """Tokens 5 and 12 stand in the prompt once each, so their rows of the embedding are their embedded tokens."""
    config, segments = ONE_LAYER, jnp.asarray([0, 1, 2, 2, 2, 3, 4, 4])
    loss = PromptLoss.of(decoder(config), config, TOKENS, segments, (7, 8), always_seen=1)
    assert (TOKENS == 5).sum() == (TOKENS == 12).sum() == 1

    def ordinary(embedding):
        logits = apply(replace(loss.params, embedding=embedding), config, TOKENS)
        return -jax.nn.log_softmax(logits[6])[TOKENS[7]]

    rows = loss.params.embedding[jnp.asarray([5, 12])]
    gradients = jax.grad(ordinary)(loss.params.embedding)[jnp.asarray([5, 12])]
    bound = adjoint_bound(lambda e: jax.grad(ordinary)(e)[jnp.asarray([5, 12])], loss.params.embedding, cuts="names")
    # either side has at most the bound's error in each of the entries
    entry = 2 * float(np.max(bound.worst))
    products, norms = gradient_times_input(loss).values[[0, 2]], input_gradient_norms(loss).values[[0, 2]]
    within(products, -jnp.sum(rows * gradients, axis=1), 2 * entry * jnp.sum(jnp.abs(rows), axis=1))
    within(norms, jnp.linalg.norm(gradients, axis=1), 2 * entry * np.sqrt(config.width))


def test_alignment_is_the_slope_where_no_contribution_has_come_in():
    loss = of(TINY, control="contributions")

    def ordinary(gates):
        logits = apply(loss.params, TINY, TOKENS, contributions=gates, segments=SEGMENTS)
        return -jax.nn.log_softmax(logits[6])[TOKENS[7]]

    bound = adjoint_bound(jax.grad(ordinary), jnp.zeros(3), cuts="names").worst
    within(prompt_alignment(loss).values, -jax.grad(ordinary)(jnp.zeros(3)), 2 * bound)


def test_the_influence_of_one_example_on_its_like():
    """W = 1/2, both residuals are 1/2, and the inverse is 1/2; another label has no like."""
    one, label = jnp.ones((1, 1)), jnp.zeros(1, jnp.int32)
    assert influences(one, label, one, label).tolist() == [[0.125]]
    assert influences(one, label, one, label + 1).tolist() == [[-0.125]]
    assert influences(one, label, 0 * one, label).tolist() == [[0.0]]


def test_influences_are_derivatives_of_the_test_loss_in_the_examples_weights():
    keys = jax.random.split(jax.random.key(0), 2)
    states, tests = jax.random.normal(keys[0], (5, 3)), jax.random.normal(keys[1], (2, 3))
    labels, test_labels = jnp.asarray([0, 1, 0, 2, 1]), jnp.asarray([1, 3])

    def by_definition(states, tests):
        def test_losses(weights):
            y, asked = jax.nn.one_hot(labels, 4), jax.nn.one_hot(test_labels, 4)
            hessian = (weights[:, None] * states).T @ states + 0.5 * jnp.eye(3)
            fitted = jnp.linalg.inv(hessian) @ (weights[:, None] * states).T @ y
            return jnp.sum((asked - tests @ fitted) ** 2, axis=1) / 2

        return -jax.jacobian(test_losses)(jnp.ones(5))

    def closed(states, tests):
        return influences(states, labels, tests, test_labels, 0.5)

    ours, theirs = closed(states, tests), by_definition(states, tests)
    # both invert matrices whose condition is at most that of the smaller ridge's Gram matrix
    gram = np.asarray(states @ states.T) + 0.5 * np.eye(5)
    size = float(np.abs(np.asarray(tests) @ np.asarray(states).T).max()) + 1
    amplified = np.linalg.cond(gram) ** 2 * len(gram) ** 2 * size**2
    assert np.abs(np.asarray(ours - theirs)).max() <= amplified * np.finfo(float).eps


def test_ridge_influence_sums_over_a_demonstrations_tokens():
    loss = of(TINY, always_seen=1)
    scores = ridge_influence(loss)
    states = record_activations(loss).hidden[1]
    states = states / jnp.linalg.norm(states, axis=1, keepdims=True)
    # within the demonstrations at 1, 2 and 3, 4, 5 the pairs of neighbours are those that start at 1, 3 and 4
    at = jnp.asarray([1, 3, 4])
    found = influences(states[at], TOKENS[at + 1], states[6:7], TOKENS[7:8])[0]
    within(scores.values, jnp.stack([found[0], found[1] + found[2]]), 16 * np.finfo(float).eps * jnp.abs(found).sum())
    assert scores.cost == 1
    with pytest.raises(ValueError, match="layer must be 0 to 1"):
        ridge_influence(loss, layer=2)
    with pytest.raises(ValueError, match="ridge positive"):
        ridge_influence(loss, ridge=0.0)
