"""Stacks over items: linear layers are steps of an explicit matrix, and rotations change nothing."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.equivalence import evaluate_trace, meet

from lrgd_jax.claims.comparison import compare
from lrgd_jax.item_models.explicit_steps import curvatures, explicit_predictions, residual_growth
from lrgd_jax.item_models.item_tables import random_rotation
from lrgd_jax.item_models.layers import LAYERS
from lrgd_jax.item_models.stack import Design, Items, initial, inputs, predictions, scores

TEXT, WIDTH, COUNT = 3, 5, 4


def episode(seed=0):
    """A question, demonstrations of which the last place is empty, and their targets."""
    rng = np.random.default_rng(seed)
    question, shown, targets = (rng.standard_normal(shape) for shape in (WIDTH, (COUNT, WIDTH), (COUNT, WIDTH)))
    return (*(jnp.asarray(x, jnp.float32) for x in (question, shown, targets)), jnp.arange(COUNT) < COUNT - 1)


def test_linear_layers_are_steps_of_an_explicit_matrix():
    params = initial(Design("linear", 2))
    by_attention = partial(predictions, params, Design("linear", 2), TEXT)
    by_steps = partial(explicit_predictions, params, 2, TEXT)
    assert meet(by_attention, by_steps, *episode()).holds


def test_a_step_that_is_longer_is_not_it():
    params = initial(Design("linear", 1))
    longer = {**params, "layer0": {**params["layer0"], "step": params["layer0"]["step"] + jnp.float32(0.01)}}
    one, other = (partial(explicit_predictions, x, 1, TEXT) for x in (params, longer))
    assert not compare(evaluate_trace(one, *episode()), evaluate_trace(other, *episode())).holds


@pytest.mark.parametrize("kind", LAYERS)
def test_a_place_without_a_demonstration_counts_for_nothing(kind):
    design, (question, shown, targets, there) = Design(kind), episode()
    answer = partial(predictions, initial(design), design, TEXT)
    whole = answer(question, shown, targets, there)
    moved = answer(question, shown.at[-1].add(7), targets.at[-1].add(7), there)
    assert np.array_equal(whole, moved)
    assert not np.array_equal(whole[0], whole[1])
    before, after = answer(question, shown, targets, jnp.zeros(COUNT, bool))
    assert np.array_equal(before, after)


def test_rotations_of_the_texts_change_no_score():
    question, shown, targets, there = episode()
    design, params = Design("linear"), initial(Design("linear"))
    turn = jax.scipy.linalg.block_diag(
        random_rotation(jax.random.key(0), TEXT), jnp.eye(WIDTH - TEXT, dtype=jnp.float32)
    )

    def ranked(x, keys, values):
        outputs = predictions(params, design, TEXT, x, keys, values, there)
        return scores(params, Items(values, TEXT), outputs)

    # in float64 the rotation is orthogonal to its precision, which the bound of the longer program covers
    plain, turned = ranked(question, shown, targets), ranked(question @ turn, shown @ turn, targets @ turn)
    bound = evaluate_trace(lambda x, y, z: ranked(x @ turn, y @ turn, z @ turn), question, shown, targets).error
    off = np.abs(np.asarray(turn @ turn.T, np.float64) - np.eye(WIDTH)).max()
    size = float(np.abs(np.asarray(plain)).max())
    assert np.abs(np.asarray(plain) - np.asarray(turned)).max() <= 4 * np.max(bound) + WIDTH**2 * off * size


def test_inputs_weigh_recent_items_more_and_have_length_one():
    items = Items(jnp.eye(4, dtype=jnp.float32), 2)
    read = np.asarray(inputs(items, np.array([[0, 1], [2, -1], [-1, -1]]), np.array([[0, 1], [0, 0], [0, 0]])))
    assert read[0, 0] > read[0, 1] > 0
    assert read[1].tolist() == [0, 0, 1, 0]
    assert not read[2].any()


def test_errors_grow_beyond_two_over_the_largest_curvature():
    rng = np.random.default_rng(0)
    shown, metric = rng.standard_normal((3, 4, 5)), np.ones(5)
    errors = rng.standard_normal((3, 4, 2))
    below, above = (residual_growth(metric, shown, errors, factor=f, layers=200) for f in (1.9, 2.1))
    assert (below < 1).all()
    assert (above > 1).all()
    largest = [np.linalg.eigvalsh(x @ x.T).max() for x in shown]
    assert np.array_equal(np.argsort(curvatures(metric, shown)), np.argsort(largest))


def test_an_unknown_design_is_named():
    with pytest.raises(ValueError, match="unknown kind 'other' of layers; expected one of linear, normalised"):
        Design("other")
    with pytest.raises(ValueError, match="at least one layer, got 0"):
        Design("linear", 0)
