"""Online descent on one number, key 1 and value 1, worked out by hand: all numbers are short binary fractions."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.dual import DualModel, OnlineDescent, squared_error


def descent(n=3, **options):
    """W <- W - (W - 1)/2 for each token, from 0."""
    ones = jnp.ones((n, 1))
    model = DualModel.untrained(ones, ones, objective=squared_error, learning_rate=0.5)
    return OnlineDescent(model, **options)


def steps(online):
    return np.asarray(online.trajectory()).reshape(-1).tolist()


def test_each_token_halves_the_error():
    assert steps(descent()) == [0.5, 0.75, 0.875]
    assert descent().train().tolist() == [[0.875]]


def test_a_write_strength_scales_the_gradient_of_its_token():
    ones = jnp.ones((3, 1))
    strengths = jnp.asarray([1.0, 0.0, 2.0])
    model = DualModel.untrained(ones, ones, sample_weights=strengths, objective=squared_error, learning_rate=0.5)
    assert steps(OnlineDescent(model)) == [0.5, 0.5, 1.0]


def test_weights_decay_before_the_step():
    # 1/2; then 1/4 + 3/8; then 5/32 + 27/64
    assert steps(descent(retention=jnp.asarray([1.0, 0.5, 0.25]))) == [0.5, 0.625, 0.578125]


def test_momentum_is_the_heavy_ball_unless_told():
    # gradients -1, -1/2, 0 carry the moments -1, -1, -1/2
    assert steps(descent(momentum=0.5)) == [0.5, 1.0, 1.25]
    # Nesterov looks ahead: gradients -1, -1/4, 1/16 and moments -1, -3/4, -5/16, so updates -3/2, -5/8, -3/32
    assert steps(descent(momentum=0.5, nesterov=True)) == [0.75, 1.0625, 1.109375]


@pytest.mark.parametrize(
    ("batch", "wanted"), [(1, [0.5, 0.75, 0.875, 0.9375]), (2, [0.5, 1, 1, 1]), (3, [0.5, 1, 1.5, 1.25])]
)
def test_gradients_of_a_minibatch_are_taken_at_its_start(batch, wanted):
    assert steps(descent(4, batch=batch)) == wanted


def test_what_is_not_seen_is_passed_over():
    online = descent(seen=jnp.asarray([1.0, 0.0, 1.0]), context=jnp.asarray([0.0, 1.0, 0.0]))
    assert steps(online) == [0.5, 0.5, 0.75]
    assert online.train_zero_shot().tolist() == [[0.5]]


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="batch=0"):
        descent(batch=0)
    with pytest.raises(ValueError, match="minibatches together with retention"):
        descent(batch=2, retention=jnp.ones(3))
    assert descent(batch=1, retention=jnp.ones(3)).retention is not None
