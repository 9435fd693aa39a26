"""Sizes of polynomials: sums of equal ones, and how many primes there are to draw from."""

import math

import pytest

from lrgd_jax.certify import exact
from lrgd_jax.certify.degrees import Size, _repeated
from lrgd_jax.certify.fields import BITS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sum_of_equal_numbers_is_that_sum(count):
    x = Size(degree=3.0, bits=5.0)
    wanted = x
    for _ in range(count - 1):
        wanted = wanted + x
    found = _repeated(x, count)
    assert (found.own_bits, found.degree, found.reach) == (wanted.own_bits, wanted.degree, wanted.reach)


def test_more_terms_have_no_fewer_digits():
    x = Size(degree=1.0, bits=4.0)
    digits = [_repeated(x, count).own_bits for count in range(1, 12)]
    assert digits == sorted(digits)
    assert digits[10] >= 4 + math.log2(11)


def test_as_many_primes_as_the_theorem_says():
    """More than 3 x / (5 ln x) lie between x and 2 x (Rosser and Schoenfeld 1962); here x = 2^60."""
    assert BITS == 61
    wanted = 3 * 2.0**60 / (5 * math.log(2.0**60))
    assert abs(exact._PRIMES_TO_DRAW - wanted) <= 4 * math.ulp(wanted)
