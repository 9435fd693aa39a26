"""Sizes of polynomials: sums of equal ones."""

import math

import pytest

from lrgd_jax.certify.fields.degrees import _repeated
from lrgd_jax.certify.fields.polynomial_size import Size


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
