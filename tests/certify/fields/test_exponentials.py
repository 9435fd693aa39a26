"""Sums of exponentials over a prime field: a ring with inverses, in which exp turns sums into products."""

import pytest
from flint import nmod
from hypothesis import given
from hypothesis import strategies as st

from lrgd_jax.certify.fields import exponentials
from lrgd_jax.certify.fields.exponentials import BUDGET, Exponentials, Ring, TooManyTermsError, exponential, is_zero

PRIME = (1 << 61) - 1
RING = Ring(PRIME, budget=1 << 40)

labels = st.one_of(st.integers(0, 5), st.integers(0, PRIME - 1))
coefficients = st.one_of(st.integers(1, 4), st.integers(1, PRIME - 1))
polynomials = st.dictionaries(labels, coefficients, min_size=1, max_size=3)


def number(value):
    return nmod(value, PRIME)


def element(terms, ring=RING):
    """A sum of exponentials."""
    total = number(0)
    for label, c in terms.items():
        total = total + exponential(label, ring) * number(c)
    return total


def quotient(above, below):
    return element(above) / element(below)


elements = st.one_of(
    st.integers(0, 9).map(number),
    polynomials.map(element),
    st.builds(quotient, polynomials, polynomials),
    st.builds(lambda a, b, c: quotient(a, b) + element(c), polynomials, polynomials, polynomials),
)


def equal(x, y):
    return is_zero(x - y)


@given(elements, elements, elements)
def test_the_axioms_of_a_ring(x, y, z):
    assert equal(x + y, y + x)
    assert equal(x * y, y * x)
    assert equal((x + y) + z, x + (y + z))
    assert equal((x * y) * z, x * (y * z))
    assert equal(x * (y + z), x * y + x * z)
    assert equal(x + number(0), x)
    assert equal(x * number(1), x)
    assert is_zero(x * number(0))
    assert is_zero(x + (-x))
    assert equal(number(3) - x, -(x - number(3)))


@given(elements, elements)
def test_the_axioms_of_inverses(x, y):
    if is_zero(x):
        with pytest.raises(ZeroDivisionError):
            _ = number(1) / x
        return
    assert equal(x / x, number(1))
    assert equal(x * (number(1) / x), number(1))
    assert equal((y / x) * x, y)
    assert equal((y * x) / x, y)
    assert equal(number(1) / (number(1) / x), x)
    if not is_zero(y):
        assert equal(number(1) / (x * y), (number(1) / x) / y)


@given(labels, labels)
def test_exp_turns_sums_into_products(x, y):
    def exp(label):
        return exponential(label % PRIME, RING) if label % PRIME else number(1)

    assert equal(exp(x) * exp(y), exp(x + y))
    assert equal(exp(x) / exp(y), exp(x - y))
    assert equal(number(1) / exp(x), exp(-x))
    assert not isinstance(exp(x) * exp(-x), Exponentials)


@given(polynomials, polynomials, labels)
def test_a_shift_changes_nothing(above, below, shift):
    """What softmax does: the same factor above and below gives the same object, not only an equal one."""
    plain = quotient(above, below)
    factor = exponential(shift, RING) * number(7)
    shifted = (element(above) * factor) / (element(below) * factor)
    assert equal(plain, shifted)
    if isinstance(plain, Exponentials):
        assert plain.parts.keys() == shifted.parts.keys()
        assert value(plain) == value(shifted)
    else:
        assert plain == shifted


def symbol(label):
    """Another number for each label, and one for no exponential."""
    return number(pow(3, label % 1009, PRIME) + label) if label else number(1)


@given(st.lists(st.tuples(polynomials, polynomials), min_size=1, max_size=3), labels)
def test_a_value_depends_on_no_shift(fractions, shift):
    plain = sum((quotient(a, b) for a, b in fractions), number(0))
    factor = exponential(shift, RING)
    shifted = sum(((element(a) * factor) / (element(b) * factor) for a, b in fractions), number(0))
    assert value(plain) == value(shifted)


@given(polynomials, polynomials)
def test_a_value_is_linear(above, below):
    x, y = quotient(above, below), element(above)
    for a, b in ((x, y), (x, x), (y, number(2))):
        both = a + number(5) * b
        assert value(both) == value(a) + number(5) * value(b)


def value(x):
    return x.value(symbol) if isinstance(x, Exponentials) else x


@given(polynomials, polynomials)
def test_sums_with_other_terms_are_not_equal(a, b):
    assert equal(element(a), element(b)) == (a == b)


@given(polynomials, polynomials, coefficients, labels)
def test_a_fault_is_seen(above, below, c, label):
    x = quotient(above, below)
    fault = exponential(label, RING) * number(c)
    assert not equal(x, x + fault)
    assert not equal(x, x + fault / element(below))
    assert not is_zero(fault)


def test_zero_is_found_across_denominators():
    x, y = exponential(3, RING), exponential(8, RING)
    one, two = number(1), number(2)
    # 1/(x - y) + 1/(x + y) = 2x/(x^2 - y^2)
    both = one / (x - y) + one / (x + y)
    assert isinstance(both, Exponentials)
    assert len(both.parts) == 2
    assert is_zero(both - two * x / (x * x - y * y))
    assert not is_zero(both - two * y / (x * x - y * y))
    assert is_zero(both * (x * x - y * y) - two * x)


def test_a_denominator_of_two_terms_has_one_form():
    """Whichever of both comes first: its exponents are d/2 and -d/2, and the first coefficient is one."""
    half = pow(2, -1, PRIME)
    for a, b in ((3, 8), (8, 3), (PRIME - 2, 5), (half, PRIME - 7)):
        inverse = number(1) / (exponential(a, RING) + exponential(b, RING) * number(6))
        (below,) = inverse.parts
        assert sum(label for label, _ in below) % PRIME == 0
        assert below[0][1] == 1
        assert {label for label, _ in below} == {(a - b) * half % PRIME, (b - a) * half % PRIME}
        assert equal(inverse * exponential(a, RING) + number(6) * inverse * exponential(b, RING), number(1))


def test_a_bare_number_is_left_where_nothing_else_is():
    x = exponential(5, RING)
    assert x - x == 0
    assert not isinstance(x / x, Exponentials)
    assert not isinstance((x + number(2)) - x, Exponentials)
    assert number(2) + (x - x) == 2
    assert number(4) * (number(2) / (number(2) * x)) * x == 4


def test_expm1_divides():
    """The group ring has divisors of zero, and e^x - 1 is one of them, but no product of few terms is zero."""
    x = exponential(5, RING) - number(1)
    assert equal((x / x), number(1))
    power = x
    for _ in range(20):
        power = power * x
        assert not is_zero(power)
    assert equal(power / power, number(1))


def test_the_budget_is_kept():
    ring = Ring(PRIME)
    assert ring.budget == BUDGET
    wide = sum((exponential(1 << k, ring) for k in range(61)), number(0))
    with pytest.raises(TooManyTermsError, match="balls"):
        _ = wide * wide * wide * wide
    small = Ring(PRIME, budget=11)
    x = exponential(1, small) + exponential(2, small)
    assert small.budget == 11
    _ = x * x
    assert small.budget == 7
    with pytest.raises(TooManyTermsError):
        _ = x * x * x


def test_what_cancels_is_not_expanded():
    """A softmax over many keys: each weight is divided once, and their sum is one."""
    ring = Ring(PRIME, budget=5000)
    weights = [exponential(k * k + 1, ring) for k in range(60)]
    total = sum(weights, number(0))
    left = sum((w / total for w in weights), number(0))
    assert equal(left, number(1))
    assert equal((weights[0] / total) * total, weights[0])


def test_a_tiny_field_counts_right():
    """All points of GF(7): e^x e^y - e^z is zero where x + y = z, and only there."""
    ring = Ring(7, budget=1 << 20)

    def exp(label):
        return exponential(label, ring) if label else nmod(1, 7)

    agree = sum(is_zero(exp(x) * exp(y) - exp(z)) for x in range(7) for y in range(7) for z in range(7))
    assert agree == 7 * 7


def test_the_names_are_those_of_the_module():
    assert set(exponentials.__all__) == {
        "BUDGET",
        "Exponentials",
        "Ring",
        "TooManyTermsError",
        "canonical",
        "exponential",
        "factors",
        "is_zero",
    }
