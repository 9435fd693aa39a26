"""The losses of all subsets in one pass, against one pass each."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from decoder.helpers import TINY, TOKENS, decoder, within

from lrgd_jax.certify.rounding.adjoint import adjoint_bound
from lrgd_jax.effect import FunctionLoss, PromptLoss, exact_shapley, losses_at, shapley_of, subset_losses
from lrgd_jax.effect import subsets as module
from lrgd_jax.effect.subsets import tree_cost, tree_losses

SEGMENTS = jnp.asarray([0, 1, 1, 2, 2, 3, 4, 4])
ONE_LAYER = replace(TINY, layers=1)
WIDE = replace(ONE_LAYER, width=32, hidden_width=64)
"""So wide that its weights cost more than attention among many tokens."""
CONFIGS = {
    "llama": TINY,
    "window": replace(ONE_LAYER, window=3),
    "learned positions": replace(ONE_LAYER, positions="learned"),
    "soft cap": replace(ONE_LAYER, attention_soft_cap=2.0, logit_soft_cap=3.0),
    "linear": replace(ONE_LAYER, attention="linear"),
}


def of(config, segments=SEGMENTS, target=(7, 8), **options):
    return PromptLoss.of(decoder(config), config, TOKENS, segments, target, **options)


def every_subset(n):
    return ((np.arange(1 << n)[:, None] >> np.arange(n)[None, :]) & 1).astype(float)


@pytest.mark.parametrize("kind", CONFIGS)
def test_one_pass_finds_the_loss_of_every_subset(kind):
    """The rates' own bound stands for both sides: the tree computes the same sums without the terms of rate zero."""
    always_seen = int(kind != "llama")
    loss = of(CONFIGS[kind], always_seen=always_seen, length=10, target_length=3)
    found = tree_losses(loss).losses
    subsets = every_subset(4 - always_seen)
    expected = losses_at(loss, subsets)
    bound = max(float(adjoint_bound(loss, jnp.asarray(x), cuts="names").worst) for x in (subsets[0], subsets[-1]))
    within(found, expected, 2 * bound)
    assert np.ptp(expected) > 2 * bound


def test_a_target_that_starts_the_query_is_predicted_by_the_last_demonstration():
    loss = of(ONE_LAYER, segments=jnp.asarray([0, 0, 1, 1, 1, 2, 2, 2]), target=(5, 8))
    expected = losses_at(loss, every_subset(2))
    bound = float(adjoint_bound(loss, jnp.ones(2), cuts="names").worst)
    within(tree_losses(loss).losses, expected, 2 * bound)


def test_the_cost_counts_each_version_once():
    loss = of(WIDE)
    read = 1 + 2 * 2 + 4 * 2 + 8 * 1 + 16 * 2
    cost = tree_losses(loss).cost
    assert cost == tree_cost(loss)
    assert read / 8 < cost < 16
    scores = exact_shapley(loss)
    assert scores.cost == cost
    assert scores.values.tolist() == shapley_of(-tree_losses(loss).losses).tolist()


def test_where_the_tree_is_too_large_subsets_are_read_one_by_one(monkeypatch):
    loss = of(WIDE)
    monkeypatch.setattr(module, "LONGEST", 20)
    assert tree_cost(loss) is None
    assert subset_losses(loss, batch=16).cost == 16
    monkeypatch.undo()
    assert subset_losses(loss).cost == tree_cost(loss)
    narrow = of(ONE_LAYER)
    assert (tree_cost(narrow) or 0) > 16 == subset_losses(narrow, batch=16).cost


def test_other_losses_are_taken_one_by_one():
    written = FunctionLoss(jnp.sum, 2, jnp.float64)
    assert subset_losses(written, batch=4).losses.tolist() == [0, 1, 1, 2]
    gates = of(ONE_LAYER, control="contributions")
    assert subset_losses(gates, batch=16).cost == 16
    with pytest.raises(ValueError, match="give a PromptLoss of rates"):
        tree_losses(gates)
