"""Towers of primes: their structure, and that exponentials take sums to products at every level."""

import itertools

import numpy as np
import pytest
from flint import fmpz

from lrgd_jax.certify.fields import towers as module
from lrgd_jax.certify.fields.modular_arrays import WORD_BITS
from lrgd_jax.certify.fields.towers import MOST_DEPTH, Towers, base_bits, draw_tower

DEPTHS = range(MOST_DEPTH + 1)


@pytest.mark.parametrize("depth", DEPTHS)
def test_each_prime_is_one_more_than_a_multiple_of_the_one_below(depth):
    for number in range(4):
        tower = draw_tower(3, number, depth)
        assert len(tower.primes) == depth + 1 == len(tower.roots) + 1
        assert all(fmpz(p).is_prime() for p in tower.primes)
        assert tower.primes[0].bit_length() == base_bits(depth)
        assert tower.primes[-1].bit_length() <= WORD_BITS
        for root, (below, above) in zip(tower.roots, itertools.pairwise(tower.primes), strict=True):
            assert above % below == 1
            # so that a prime determines the one below it
            assert below**2 > above
            assert root != 1
            assert pow(root, below, above) == 1


def test_towers_are_drawn():
    drawn = {draw_tower(seed, number, 1).primes for seed in range(3) for number in range(3)}
    assert len(drawn) == 9
    assert draw_tower(0, 0, 1) == draw_tower(0, 0, 1)


def test_no_tower_is_made_up(monkeypatch):
    monkeypatch.setattr(module, "_chain", lambda first, depth: None)
    with pytest.raises(ArithmeticError, match="begin no tower"):
        draw_tower(0, 0, 1)


@pytest.mark.parametrize("depth", [1, 3])
def test_exponentials_of_sums_are_products(depth):
    towers = Towers(tuple(draw_tower(0, k, depth) for k in range(3)))
    rng = np.random.default_rng(0)
    x, y = (np.stack([rng.integers(0, p, 5, dtype=np.uint64) for p in towers.moduli[0].primes]) for _ in range(2))
    x[:, 0], y[:, 1] = 0, 1
    ex, ey, both = (towers.exponentials(z, 0) for z in (x, y, towers.moduli[0].add(x, y)))
    assert (towers.moduli[1].product(ex, ey) == both).all()
    assert (ex[:, 0] == 1).all()
    roots = [tower.roots[level] for level in range(depth) for tower in towers.towers]
    assert ey[:, 1].tolist() == roots


def test_exponentials_of_what_is_known_from_a_higher_level_on():
    towers = Towers(tuple(draw_tower(0, k, 2) for k in range(2)))
    x = np.full((6, 1), 12345, np.uint64)
    assert (towers.exponentials(x[2:], 1) == towers.exponentials(x, 0)[2:]).all()
