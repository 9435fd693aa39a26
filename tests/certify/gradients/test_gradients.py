"""Which updates are gradients: a table of those that people call gradient descent, and wrong questions."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.gradient_updates import GRADIENT, ROWS, TOKEN, delta
from lrgd_jax.certify.gradients import Conservative, Rotational, Undecided, is_gradient
from lrgd_jax.certify.gradients.field import Field
from lrgd_jax.certify.gradients.line_integral import integration_weights
from lrgd_jax.certify.gradients.metric_search import MOST_ENTRIES, find_metric
from lrgd_jax.certify.tracing.shapes import shapes_of


def vortex(S):
    return jnp.stack([-S[1], S[0]]) / jnp.sum(S**2)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_updates_that_are_called_gradient_descent(row):
    decided = is_gradient(row.update, row.shapes, wrt=row.wrt, metric=row.metric)
    content = decided.as_dict()
    json.dumps(content)
    assert content["verdict"] == row.verdict, str(decided)
    assert bool(decided) == (row.verdict == GRADIENT)
    if isinstance(decided, Conservative):
        assert (decided.loss and decided.loss.degree) == row.degree
        assert decided.matrix == row.matrix
        name = row.metric if row.metric is None else "M" if row.metric == "any" else row.metric.__name__
        assert decided.metric == name
    if isinstance(decided, Rotational):
        first, second = decided.entries
        assert first != second
        assert decided.derivatives[0] != decided.derivatives[1]
        assert f"d{row.update.__name__}{list(first)}/d{row.wrt}{list(second)}" in str(decided)
        assert bool(decided.no_metric) == (row.metric == "any")


def test_a_step_is_taken_on_the_loss_that_is_returned():
    decided = is_gradient(delta, TOKEN, wrt="S", step=True)
    assert isinstance(decided, Conservative)
    loss = decided.loss
    assert loss is not None
    with jax.enable_x64(True):
        S, k, v = jnp.array([[1.0, 2.0], [0.0, 1.0]]), jnp.array([1.0, -1.0]), jnp.array([3.0, 0.5])
        # half the squared error, up to what does not depend on the state; whole and half numbers, so nothing is rounded
        known = jnp.sum((S @ k - v) ** 2) / 2 - jnp.sum(v**2) / 2
        assert float(loss(S, k, v)) == float(known)
        assert np.array_equal(S - jax.grad(loss)(S, k, v), delta(S, k, v))


def shear(S, k):
    return jnp.stack([S[0] + S[1], 2 * S[0]]) - k


def block(S, A):
    return jnp.concatenate([A @ S[:2], S[2:]])


def uneven_softmax(S):
    return jnp.array([2.0, 1.0]) * jax.nn.softmax(S)


def mixed_softmax(S, A):
    return jax.nn.softmax(A @ S)


def test_a_definite_metric_is_found_where_there_is_one():
    decided = is_gradient(shear, "S:2; k:2", wrt="S", metric="any")
    assert isinstance(decided, Conservative)
    assert (decided.matrix, decided.definite) == (((2, 0), (0, 1)), True)
    assert "M = [[2, 0], [0, 1]], positive definite" in str(decided)
    assert decided.loss is not None
    with jax.enable_x64(True):
        S, k = jnp.array([3.0, 1.0]), jnp.array([2.0, 4.0])
        assert np.array_equal(jax.grad(decided.loss)(S, k), np.array(decided.matrix, float) @ np.asarray(shear(S, k)))


def test_no_metric_is_searched_for_where_none_is_needed():
    decided = is_gradient(delta, TOKEN, wrt="S", metric="any")
    assert isinstance(decided, Conservative)
    assert (decided.metric, decided.matrix) == (None, None)


def test_metrics_that_are_singular_do_not_count():
    decided = is_gradient(block, "S:3; A:2,2", wrt="S", metric="any")
    assert isinstance(decided, Rotational)
    assert decided.no_metric.endswith("every symmetric matrix that makes its Jacobian symmetric is singular")


def test_without_rational_values_a_metric_is_found_and_its_absence_not_certain():
    decided = is_gradient(uneven_softmax, "S:2", wrt="S", metric="any")
    assert isinstance(decided, Conservative)
    assert decided.matrix == ((1, 0), (0, 2))
    undecided = is_gradient(mixed_softmax, "S:2; A:2,2", wrt="S", metric="any")
    assert isinstance(undecided, Undecided)
    assert "to the precision of float64" in undecided.reason


def test_a_metric_is_searched_for_small_states_only():
    large = Field(lambda S: S, shapes_of({"S": MOST_ENTRIES + 1}), "S", None, False)
    with pytest.raises(ValueError, match="give smaller shapes, or a metric"):
        find_metric(large, seed=0)


def test_a_pole_may_be_wound_around():
    decided = is_gradient(vortex, "S:2", wrt="S")
    assert isinstance(decided, Conservative)
    assert decided.loss is None
    assert [pole.kind for pole in decided.poles] == ["pole"]
    assert "wind around a pole" in str(decided)


@pytest.mark.parametrize("degree", range(9))
def test_the_weights_integrate_every_power_up_to_the_degree(degree):
    weights = integration_weights(degree)
    for power in range(degree + 1):
        assert sum(w * node**power for node, w in enumerate(weights)) * (power + 1) == 1


@pytest.mark.parametrize(
    ("update", "shapes", "options", "message"),
    [
        (delta, TOKEN, {"wrt": "W"}, "the state 'W' has no shape; wrt names one of the arguments S, k, v"),
        (delta, "S:dv=2,dk=2 below 3; k:dk; v:dv", {"wrt": "S"}, "holds integers"),
        (delta, "S:dv=2,dk=2 above 0; k:dk; v:dv", {"wrt": "S"}, "needs all of R"),
        (lambda S, k: S @ k, "S:dv=2,dk=3; k:dk", {"wrt": "S"}, r"returns \[2\]; expected .* \[2, 3\]"),
        (lambda S: (S, S), "S:2", {"wrt": "S"}, "expected an array of the shape"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent, S: tangent * S}, "depends on the state"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent, k: tangent * 0}, "singular"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent: tangent**3}, "not linear"),
        (delta, TOKEN, {"wrt": "S", "metric": lambda tangent: jnp.cumsum(tangent, 1)}, "not symmetric"),
        (delta, TOKEN, {"wrt": "S", "metric": "all"}, "must be a function, 'any' or None"),
        (lambda k, v: jnp.outer(v, k), TOKEN, {"wrt": "S"}, "has no parameter 'S'; its parameters are k, v"),
        (lambda left_tangent: left_tangent, "left_tangent:2", {"wrt": "left_tangent"}, "rename it"),
    ],
)
def test_wrong_questions(update, shapes, options, message):
    with pytest.raises(ValueError, match=message):
        is_gradient(update, shapes, **options)
