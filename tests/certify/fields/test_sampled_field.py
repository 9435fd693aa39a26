"""Numbers at many points: the laws of exp and log at every depth, and nothing that does not follow from them."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.certify.fields.exponent_basis import HEIGHT, SUPPORT, ExponentBasis, TooFewPointsError
from lrgd_jax.certify.fields.sampled_field import CONSTANT_BITS, SampledField, small_primes

PRIMES = tuple(islice(small_primes(0), 3))


@pytest.fixture
def field():
    return SampledField(PRIMES, points=40, seed=0)


def numbers(field, count, name="x"):
    return list(field.random((count,), name).array)


def test_the_primes_have_31_bits_and_differ():
    drawn = list(islice(small_primes(3), 50))
    assert len({*drawn}) == 50
    assert all(2**30 < p < 2**31 and p % 4 == 1 and pow(2, p - 1, p) == 1 for p in drawn)


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_constants_are_a_field(a, b, c, d):
    field = SampledField(PRIMES, points=1, seed=0)
    x, y = Fraction(a, b), Fraction(c, d)
    for ours, exact in ((lambda p, q: p + q, x + y), (lambda p, q: p - q, x - y), (lambda p, q: p * q, x * y)):
        result = ours(field.fraction(a, b), field.fraction(c, d))
        assert not field.differ(result, field.fraction(exact.numerator, exact.denominator))
    if y:
        quotient = x / y
        result = field.fraction(a, b) / field.fraction(c, d)
        assert not field.differ(result, field.fraction(quotient.numerator, quotient.denominator))


def test_a_constant_is_read_off_its_residues(field):
    for c in (Fraction(0), Fraction(-7, 12), Fraction(2**20 + 1, 3)):
        assert field.constant_of(field.fraction(c.numerator, c.denominator)) == c
    [x] = numbers(field, 1)
    assert field.constant_of(x) is None
    # too many digits to tell it from any other residue
    assert field.constant_of(field.fraction(2**CONSTANT_BITS + 1, 1)) is None


def test_exp_turns_sums_into_products_at_every_depth(field):
    x, y = numbers(field, 2)
    for depth in range(3):
        a, b = field.exponential(x), field.exponential(y)
        assert not field.differ(field.exponential(x + y), a * b)
        assert not field.differ(field.exponential(x - y), a / b)
        half = field.exponential(x * field.fraction(1, 2))
        assert not field.differ(half * half, a)
        third = field.exponential(field.fraction(-2, 3) * y)
        assert not field.differ(third * third * third, field.fraction(1, 1) / (b * b))
        assert field.differ(field.exponential(x * y), a * b), depth
        x, y = a * x, b + x


def test_the_exponential_of_an_unknown_product_is_a_number_of_its_own(field):
    x, y = numbers(field, 2)
    field.exponential(x)
    once, again = field.exponential(x * y), field.exponential(y * x)
    assert not field.differ(once, again)
    assert field.real.basis.members == 2


def test_log_inverts_exp_and_knows_shifts_of_its_arguments(field):
    x, y, m = numbers(field, 3)
    assert not field.differ(field.logarithm(field.exponential(x)), x)
    total = field.exponential(x) + field.exponential(y)
    logarithm = field.logarithm(total)
    assert not field.differ(field.exponential(logarithm), total)
    field.exponential(m)
    shifted = field.exponential(x - m) + field.exponential(y - m)
    assert not field.differ(field.logarithm(shifted) + m, logarithm)
    assert not field.differ(field.exponential(x - logarithm), field.exponential(x) / total)
    assert field.differ(field.logarithm(total * total), logarithm)


def test_a_logarithm_of_what_may_be_negative_has_no_laws(field):
    [x] = numbers(field, 1)
    assert not field.differ(field.logarithm(x), field.logarithm(x))
    # one side alone has a value at negative x
    assert field.differ(field.exponential(field.logarithm(x)), x)
    assert field.differ(field.logarithm(x * x), field.logarithm(x) + field.logarithm(x))


def test_the_root_of_an_argument_is_not_made_up(field):
    x, y = numbers(field, 2)
    total = field.exponential(x) + field.exponential(y)
    root = field.exponential(field.logarithm(total) * field.fraction(1, 2))
    # it is one, but no number of the field is known to be; nothing false follows from taking another
    assert field.differ(root * root, total)


def test_sums_and_quotients_of_exponentials_are_positive_and_differences_are_not_known_to_be(field):
    x, y = numbers(field, 2)
    a, b = field.exponential(x), field.exponential(y)
    zero = field.fraction(0, 1)
    assert field.order(a / (a + b), zero) == 1
    assert field.known_order(zero + a, zero) == 1
    assert field.known_order(a - b, zero) is None
    assert field.known_order(x * x, zero) is None
    assert field.known_order(-a, zero) is None


def test_the_circle_has_the_laws_of_cosine_and_sine(field):
    x, y = numbers(field, 2)
    one = field.fraction(1, 1)
    cosine, sine = (field.functions[name] for name in ("cos", "sin"))
    assert not field.differ(cosine(x) * cosine(x) + sine(x) * sine(x), one)
    assert not field.differ(cosine(x + y), cosine(x) * cosine(y) - sine(x) * sine(y))
    assert not field.differ(sine(x - y), sine(x) * cosine(y) - cosine(x) * sine(y))
    assert not field.differ(cosine(-x), cosine(x))
    assert not field.differ(field.functions["tan"](x) * cosine(x), sine(x))
    assert not field.differ(cosine(field.fraction(0, 1)), one)
    # pi is a number like any other here
    assert field.differ(cosine(field.fraction(355, 113)), -one)
    assert field.differ(sine(x * y), sine(x) * sine(y))
    # the circle and the exponential function know nothing of each other
    assert field.differ(field.on_circle(x), field.exponential(x))


def test_a_maximum_is_no_less_than_its_members(field):
    x, y, z = numbers(field, 3)
    largest = field.larger(field.larger(x, y), z)
    zero = field.fraction(0, 1)
    assert not field.differ(field.smaller(y - largest, zero), y - largest)
    assert not field.differ(field.larger(largest, x), largest)
    assert field.differ(field.smaller(largest - y, zero), largest - y)
    other = numbers(field, 1, "other")[0]
    assert field.known_order(other, largest) is None


def test_no_combination_is_found_by_chance():
    field = SampledField(PRIMES, points=40, seed=1)
    basis = ExponentBasis(field.moduli)
    members = numbers(field, 24)
    for x in members[:-1]:
        assert basis.coordinates(x) is None
        assert basis.add(x) is not None
    assert basis.coordinates(members[-1]) is None
    combined = members[3] * field.fraction(-5, 4) + members[11] - members[7] * field.fraction(2, 3)
    assert basis.coordinates(combined) == {3: Fraction(-5, 4), 11: 1, 7: Fraction(-2, 3)}


def test_large_coefficients_and_long_combinations_are_left_alone(field):
    basis, members = ExponentBasis(field.moduli), numbers(field, SUPPORT + 1)
    for x in members:
        basis.add(x)
    assert basis.coordinates(members[0] * field.fraction(HEIGHT, 1)) == {0: HEIGHT}
    assert basis.coordinates(members[0] * field.fraction(HEIGHT + 1, 1)) is None
    assert basis.coordinates(members[0] * field.fraction(1, 9)) is None
    assert basis.coordinates(sum(members[1:], members[0])) is None
    # neither is a member: both lie in the span
    assert basis.add(sum(members[1:], members[0])) is None


def test_a_basis_keeps_points_to_spare():
    field = SampledField(PRIMES, points=20, seed=0)
    basis = ExponentBasis(field.moduli)
    members = numbers(field, 5)
    for x in members[:-1]:
        basis.add(x)
    with pytest.raises(TooFewPointsError, match="more than 4"):
        basis.add(members[-1])


def test_zero_at_one_point_is_no_divisor(field):
    [x] = numbers(field, 1)
    zero_once = x - field.fraction(int(x.values[0, 0]), 1)
    assert zero_once
    with pytest.raises(ZeroDivisionError):
        zero_once.inverse()


def test_inverses_are_inverses(field):
    x = numbers(field, 1)[0]
    assert (np.asarray((x / x).values) == 1).all()
    assert not field.differ(x.power(-3) * x * x * x, field.fraction(1, 1))
