# ruff: noqa: S101
"""The claim of the tutorial in a test-suite: every layer, and one more property of every drawn instance."""

from my_claim import claim as my_claim

from lrgd_jax.claims import given_claim

test_my_claim = given_claim(my_claim)


@given_claim(my_claim, layers=("floating",), examples=10)
def test_the_output_is_one_value(instance):
    assert instance.left.shape == (instance.dimensions["dv"],)
