"""Every rule of arithmetic on whole arrays gives what rational numbers give, modulo every prime."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import PrimeField, Rationals, trace, walk
from lrgd_jax.certify.fields.array_degrees import ArrayDegrees
from lrgd_jax.certify.fields.array_rules import RULES
from lrgd_jax.certify.fields.symbolic import OrderError
from lrgd_jax.certify.fields.tower_field import TowerField
from lrgd_jax.certify.fields.towers import Towers, draw_tower
from lrgd_jax.certify.tracing.free_functions import free

X = np.array([[0.5, -3.0, 2.0], [1.25, 7.0, -0.75], [3.0, 0.25, 4.0]])
Y = np.array([[2.0, 1.0, -5.0], [0.5, 3.0, 1.5], [-1.0, 8.0, 0.125]])
PLACES = jnp.array([2, 0, 2])

RATIONAL = {
    "sums and products": lambda x, y: (x + y) * (x - y) / y - x**3 + y**-2 + jnp.square(x),
    "broadcast": lambda x, y: x / y[:, :1] + y.sum(axis=0),
    "a contraction": lambda x, y: jnp.einsum("ik,jk->ij", x, y),
    "a batch of contractions": lambda x, y: jnp.einsum("bi,bj->bji", x, y),
    "over no axis": lambda x, y: jnp.einsum("i,j->ij", x[0], y[0]),
    "over an axis of no entries": lambda x, y: x[:, :0] @ y[:0],
    "sums": lambda x, y: x.sum(axis=1) + jnp.mean(y),
    "partial sums": lambda x, y: jnp.cumsum(x, axis=1) + lax.cumsum(y, axis=0, reverse=True),
    "partial products": lambda x, y: jnp.cumprod(x, axis=0) + lax.cumprod(y, axis=1, reverse=True),
    "powers by an array": lambda x, y: jnp.power(y, jnp.array([3, 0, -2])),
    "added at places": lambda x, y: x.at[PLACES].add(y),
    "gathered": lambda x, y: x[PLACES] + y.at[5].get(mode="fill", fill_value=0.5),
    "masks that leave numbers alone": lambda x, y: jnp.where(jnp.tri(3, dtype=bool), x, jnp.nan)[2] * y[0],
    "what is finite": lambda x, y: jnp.where(jnp.isfinite(jnp.where(jnp.tri(3, dtype=bool), x, -jnp.inf)), x, y),
    "comparison of a mask": lambda x, y: jnp.where(jnp.where(jnp.tri(3, dtype=bool), x, -jnp.inf) == -jnp.inf, y, x),
    "comparison of constants": lambda x, y: jnp.where(jnp.tri(3) * 2.0 - jnp.ones((3, 3)) > 0.0, x, y),
    "comparison of moved constants": lambda x, y: jnp.where(jnp.zeros(3) > -jnp.tri(3).T, x, y),
    "solution of a system": jnp.linalg.solve,
    "an inverse": lambda x, y: jnp.linalg.inv(x) @ y,
    "a determinant": lambda x, y: jnp.linalg.det(x) + jnp.linalg.det(y[:2, :2]),
    "a triangle from the right": lambda x, y: lax.linalg.triangular_solve(x, y, left_side=False, lower=True),
    "a transposed triangle of ones": lambda x, y: lax.linalg.triangular_solve(
        x, y, left_side=True, transpose_a=True, unit_diagonal=True
    ),
    "a loop": lambda x, y: lax.scan(lambda s, row: (s + row[:, None] * row, s @ row), x, y),
    "a gradient": jax.grad(lambda x, y: jnp.sum((x @ y) ** 2 / y)),
    "numbers of other kinds": lambda x, y: x * jnp.arange(3) + (jnp.arange(3) > 1) - y.astype(jnp.float32),
}


def tower_field(depth=0, towers=2, seed=0):
    return TowerField(Towers(tuple(draw_tower(seed, k, depth) for k in range(towers))), seed)


def evaluated(system, function, *arguments):
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        program = trace(function, *arguments)
        return walk(program, system, [system.lift(x, x.dtype) for x in arguments])


def residues(array, primes):
    return [[int(x.p) * pow(int(x.q), -1, p) % p for x in array.ravel()] for p in primes]


@pytest.mark.parametrize("name", RATIONAL)
def test_as_rational_numbers(name):
    field = tower_field(depth=1)
    found, exact = (evaluated(system, RATIONAL[name], X, Y) for system in (field, Rationals()))
    for one, other in zip(found, exact, strict=True):
        assert one.shape == other.array.shape
        assert one.kinds is None
        assert one.values.reshape(4, -1).tolist() == residues(other.array, field.towers.moduli[0].primes)


@pytest.mark.parametrize("name", RATIONAL)
def test_degrees_know_the_same_shapes(name):
    system = ArrayDegrees()
    field = tower_field()
    for one, other in zip(*(evaluated(x, RATIONAL[name], X, Y) for x in (system, field)), strict=True):
        assert one.shape == other.shape
        assert one.kinds is None


def sets_of_three(x):
    """The same maximum in three orders, one number twice, and masked numbers left out."""
    masked = jnp.where(jnp.array([True, True, False]), x, -jnp.inf)
    return (
        jnp.max(x),
        jnp.maximum(x[2], jnp.maximum(x[0], x[1])),
        jnp.maximum(jnp.max(x[:2]), jnp.max(x[1:])),
        jnp.max(x[:2]),
        jnp.max(masked),
        jnp.min(x),
        jnp.maximum(x[0], -jnp.inf),
        x[0],
    )


def test_a_maximum_is_a_symbol_of_the_set():
    field = tower_field(depth=1)
    three, other, third, two, masked, least, alone, first = (
        x.values.tolist() for x in evaluated(field, sets_of_three, X[0])
    )
    assert three == other == third
    assert two == masked
    assert alone == first
    assert len({str(x) for x in (three, two, least, first)}) == 4


def test_a_row_without_a_number_has_no_maximum():
    (largest, power) = evaluated(
        tower_field(depth=1), lambda x: [jnp.max(jnp.where(x == x, -jnp.inf, x), 1, keepdims=True), jnp.exp(x)], X
    )
    assert (largest.kinds == -1).all()
    assert power.start == 1


def test_symbols_are_functions_and_nothing_else():
    image = free(lambda row: row * row)

    def program(x):
        rows = jax.vmap(image)(jnp.stack([x[0], x[1], x[0]]))
        return rows, jnp.sqrt(x), lax.rsqrt(x), jnp.sqrt(x[:, :1]), jnp.arctan2(x, 2 * x)

    rows, roots, inverse, again, angles = evaluated(tower_field(), program, X)
    assert (rows.values[:, 0] == rows.values[:, 2]).all()
    assert (rows.values[:, 0] != rows.values[:, 1]).all()
    assert (roots.values[:, :, :1] == again.values).all()
    assert ((roots * inverse).values == 1).all()
    assert len({*roots.values.ravel().tolist(), *angles.values.ravel().tolist()}) == 36


def test_symbols_stay_when_more_are_asked_for():
    """Lengths grow by doubling, and the first of them must not change."""
    field = tower_field(depth=3)
    few = [evaluated(field, jnp.sqrt, np.arange(1.0, 1.0 + n))[0].values for n in (3, 40)]
    assert (few[0] == few[1][:, :3]).all()


LAWS = {
    "of a sum": lambda x: jnp.exp(x + 1) - jnp.exp(x) * jnp.exp(1.0),
    "twice": lambda x: jnp.exp(jnp.exp(x) - jnp.exp(-x)) * jnp.exp(jnp.exp(-x)) / jnp.exp(jnp.exp(x)) - 1,
    "tanh": lambda x: jnp.tanh(x) - 2 * jax.nn.sigmoid(2 * x) + 1,
    "its derivative": lambda x: jax.grad(lambda y: jnp.tanh(y).sum())(x) - 1 + jnp.tanh(x) ** 2,
    "silu": lambda x: jax.nn.silu(x) - x / (1 + jnp.exp(-x)),
    "gelu": lambda x: jax.nn.gelu(x) - x * jax.nn.sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
    "a masked logit": lambda x: jnp.exp(jnp.where(jnp.tri(3, dtype=bool), x, -jnp.inf)) - jnp.tri(3) * jnp.exp(x),
    "expm1": lambda x: jnp.expm1(x) + 1 - jnp.sinh(x) - jnp.cosh(x),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_of_exponentials(name):
    field = tower_field(depth=2)
    (found,) = evaluated(field, LAWS[name], X)
    assert not found.values.any()
    assert len(found.values) == 2 * (3 - found.start)


def test_no_law_that_does_not_hold():
    (found,) = evaluated(tower_field(depth=2), lambda x: jnp.exp(x * x) - jnp.exp(x) ** 3, X + 10)
    assert found.values.all()


REFUSED = {
    "a comparison": lambda x: jnp.where(x > 0, x, -x),
    "a comparison of constants that are rounded": lambda x: jnp.where(jnp.full(3, 0.1) * 3 > 0.3, x, -x),
    "an integer": lambda x: x.astype(int) * x,
    "infinity": lambda x: x + jnp.inf,
    "a product with a mask": lambda x: x * jnp.where(jnp.tri(3, dtype=bool), x, -jnp.inf),
    "a difference of masks": lambda x: x - jnp.where(jnp.tri(3, dtype=bool), x, -jnp.inf),
    "a function of NaN": lambda x: jnp.sin(jnp.where(jnp.tri(3, dtype=bool), x, jnp.nan)),
    "exponentials that lie too deep": lambda x: jnp.exp(jnp.exp(jnp.exp(x))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(OrderError):
        evaluated(tower_field(depth=2), REFUSED[name], X)


def test_every_rule_is_one_of_prime_fields_too():
    """So that whole arrays never say of a primitive what numbers do not."""
    assert set(RULES) <= PrimeField(101, 0).known_primitives()


def test_a_divisor_that_is_zero_at_the_point():
    with pytest.raises(ZeroDivisionError):
        evaluated(tower_field(), lambda x: x / (x - x), X)
    with pytest.raises(ZeroDivisionError):
        evaluated(tower_field(), lambda x: jnp.linalg.inv(x - x), X)
