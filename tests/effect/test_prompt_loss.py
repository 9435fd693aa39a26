"""The loss of a prompt: padding changes nothing, and what is always seen belongs to the zero-shot prompt."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, agree_deep, decoder, within

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.decoder import apply
from lrgd_jax.effect import GRADIENT, PromptLoss, gradient_cost, gradients_at, losses_at, multiplications, rate_gradient
from lrgd_jax.effect.attribution import aumann_shapley

SEGMENTS = jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2])
CONFIG = replace(TINY, layers=1, tied_head=False)
CONTROLS = pytest.mark.parametrize("control", ["rates", "contributions"])


def of(config=CONFIG, target=(6, 8), **options):
    return PromptLoss.of(decoder(config), config, TOKENS, SEGMENTS, target, **options)


@CONTROLS
def test_padding_changes_nothing(control):
    plain, padded = of(control=control), of(control=control, length=12, target_length=5)
    assert (len(padded.tokens), len(padded.places)) == (12, 5)
    points = jnp.asarray([[0.5, 0.25], [1.0, 0.0]])
    agree_deep(
        lambda p: jax.vmap(replace(padded, params=p))(points),
        lambda p: jax.vmap(replace(plain, params=p))(points),
        plain.params,
    )


@CONTROLS
def test_prompts_of_one_padded_length_share_a_compilation(control):
    losses = [of(target=target, control=control, length=11, target_length=4) for target in ((6, 8), (5, 8), (7, 8))]
    structures = {jax.tree.structure(loss) for loss in losses}
    shapes = {tuple((x.shape, str(x.dtype)) for x in jax.tree.leaves(loss)) for loss in losses}
    assert len(structures) == len(shapes) == 1
    points = np.ones((1, 2))
    assert len({losses_at(loss, points).item() for loss in losses}) == 3


def test_gates_of_zero_leave_what_is_always_seen_as_rates_of_zero_do():
    """One layer deep the ends of both paths are the prompt without the demonstrations."""
    rates, gates = (of(control=control, always_seen=1) for control in ("rates", "contributions"))
    ends = jnp.asarray([[0.0], [1.0]])
    agree_deep(
        lambda p: jax.vmap(replace(rates, params=p))(ends),
        lambda p: jax.vmap(replace(gates, params=p))(ends),
        rates.params,
    )
    half = jnp.full(1, 0.5)
    assert rates(half) != gates(half)


@CONTROLS
def test_parts_by_layer_and_head_add_up_and_are_derivatives_of_their_own(control):
    config = replace(TINY, heads=2, kv_heads=1, hidden_width=3)
    loss = of(config, control=control)
    found = gradients_at(loss, np.full((1, 2), 0.5), parts=True)
    assert found.parts is not None
    assert found.parts.shape == (1, config.layers, config.heads, 2)
    assert found.gradients.tolist() == found.parts.sum(axis=(1, 2)).tolist()

    def ordinary(gates):
        likelihoods = jax.nn.log_softmax(apply(loss.params, config, TOKENS, segments=SEGMENTS, **{control: gates}))
        return -(likelihoods[5, TOKENS[6]] + likelihoods[6, TOKENS[7]]) / 2

    half = jnp.full((config.layers, config.heads, 2), 0.5)
    bound = adjoint_bound(jax.grad(ordinary), half, cuts="names").worst
    within(found.parts[0], jax.jit(jax.grad(ordinary))(half), 2 * bound)


@CONTROLS
def test_scores_by_part_add_up_to_the_scores_at_the_same_cost(control):
    loss = of(TINY, control=control)
    for method in (rate_gradient, aumann_shapley):
        whole, parts = method(loss), method(loss, parts=True)
        assert whole.parts is None
        assert parts.parts is not None
        assert parts.values.tolist() == parts.parts.sum(axis=(0, 1)).tolist()
        assert (parts.cost, parts.method) == (whole.cost, whole.method)
        # the whole gradient adds the parts in another order
        size = np.abs(parts.parts).sum(axis=(0, 1))
        assert (np.abs(parts.values - whole.values) <= size * np.finfo(np.float32).eps).all()


@CONTROLS
@pytest.mark.parametrize("n", [1, 2])
def test_a_gradient_costs_less_than_three_forward_passes_whatever_the_number(unchecked, control, n):
    """By XLA's own count of the compiled programs, on a decoder whose products are most of its work."""
    config = replace(TINY, width=64, heads=4, kv_heads=4, head_width=16, hidden_width=192, vocab_size=32)
    segments = SEGMENTS if n == 2 else jnp.minimum(SEGMENTS, 1)
    loss = PromptLoss.of(decoder(config), config, TOKENS, segments, (6, 8), control=control)
    # the weights are arguments, or XLA would multiply some of them beforehand
    programs = [lambda loss, gates: loss(gates), lambda loss, gates: jax.value_and_grad(loss)(gates)]
    flops = [(jax.jit(f).lower(loss, jnp.ones(n)).compile().cost_analysis() or {})["flops"] for f in programs]
    assert 2 < gradient_cost(loss) < GRADIENT
    assert flops[1] <= GRADIENT * flops[0]
    # two operations a multiplication; the rest, which is not multiplications by weights, is less than half as much
    assert 2 * sum(multiplications(loss)) <= flops[0] <= 3 * sum(multiplications(loss))


def test_wrong_lengths_are_refused():
    refusals = {
        "the prompt has 8 tokens, more than the length 7": lambda: of(length=7),
        "17 tokens are too many: the model's context holds 16": lambda: of(length=17),
        "the target has 2 tokens, but there is room for 1": lambda: of(target_length=1),
    }
    for message, call in refusals.items():
        with pytest.raises(ValueError, match=message):
            call()
