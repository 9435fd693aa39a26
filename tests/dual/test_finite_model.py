"""The finite dual: training by batches, online, weights of samples, and what it refuses."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.equivalence import meet

from lrgd_jax.dual import DualModel, alignment, projective_readout, projective_targets
from lrgd_jax.dual.descent import decayed_sgd
from lrgd_jax.dual.finite import check_rows
from lrgd_jax.features import PositiveRandomFeatures, elu_plus_one


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.standard_normal((5, 3))), jnp.asarray(rng.standard_normal((5, 2)))


def test_the_learning_rate_cancels(data):
    def trained_at(rate):
        return lambda keys, values: DualModel.untrained(keys, values, learning_rate=rate).train()

    comparison = meet(trained_at(1.0), trained_at(0.125), *data)
    assert comparison.holds, comparison


def test_the_step_is_the_sum_of_outer_products(data):
    comparison = meet(
        lambda keys, values: DualModel.untrained(keys, values).train(), lambda keys, values: values.T @ keys, *data
    )
    assert comparison.holds, comparison


def test_online_ends_where_one_batch_ends(data):
    def online(keys, values):
        return DualModel.untrained(keys, values, feature_map=elu_plus_one).train_online()[-1]

    def batch(keys, values):
        return DualModel.untrained(keys, values, feature_map=elu_plus_one).train()

    comparison = meet(online, batch, *data)
    assert comparison.holds, comparison


def test_weight_minus_one_unlearns_a_demonstration(data):
    def unlearned(keys, values):
        model = DualModel.untrained(keys, values)
        only_the_third = jnp.asarray([0.0, 0.0, -1.0, 0.0, 0.0])
        return replace(model, sample_weights=only_the_third).train(model.train())

    def never_seen(keys, values):
        return DualModel.untrained(keys, values).train(batches=[[0, 1, 3, 4]])

    comparison = meet(unlearned, never_seen, *data)
    assert comparison.holds, comparison


def test_an_optimiser_is_any_optax_transformation(data):
    keys, values = data
    model = DualModel.untrained(keys, values)
    clipped = model.train(optimiser=optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(1.0)))
    assert 0 < np.linalg.norm(clipped) < np.linalg.norm(model.train())


def test_a_model_passes_through_jit_vmap_and_grad(data):
    keys, values = data
    features = PositiveRandomFeatures.draw(jax.random.key(0), 6, 3)
    model = jax.jit(lambda v: DualModel.untrained(keys, v, feature_map=features))(values)
    assert model.train().shape == (2, 6)

    def prediction(v):
        model = DualModel.untrained(keys, v, feature_map=elu_plus_one)
        return model.predict(model.train(), keys)

    assert jax.jit(jax.vmap(prediction))(jnp.stack([values, -values])).shape == (2, 5, 2)
    gradient = jax.grad(lambda v: DualModel.untrained(keys, v).train().sum())(values)
    assert np.isfinite(gradient).all()


def test_another_objective_takes_another_step(data):
    keys, values = data

    def squared(predictions, targets, weights):
        return jnp.sum(weights * jnp.sum((predictions - targets) ** 2, axis=1)) / 2

    def by_autodiff(keys, values):
        start = jnp.ones((2, 3), keys.dtype)
        return DualModel(start, keys, values, learning_rate=0.125, objective=squared).train()

    def by_hand(keys, values):
        start = jnp.ones((2, 3), keys.dtype)
        return start - 0.125 * (start @ keys.T - values.T) @ keys

    comparison = meet(by_autodiff, by_hand, keys, values)
    assert comparison.holds, comparison


def test_projective_readout_undoes_projective_targets(data):
    _, values = data
    assert np.array_equal(projective_readout(projective_targets(values)), values)


def test_no_demonstrations_leave_the_initial_weights():
    initial = jnp.ones((2, 3))
    model = DualModel(initial, jnp.zeros((0, 3)), jnp.zeros((0, 2)))
    assert np.array_equal(model.train(), initial)


def test_a_training_set_has_one_target_an_input(data):
    keys, values = data
    # through the check itself: the tests' own type checker would refuse the shapes first
    with pytest.raises(ValueError, match="one target and one sample weight"):
        check_rows("DualModel", keys, values[:3], None)
    with pytest.raises(ValueError, match="one target and one sample weight"):
        check_rows("DualModel", keys, values, jnp.ones(2))
    with pytest.raises(ValueError, match="whole numbers"):
        DualModel.untrained(keys, values).train(batches=[[True, False]])


def test_bad_input_is_named(data):
    keys, values = data
    model = DualModel.untrained(keys, values)
    for outside in (5, -6):
        with pytest.raises(IndexError, match=rf"names demonstration {outside}, but there are 5"):
            model.train(batches=[[outside]])
    np.testing.assert_array_equal(model.train(batches=[[-5]]), model.train(batches=[[0]]))
    with pytest.raises(ValueError, match=r"must be positive, got 0\.0"):
        alignment(0.0)
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\]"):
        decayed_sgd(1.0, 1.5)
    with pytest.raises(ValueError, match="window >= 1"):
        model.train_online(window=0)
