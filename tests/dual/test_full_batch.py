"""Descent on a whole training set of one number, key 1 and value 1, worked out by hand in short binary fractions."""

import jax.numpy as jnp
import pytest

from lrgd_jax.dual import DualModel, FullBatchDescent, inverse_moment, squared_error

ONES = jnp.ones((1, 1))
MODEL = DualModel.untrained(ONES, ONES, objective=squared_error)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, 1.0),  # one step of rate one, which is Newton's
        ({"learning_rate": 0.5}, 0.5),
        ({"learning_rate": 0.5, "steps": 3}, 0.875),
        ({"learning_rate": 0.5, "steps": 2, "ridge": 1.0}, 0.5),  # 1/2 is where (W - 1) + W = 0
        ({"learning_rate": 0.5, "steps": 3, "momentum": 0.5}, 1.25),  # moments -1, -1, -1/2
        ({"learning_rate": 0.5, "steps": 2, "momentum": 0.5, "nesterov": True}, 1.0625),  # updates -3/2, -5/8
        ({"preconditioner": jnp.asarray([[0.25]]), "steps": 2}, 0.4375),  # 1/4, and 1/4 of what is left
    ],
)
def test_one_number_goes_to_one(options, wanted):
    assert FullBatchDescent(MODEL, **options).train().tolist() == [[wanted]]


def test_the_inverse_moment_of_rows_counted_by_weight():
    # 1/2 + 2 * 2^2 = 17/2 in the first direction, 1/2 + 3 in the second
    inverted = inverse_moment(jnp.asarray([[2.0, 0.0], [0.0, 1.0]]), 0.5, jnp.asarray([2.0, 3.0]))
    plain = inverse_moment(jnp.asarray([[2.0, 0.0], [0.0, 1.0]]), 0.5)
    for inverse, moments in ((inverted, (8.5, 3.5)), (plain, (4.5, 1.5))):
        assert inverse[0, 1] == inverse[1, 0] == 0
        for k, moment in enumerate(moments):
            # the inverse is updated once: a product, a sum, a quotient and a difference
            assert abs(float(inverse[k, k]) * moment - 1) <= 8 * jnp.finfo("float64").eps * moment / 0.5
