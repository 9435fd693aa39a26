"""Arrays of residues beside Python's integers."""

from fractions import Fraction

import numpy as np
import pytest

from lrgd_jax.certify.fields.modular_arrays import WORD_BITS, Primes
from lrgd_jax.certify.fields.towers import draw_tower

# of 50, 43 and 48, and of few bits: all numbers of limbs
MODULI = {
    "large": tuple(draw_tower(0, k, 0).primes[0] for k in range(3)),
    "a tower": draw_tower(0, 0, 1).primes,
    "a high tower": draw_tower(0, 0, 3).primes,
    "small": (101, 65537),
}


@pytest.fixture(params=list(MODULI))
def primes(request):
    return Primes(MODULI[request.param])


def random(primes, *shape, seed=0):
    """With the smallest and the largest residue among them."""
    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(0, p, shape, dtype=np.uint64) for p in primes.primes])
    flat = x.reshape(len(x), -1)
    flat[:, -1] = 0
    flat[:, : flat.shape[1] // 2] = np.array(primes.primes, np.uint64)[:, None] - 1
    return x


def exactly(primes, x):
    """Python's integers, and the primes in a shape that goes with them."""
    return x.astype(object), np.array(primes.primes, object).reshape(-1, *(1,) * (x.ndim - 1))


def test_sums_and_products(primes):
    x, y = random(primes, 4, 5), random(primes, 4, 5, seed=1)[:, ::-1]
    (a, p), (b, _) = exactly(primes, x), exactly(primes, y)
    assert (primes.add(x, y) == (a + b) % p).all()
    assert (primes.product(x, y) == a * b % p).all()
    assert (primes.negative(x) == -a % p).all()
    assert (primes.total(x, (0,)) == a.sum(axis=1) % p[..., 0]).all()


def test_a_long_sum_of_the_largest_residues(primes):
    x = random(primes, 9001)
    a, p = exactly(primes, x)
    assert (primes.total(x, (0,)) == a.sum(axis=1) % p[:, 0]).all()


@pytest.mark.parametrize("terms", [1, 2, 300])
def test_contractions_of_the_largest_residues(primes, terms):
    x, y = random(primes, 2, 3, terms), random(primes, 2, terms, 2, seed=1)
    (a, p), (b, _) = exactly(primes, x), exactly(primes, y)
    assert (primes.contract(x, y) == (a @ b) % p).all()


def test_contractions_longer_than_float64_sums_exactly(monkeypatch, primes):
    x, y = random(primes, 1, 2, 50), random(primes, 1, 50, 2)
    whole = primes.contract(x, y)
    monkeypatch.setattr("lrgd_jax.certify.fields.modular_arrays._MOST_TERMS", 7)
    assert (primes.contract(x, y) == whole).all()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 13])
def test_inverses(primes, size):
    x = np.maximum(random(primes, size + 1)[:, :size], np.uint64(1))
    assert (primes.product(primes.inverse(x), x) == 1).all()


def test_zero_has_no_inverse(primes):
    with pytest.raises(ZeroDivisionError, match="zero"):
        primes.inverse(random(primes, 3))


def test_powers_of_either_sign(primes):
    x, exponents = random(primes, 4)[:, :3], np.array([5, -3, 0])
    expected = [
        [pow(int(entry), int(e), p) for entry, e in zip(row, exponents, strict=True)]
        for row, p in zip(x, primes.primes, strict=True)
    ]
    assert primes.powers(x, exponents).tolist() == expected


def test_constants_are_lifted_exactly(primes):
    values = np.array([0.1, -3.0, 2.0**-60, 1e300, 5e-324, 0.0])
    expected = [
        [Fraction(v).numerator * pow(Fraction(v).denominator, -1, p) % p for v in values.tolist()]
        for p in primes.primes
    ]
    assert primes.dyadic(values).tolist() == expected
    assert primes.integers(np.array([-1, 7])).tolist() == [[p - 1, 7 % p] for p in primes.primes]
    assert primes.constant(1, 3).tolist() == [pow(3, -1, p) for p in primes.primes]


def test_a_prime_may_be_too_large():
    with pytest.raises(ValueError, match=f"below 2\\^{WORD_BITS}"):
        Primes(((1 << 61) - 1,))
