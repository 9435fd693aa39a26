"""Programs that compare numbers: certified in every case, or refuted at a point of the case that differs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.tracing.program import trace
from lrgd_jax.certify.verdicts.case_by_case import MOST_SIGNS, decide_exactly
from lrgd_jax.certify.verdicts.random_fields import FALSE_ACCEPT, Agreement, Disagreement, NotApplicable, Prepared


def decided(f, g, n=3, seed=0):
    x = np.zeros(n)
    return decide_exactly(trace(f, x), trace(g, x), Prepared([x]), seed=seed)


def huber(x):
    return jnp.where(jnp.abs(x) <= 1, x * x / 2, jnp.abs(x) - 0.5)


def huber_by_clipping(x):
    clipped = jnp.minimum(jnp.abs(x), 1)
    return clipped * (jnp.abs(x) - clipped / 2)


def last_argmax(x):
    return x.shape[0] - 1 - jnp.argmax(x[::-1])


def safe_square_root(x):
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), 0)


TRUE = {
    "relu through abs": (jax.nn.relu, lambda x: (x + jnp.abs(x)) / 2, 1),
    "relu's gradient is a step": (jax.grad(lambda x: jax.nn.relu(x).sum()), lambda x: jnp.where(x > 0, 1.0, 0.0), 1),
    "abs is the larger of two": (jnp.abs, lambda x: jnp.maximum(x, -x), 1),
    "sign": (jnp.sign, lambda x: jnp.where(x > 0, 1.0, jnp.where(x < 0, -1.0, 0.0)), 1),
    "clipping, two ways": (lambda x: jnp.clip(x, -3, 3), lambda x: jnp.where(x > 3, 3, jnp.where(x < -3, -3, x)), 2),
    "huber": (huber, huber_by_clipping, 2),
    "sorting keeps the sum": (lambda x: (jnp.sort(x) ** 2).sum(), lambda x: (x * x).sum(), 3),
    "the value at the first argmax": (lambda x: x[jnp.argmax(x)], lambda x: x.max(), 3),
    "smallest by negation": (jnp.argmin, lambda x: jnp.argmax(-x), 3),
    "a guarded reciprocal": (
        lambda x: jnp.where(x == 0, 0, 1 / x),
        lambda x: jnp.where(x == 0, 0, 1 / jnp.where(x == 0, 1, x)),
        2,
    ),
    "leaky relu of a free function": (
        lambda x: jnp.where(x > 0, jnp.sin(x), jnp.sin(x) / 8),
        lambda x: jnp.sin(x) * jnp.where(x <= 0, 0.125, 1.0),
        1,
    ),
}

FALSE = {
    "abs is no identity": (jnp.abs, lambda x: x),
    "relu is no identity": (jax.nn.relu, lambda x: x),
    "a sign may be zero": (lambda x: jnp.sign(x) ** 2, jnp.ones_like),
    "clipping": (lambda x: jnp.clip(x, -3, 3), lambda x: x),
    "clipping far out": (lambda x: jnp.clip(x, -1000, 1000), lambda x: x),
    "strict or not": (lambda x: x > 0, lambda x: x >= 0),
    "relu6": (jax.nn.relu6, jax.nn.relu),
    "gradients at the kink": (
        jax.grad(lambda x: jnp.maximum(x, 0).sum()),
        jax.grad(lambda x: jax.nn.relu(x).sum()),
    ),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_pairs_are_certified_in_every_case(name):
    f, g, n = TRUE[name]
    found = decided(f, g, n)
    assert isinstance(found, Agreement)
    assert found.cases > 1
    assert 0 <= found.false_accept <= FALSE_ACCEPT


@pytest.mark.parametrize("name", FALSE)
@pytest.mark.parametrize("seed", [0, 7, 39])
def test_false_pairs_are_refuted_at_a_point_that_shows_it(name, seed):
    f, g = FALSE[name]
    found = decided(f, g, 2, seed)
    assert isinstance(found, Disagreement)
    assert found.certain
    assert found.point is not None
    assert (np.asarray(f(found.point[0])) != np.asarray(g(found.point[0]))).any()


def test_first_and_last_place_of_the_largest_differ_in_a_tie_only():
    found = decided(jnp.argmax, last_argmax, 3)
    assert isinstance(found, Disagreement)
    assert found.point is not None
    (x,) = found.point
    assert (x == x.max()).sum() > 1


def test_a_root_of_a_negative_number_beside_a_number_is_not_certified():
    unsafe = jax.grad(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0).sum())
    found = decided(unsafe, jax.grad(lambda x: safe_square_root(x).sum()), 1)
    assert isinstance(found, NotApplicable)
    assert "one side has a value and the other has none" in found.reason


@pytest.mark.parametrize("function", [jnp.sqrt, jnp.log, jax.lax.rsqrt])
def test_numbers_that_are_known_to_be_positive_have_roots_and_logarithms(function):
    found = decided(
        lambda x: jnp.where(x > 0, function(x), 0), lambda x: jnp.where(x > 0, 2 * function(jnp.abs(x)), 0), 1
    )
    assert isinstance(found, Disagreement)
    assert found.point is not None
    assert found.point[0][0] > 0


def test_numbers_that_are_no_affine_forms_are_compared_up_to_equality():
    def direction(x):
        return jnp.where((x * x).sum() > 0, x / (x * x).sum(), 0)

    def other(x):
        return jnp.where((x * x).sum() <= 0, 0, x / (x * x).sum())

    found = decided(direction, other)
    assert isinstance(found, Agreement)
    assert found.left_out


def test_a_difference_in_a_case_that_may_not_occur_is_no_refutation():
    # x'x < 0 never holds, which an assumed sign does not know
    found = decided(lambda x: jnp.where((x * x).sum() < 0, 1.0, 0.0), lambda x: jnp.zeros(()))
    assert isinstance(found, NotApplicable)
    assert "not known whether it occurs" in found.reason


def test_many_comparisons_at_once_are_refused():
    found = decided(lambda x: jnp.where(x > 0, x, 0) + x, lambda x: x + jnp.maximum(x, 0), MOST_SIGNS + 1)
    assert isinstance(found, NotApplicable)
    assert "smaller shapes have fewer cases" in found.reason


def test_a_planted_error_beyond_an_edge_is_seen():
    found = decided(lambda x: jnp.where(x > 20, x * (1 + 2.0**-40), x), lambda x: x, 1)
    assert isinstance(found, Disagreement)
    assert found.point is not None
    assert found.point[0][0] > 20
