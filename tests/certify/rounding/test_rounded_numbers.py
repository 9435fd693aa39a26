"""Rounded numbers: the invariant that their parts state, in exact fractions."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify.rounding.formats import Format, format_of
from lrgd_jax.certify.rounding.rounded_numbers import Rounded, exact, finish, keep_infinite

ULP = Fraction(1, 2**52)
DOUBLE, SINGLE = format_of(np.float64), format_of(np.float32)


def rounded(values, errors, form=DOUBLE):
    return Rounded(np.array(values, float), np.array(errors, float), form)


def test_the_ends_hold_the_exact_and_the_computed_number():
    """|x| <= |v| + e and |computed| <= |v| + 2 e; from below the same, and no more than a few units are given away."""
    x = rounded([-1.0, 3.0, 0.25, 1.0], [0.125, 0.0, 0.25, 2.0**-50])
    assert x.high.tolist() == [1.25, 3.0, 0.75, 1 + 2.0**-49]
    for low, value, error in zip(x.low, x.value, x.error, strict=True):
        true = abs(Fraction(value)) - 2 * Fraction(error)
        assert true - 6 * ULP * (abs(Fraction(value)) + Fraction(error)) <= Fraction(low) <= true


@pytest.mark.parametrize("terms", [0, 1000])
def test_what_an_operation_loses_is_propagated_rounded_and_flushed(terms):
    value, propagated, units = 3.0, 2.0**-20, 2.0
    form = Format("made up", 2.0**-10, 2.0**-30, 100.0)
    found = finish(form, np.array(value), propagated, units, absolute=4.0, terms=terms)
    true = Fraction(propagated) + Fraction(units) / 2**10 * (3 + 2 * Fraction(propagated)) + Fraction(4, 2**30)
    assert true <= Fraction(float(found.error)) <= true * (1 + (64 + terms + 8) * ULP)
    assert found.value == value
    assert found.format is form


def test_beyond_the_largest_number_nothing_is_known():
    form = Format("made up", 2.0**-10, 2.0**-30, 100.0)

    def error(value, propagated=0.0, peak=0.0):
        return float(finish(form, np.array(value), propagated, 1.0, peak=peak).error)

    # half a unit above the largest number still rounds to it
    assert error(100.0) < 1
    assert error(100 * (1 + 2.0**-11)) < 1
    assert error(100 * (1 + 2.0**-10)) == np.inf
    assert error(99.0, propagated=1.0) == np.inf
    assert error(1.0, peak=101.0) == np.inf
    assert error(np.nan) == np.inf


def test_a_sum_with_an_exact_infinity_is_that_infinity():
    infinity, number, vague = rounded(np.inf, 0.0), rounded(2.0, 0.5), rounded(2.0, np.inf)
    total = rounded(np.inf, np.inf)
    assert keep_infinite(total, infinity, number).error == 0
    assert keep_infinite(total, infinity, vague).error == np.inf
    # a sum of numbers that overflows is no exact infinity
    assert keep_infinite(total, number, number).error == np.inf
    assert keep_infinite(rounded(4.0, 0.5), number, number).error == 0.5


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float32(0.1), 0.0),
        (0.5, 0.0),
        (1 + 2.0**-24, 2.0**-24),  # half-way, to even
        (2.0**-140, float(jnp.finfo(np.float32).tiny)),  # flushed to zero
        (np.float32(np.inf), 0.0),
        (np.nan, np.inf),
    ],
)
def test_a_constant_errs_by_what_its_format_rounds_off(value, wanted):
    found = exact(np.asarray(value), np.float32)
    assert found.error == wanted
    assert found.format == SINGLE


def test_a_large_integer_errs_by_a_rounding():
    """Beyond 2^53 float64 rounds it before the format does; 2^60 + 1 becomes 2^60, within two roundings."""
    found = exact(np.asarray(2**60 + 1), np.float64)
    assert abs(Fraction(float(found.value)) - (2**60 + 1)) <= Fraction(float(found.error)) <= Fraction(2**60, 2**52)
    assert exact(np.asarray(2**53), np.float64).error == 0
