"""Data values of demonstrations against autodiff of the loss by the rates, through dense JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recommend.histories import ITEMS, UNIT, histories, model_of, positive_rates

from lrgd_jax.certify import running_error, trace
from lrgd_jax.recommend.data.dataset import Queries
from lrgd_jax.recommend.effect.data_values import cross_entropy, data_values
from lrgd_jax.recommend.forms.multi_step import MultiStep


def asked(timed=False):
    past = histories(5)
    targets = np.random.default_rng(2).integers(0, ITEMS, len(past))
    return Queries(np.arange(len(past)), past, targets, np.arange(len(past)) * 6 if timed else None)


def by_autodiff(model, queries, temperature):
    """The loss as a function of the rates, from the model's own queries and initial scores alone."""
    silent = model.with_rates(np.zeros(len(model.demonstrations)))
    initial = jnp.asarray(silent.scores(queries.histories, queries.times))
    scales = jnp.asarray(np.broadcast_to(model.target_scales(queries.times), initial.shape))
    unrated = model.with_rates(np.ones(len(model.demonstrations)))
    kernel = jnp.asarray(unrated.attention_weights(queries.histories, queries.times).toarray())
    targets = jnp.asarray(model.demonstrations.target_matrix().toarray())
    seen = np.zeros(initial.shape, bool)
    seen[queries.histories.owners, queries.histories.items] = True
    counted = jnp.asarray((~seen[np.arange(len(queries)), queries.targets]).astype(float))
    wanted = jnp.asarray(np.eye(ITEMS)[queries.targets])
    candidates = jnp.asarray((~seen | (np.eye(ITEMS)[queries.targets] > 0)).astype(float))

    def loss(rates):
        logits = (initial + scales * ((kernel * rates[None, :]) @ targets)) / temperature
        normalisers = jnp.log(jnp.sum(candidates * jnp.exp(logits), axis=1))
        return jnp.sum(counted * (normalisers - jnp.sum(wanted * logits, axis=1))) / len(queries)

    return loss


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_values_are_minus_the_gradient_by_the_rates(timed, temperature):
    model = model_of(past=histories(timed=timed), rates=positive_rates)
    queries = asked(timed)
    found = data_values(model, queries, temperature=temperature, block=4)
    loss = by_autodiff(model, queries, temperature)
    rates = jnp.asarray(model.demonstrations.rates)
    for value, function in ((found.loss, loss), (-found.values, jax.grad(loss))):
        right = running_error(trace(function, rates), rates)
        # the sparse side passes the same products and sums, and so at most the same bound; its keys lie on the grid
        grid = 2.0**-32 * ITEMS * ITEMS * len(queries) / temperature**2
        assert (np.abs(value - right.value) <= 2 * right.error + grid).all()


def test_a_target_that_was_seen_counts_nothing():
    model, queries = model_of(), asked()
    first = queries.histories.starts[:-1]
    seen = Queries(queries.users, queries.histories, queries.histories.items[first])
    found = data_values(model, seen)
    assert found.loss == 0
    assert not found.values.any()


def test_cross_entropy_of_two_equal_scores():
    losses, residuals = cross_entropy(np.array([[1.0, 1.0, -np.inf]]), np.array([1]))
    assert abs(losses[0] - np.log(2)) <= 4 * UNIT
    assert residuals.tolist() == [[-0.5, 0.5, 0.0]]


def test_other_forms_and_empty_queries_are_refused():
    with pytest.raises(NotImplementedError, match="linear form"):
        data_values(model_of(MultiStep), asked())
    with pytest.raises(ValueError, match="positive temperature"):
        data_values(model_of(), asked(), temperature=0.0)
    with pytest.raises(ValueError, match="expected queries"):
        data_values(model_of(), asked().take(np.arange(0)))
