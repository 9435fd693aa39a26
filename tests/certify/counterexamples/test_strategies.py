"""Drawn dictionaries have one order, and counterexamples are found whatever the arguments are called."""

import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.certify import Counterexample, equal
from lrgd_jax.certify.counterexamples.strategies import named

NAMES = ("S", "k", "b", "a", "z")


@given(named({name: st.integers() for name in NAMES}))
def test_the_names_keep_their_order(drawn):
    assert tuple(drawn) == NAMES


@pytest.mark.parametrize("seed", range(4))
def test_arguments_of_one_shape_are_not_mixed_up(seed):
    def uneven(S, k, b, left, right):
        return left @ jnp.outer(k, b * k) @ right + S @ S

    def turned(S, k, b, left, right):
        return right @ jnp.outer(k, b * k) @ left + S @ S

    refuted = equal(uneven, turned, "S:n=2; k:n; b:n; left:n; right:n", seed=seed)
    assert isinstance(refuted, Counterexample)
    assert refuted.arguments is not None
    assert list(refuted.arguments) == ["S", "k", "b", "left", "right"]
