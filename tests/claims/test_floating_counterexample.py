"""The smallest counterexample is small, simple, reproducible and confirmed."""

import hypothesis
import jax.numpy as jnp
import numpy as np
import pytest
from small_claims import FALSE, TRUE, all_pairs, variant

from lrgd_jax.claims import ComparedInstance, Integers, Statistical
from lrgd_jax.claims.floating_counterexample import smallest_counterexample, strategy


def counterexample(claim, dtype="float64", **options) -> ComparedInstance:
    found = smallest_counterexample(claim, dtype, **options)
    assert found is not None
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wrong_sign_shrinks_to_one_number(dtype):
    found = counterexample(FALSE, dtype)
    assert found.dimensions == {"n": 1}
    np.testing.assert_array_equal(found.arguments["x"], [1.0])
    assert (found.left, found.right) == (1.0, -1.0)
    assert not found.comparison.holds
    assert found.comparison.ratio > 1


def test_a_fault_at_larger_sizes_shrinks_to_the_smallest_of_them():
    def wrong_from_three_on(x):
        return all_pairs(x) + (1 if x.shape[0] >= 3 else 0)

    found = counterexample(variant(right=wrong_from_three_on))
    assert found.dimensions == {"n": 3}
    np.testing.assert_array_equal(found.arguments["x"], np.zeros(3))


def test_the_search_is_reproducible():
    first, second = (counterexample(FALSE, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.arguments["x"], second.arguments["x"])


def test_a_true_claim_has_none():
    assert smallest_counterexample(TRUE, "float64", examples=20) is None


def test_none_is_searched_for_where_chance_decides():
    claim = variant(right=lambda x: -all_pairs(x), tolerance=Statistical(lambda: jnp.ones(()), 0.5))
    assert smallest_counterexample(claim, "float64") is None


def test_a_side_that_is_not_finite_is_found_last():
    found = counterexample(variant(right=lambda x: all_pairs(x) / 0), examples=20)
    assert found.dimensions == {"n": 1}
    assert not found.comparison.finite


def test_given_holds_of_the_counterexample():
    def unit(x):
        return {"x": x.at[0].set(7)}

    found = counterexample(variant(given=unit, right=lambda x: -all_pairs(x)))
    np.testing.assert_array_equal(found.arguments["x"], [7.0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_given_adds_reaches_the_sides_in_its_own_dtype(dtype):
    def with_others(x):
        return {"x": x.at[0].set(7), "first": jnp.argmax(x >= 0), "double": 2 * x}

    claim = variant(
        given=with_others,
        left=lambda x, first, double: all_pairs(x) + double[first],
        right=lambda x, first, double: all_pairs(x) - double[first],
    )
    found = counterexample(claim, dtype)
    assert found.dimensions == {"n": 1}
    assert jnp.issubdtype(found.arguments["first"].dtype, jnp.integer)
    assert found.arguments["double"].dtype == found.arguments["x"].dtype == jnp.dtype(dtype)
    np.testing.assert_array_equal(found.arguments["double"], [2.0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_the_strategy_draws_what_the_claim_declares(dtype):
    claim = variant(arguments={"x": "n", "i": Integers("n+1", below="n")}, left=lambda i: i, right=lambda i: i)

    @hypothesis.given(strategy(claim, dtype, magnitude=2.0))
    def draws(instance):
        dimensions, arguments = instance
        n = dimensions["n"]
        assert 1 <= n <= 5
        assert arguments["x"].dtype == jnp.dtype(dtype)
        assert np.abs(arguments["x"].astype(np.float64)).max() <= 2
        assert arguments["i"].shape == (n + 1,)
        assert 0 <= arguments["i"].min() <= arguments["i"].max() < n

    draws()
