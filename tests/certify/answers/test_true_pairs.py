"""What a theorist writes: true pairs are certified at some layer, or the reason is said; false ones are refuted."""

import jax
import pytest
from true_pairs import PAIRS, SYMBOL, WRONG, Pair

from lrgd_jax.certify import Certificate, Counterexample, Unrefuted, equal
from lrgd_jax.certify.verdicts.enclosures import Enclosure
from lrgd_jax.certify.verdicts.random_fields import Agreement, Disagreement, NotApplicable


def compared(pair: Pair):
    """As a user's JAX is set, not as the tests' is."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return equal(pair.left, pair.right, pair.shapes)


def test_there_are_many_pairs():
    assert len(PAIRS) >= 60
    assert sum(pair.layer == "exact" for pair in PAIRS.values()) >= 40
    assert all(pair.layer == "exact" or pair.reason for pair in PAIRS.values())


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if pair.layer == "exact"])
def test_a_true_pair_is_certified(name):
    found = compared(PAIRS[name])
    assert isinstance(found, Certificate), found
    assert isinstance(found.exact, Agreement)
    assert isinstance(found.rigorous, Enclosure), found.rigorous


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if pair.layer == "points"])
def test_a_true_pair_has_no_difference_at_points_and_says_why_only_there(name):
    found, reason = compared(PAIRS[name]), PAIRS[name].reason
    assert isinstance(found, Unrefuted), found
    assert isinstance(found.rigorous, Enclosure)
    if reason == SYMBOL:
        assert isinstance(found.exact, Disagreement)
        assert not found.exact.certain
    else:
        assert isinstance(found.exact, NotApplicable)
        assert reason in found.exact.reason


@pytest.mark.parametrize("name", WRONG)
def test_a_false_pair_is_refuted(name):
    assert isinstance(compared(WRONG[name]), Counterexample)
