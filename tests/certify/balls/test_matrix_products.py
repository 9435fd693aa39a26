"""Large products of balls, by whole matrices, beside entry by entry."""

import numpy as np
import pytest
from flint import arb, fmpq

from lrgd_jax.certify.balls.ball_arithmetic import LARGE_PRODUCT, Balls, exclusive_precision
from lrgd_jax.certify.exact.arrays import as_objects

SHAPES = (2, 16, 17), (2, 17, 16)


@pytest.fixture(autouse=True)
def _precision():
    with exclusive_precision(200):
        yield


def operands():
    """Of all sizes from 2^-40 to 2^40."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) * 2.0 ** rng.integers(-40, 40, shape) for shape in SHAPES]


def of(function, x):
    return as_objects([function(entry) for entry in x.ravel().tolist()], x.shape)


def test_is_large():
    assert np.prod(SHAPES[0]) * SHAPES[1][2] / SHAPES[0][0] >= LARGE_PRODUCT


def test_dyadic_numbers_have_exact_products():
    x, y = operands()
    found, exact = Balls().matrix_products(of(arb, x), of(arb, y)), of(lambda z: fmpq(*z.as_integer_ratio()), x)
    exact = exact @ of(lambda z: fmpq(*z.as_integer_ratio()), y)
    for ball, number in zip(found.ravel(), exact.ravel(), strict=True):
        assert ball.contains(number)
        assert ball.rad() <= abs(ball.mid()) * arb(2) ** -190


def test_radii_are_no_wider_than_entry_by_entry():
    x, y = (of(lambda z: arb(z) / 3, part) for part in operands())
    by_entries, whole = x @ y, Balls().matrix_products(x, y)
    for one, other in zip(by_entries.ravel(), whole.ravel(), strict=True):
        assert one.overlaps(other)
        assert other.rad() <= 2 * one.rad()


def test_an_infinity_reaches_its_own_row_only():
    x, y = (of(arb, part) for part in operands())
    x[0, 3, 0] = arb.pos_inf()
    found = Balls().matrix_products(x, y)
    assert not any(ball.is_finite() for ball in found[0, 3])
    assert all(ball.is_finite() for ball in found[0, 2])
