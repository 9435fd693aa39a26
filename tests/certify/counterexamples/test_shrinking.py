"""The smallest instance of a difference: within what was asked for, and plain."""

import jax.numpy as jnp

from lrgd_jax.certify import equal


def test_arguments_stay_above_what_they_must_be_above():
    """2 log x and 3 log x part everywhere above 1; the plainest number there is 2, and one entry shows it."""
    found = equal(lambda x: 2 * jnp.log(x), lambda x: jnp.log(x) * 3, "x:n=3 above 1")
    assert "is not equal to" in str(found)
    assert "at n=1" in str(found)
    assert "x = [2]" in str(found)


def test_the_plainest_number_beyond_an_edge_is_shown():
    """Above 1, a step at 3 shows at the whole number 4, and one at 3/2 at a number between 1 and 3/2."""
    far = equal(lambda x: jnp.where(x > 3, 1.0, 0.0), lambda x: 0.0 * x, "x:n=2 above 1")
    assert "x = [4]" in str(far)
    near = equal(lambda x: jnp.where(x < 1.5, 1.0, 0.0), lambda x: 0.0 * x, "x:n=2 above 1")
    shown = str(near).partition("x = [")[2].partition("]")[0]
    assert 1 < float(shown) < 1.5


def test_a_root_is_certified_in_the_case_where_it_has_a_value():
    found = equal(
        lambda x: jnp.where(x > 0, 2 * jnp.sqrt(x), 0.0),
        lambda x: jnp.where(x > 0, jnp.sqrt(x) + jnp.sqrt(x), 0.0),
        "x:n=2",
    )
    assert "exact: equal in" in str(found)
    assert "in each of 9 cases" in str(found)
