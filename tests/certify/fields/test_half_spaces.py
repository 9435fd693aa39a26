"""Points with given signs: found where there are some, denied where there are none."""

import itertools

import numpy as np
import pytest
from flint import fmpq

from lrgd_jax.certify.fields.half_spaces import CONSTANT, added, canonical, on_planes, scaled, value_at, witness


def form(*coefficients: int, constant: int | fmpq = 0):
    terms = {CONSTANT: constant + fmpq(0), **{k: fmpq(c) for k, c in enumerate(coefficients)}}
    return tuple(sorted((k, c) for k, c in terms.items() if c != 0))


def sign(x):
    return int(x > 0) - int(x < 0)


def test_an_interval_has_a_point_and_an_empty_one_has_none():
    x, beyond = form(1), form(1, constant=-3)
    assert witness(((x, 1), (beyond, -1))) == {0: 1}
    assert witness(((x, -1), (beyond, 1))) is None
    assert witness(((x, 0), (beyond, 0))) is None


def test_a_cycle_of_strict_inequalities_has_no_point():
    assert witness(((form(1, -1), 1), (form(0, 1, -1), 1), (form(-1, 0, 1), 1))) is None


def test_parallel_planes_a_third_apart():
    between = witness(((form(3, constant=-1), 1), (form(3, constant=-2), -1)))
    assert between is not None
    assert fmpq(1, 3) < between[0] < fmpq(2, 3)


@pytest.mark.parametrize("seed", range(6))
def test_every_pattern_of_signs_agrees_with_a_grid(seed):
    """Small integer forms: a pattern occurs on the grid only if there is a witness, and a witness has the pattern."""
    rng = np.random.default_rng(seed)
    forms = [form(*(int(c) for c in rng.integers(-2, 3, 2)), constant=int(rng.integers(-2, 3))) for _ in range(3)]
    grid = [{0: fmpq(a, 4), 1: fmpq(b, 4)} for a in range(-20, 21) for b in range(-20, 21)]
    seen = {tuple(sign(value_at(one, point)) for one in forms) for point in grid}
    for pattern in itertools.product((-1, 0, 1), repeat=3):
        found = witness(tuple(zip(forms, pattern, strict=True)))
        if found is None:
            assert pattern not in seen
        else:
            assert tuple(sign(value_at(one, found)) for one in forms) == pattern


def test_planes_are_solved_for_some_variables():
    solved = on_planes([form(1, 1, constant=-2), form(0, 2, -1)])
    point = {2: fmpq(5)}
    values = {k: value_at(one, point) for k, one in solved.items()} | point
    assert value_at(form(1, 1, constant=-2), values) == 0
    assert value_at(form(0, 2, -1), values) == 0


def test_a_plane_that_says_nothing_new_does_not_end_the_others():
    solved = on_planes([form(1, constant=-1), form(2, constant=-2), form(0, 1, constant=-2)])
    assert {k: value_at(one, {}) for k, one in solved.items()} == {0: 1, 1: 2}
    with pytest.raises(ValueError, match="no point in common"):
        on_planes([form(1, constant=-1), form(1, constant=-2)])


def test_a_form_and_its_negative_multiple_are_one_atom():
    one = form(2, -4, constant=1)
    assert canonical(one) == (form(1, -2, constant=fmpq(1, 2)), 1)
    assert canonical(scaled(one, fmpq(-3))) == (form(1, -2, constant=fmpq(1, 2)), -1)
    assert added(one, scaled(one, fmpq(-1))) == ()
