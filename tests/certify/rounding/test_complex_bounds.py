"""Complex numbers as pairs: against Python's own where floats are exact, and within bounds in floating point."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import UnknownPrimitiveError, adjoint_bound, running_error, trace, walk
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.walking.complex_numbers import COMPLEX

RNG = np.random.default_rng(5)
PARTS = RNG.integers(-8, 9, (4, 3, 2)) / 4.0
POWER = RNG.choice([1.0, 2.0, 4.0], (3, 2))


def numbers(parts):
    return lax.complex(parts[0], parts[1]), lax.complex(parts[2], parts[3])


def parts_of(z):
    return jnp.stack([z.real, z.imag])


PROGRAMS = {
    "add": lambda z, w: z + w,
    "sub": lambda z, w: z - w,
    "neg": lambda z, w: -z,
    "mul": lambda z, w: z * w,
    "square": lambda z, w: lax.square(z),
    "integer_pow": lambda z, w: z**3,
    "conj": lambda z, w: jnp.conj(z) * w,
    "dot_general": lambda z, w: z.T @ w,
    "outer product": lambda z, w: jnp.outer(z[:, 0], w[:, 1]),
    "reduce_sum": lambda z, w: z.sum(0),
    "cumsum": lambda z, w: jnp.cumsum(z, axis=0),
    "scatter-add": lambda z, w: z.at[np.array([0, 0])].add(w[:2]),
    "eq": lambda z, w: jnp.where(z == z.real, z, w),
    "ne": lambda z, w: jnp.where(jnp.isnan(z), 0 * z, z),
    "is_finite": lambda z, w: jnp.where(jnp.isfinite(z), z, w),
    "convert_element_type": lambda z, w: z + w.real.astype(z.dtype),
    "gather and stack": lambda z, w: jnp.stack([z[::-1], w[np.array([2, 0, 1])]]),
    "scan": lambda z, w: lax.scan(lambda c, row: (c * row, c), z[0], w)[1],
    "where": lambda z, w: jnp.where(jnp.tri(3, 2, dtype=bool), z, 1j * w),
    "constant": lambda z, w: z * np.complex128(0.5 - 2j),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_rational_parts_are_exact(name):
    def program(parts):
        return parts_of(PROGRAMS[name](*numbers(parts)))

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        expected = np.asarray(program(jnp.asarray(PARTS)))
        system = Rationals()
        (found,) = walk(trace(program, PARTS), system, [system.lift(PARTS, PARTS.dtype)])
    exact = np.vectorize(lambda x: Fraction(int(x.p), int(x.q)), otypes=[object])(found.array)
    np.testing.assert_array_equal(exact, np.vectorize(Fraction, otypes=[object])(expected))


def test_a_quotient_times_the_divisor_is_the_dividend():
    system = Rationals()

    def program(parts):
        z, w = numbers(parts)
        return parts_of(z / (w + 20) * (w + 20) - z), parts_of(((w + 20) ** -2) * (w + 20) ** 2)

    with jax.numpy_dtype_promotion("standard"):
        zero, one = walk(trace(program, PARTS), system, [system.lift(PARTS, PARTS.dtype)])
    assert all(x == 0 for x in zero.array.ravel())
    assert [int(x) for x in np.ravel([part[0, 0] for part in one.array])] == [1, 0]


BOUNDED = ("add", "mul", "dot_general", "outer product", "reduce_sum", "conj", "scan", "square")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_in_floating_point_hold(name, dtype):
    drawn = np.random.default_rng(7).normal(size=(4, 3, 2)).astype(dtype)

    def program(parts):
        return parts_of(PROGRAMS[name](*numbers(parts)))

    with jax.numpy_dtype_promotion("standard"):
        computed, bounded = jax.jit(program)(drawn), running_error(program, drawn)
        exact = exactly(program, drawn)
    error, bound = (
        np.abs(np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(computed, np.float64)) - exact),
        bounded.error,
    )
    assert (error <= bound).all()
    assert np.isfinite(bound).all()
    assert (bound <= 200 * np.finfo(dtype).eps * max(1, np.abs(bounded.value).max())).all()


def exactly(program, drawn):
    system, wide = Rationals(), drawn.astype(np.float64)
    (found,) = walk(trace(program, wide), system, [system.lift(wide, wide.dtype)])
    with mpmath.workprec(200):
        return np.vectorize(lambda x: mpmath.mpf(int(x.p)) / int(x.q), otypes=[object])(found.array)


@pytest.mark.parametrize("name", ["div", "abs", "exp", "log"])
def test_what_has_no_bound_is_refused(name):
    function = {"div": lambda z, w: z / w, "abs": lambda z, w: jnp.abs(z) + 0j, "exp": lambda z, w: jnp.exp(z)}
    program = function.get(name, lambda z, w: jnp.log(z))
    assert name in COMPLEX
    with (
        jax.numpy_dtype_promotion("standard"),
        pytest.raises(UnknownPrimitiveError, match=rf"'{name}' of complex numbers at .*test_complex_bounds\.py"),
    ):
        running_error(lambda parts: parts_of(program(*numbers(parts))), PARTS)


def test_no_program_returns_them():
    with pytest.raises(UnknownPrimitiveError, match="real and imaginary parts"):
        walk(trace(lambda parts: numbers(parts)[0], PARTS), Rationals(), [Rationals().lift(PARTS, PARTS.dtype)])


def test_adjoints_go_through_pairs():
    bound = adjoint_bound(lambda parts: parts_of(numbers(parts)[0] * numbers(parts)[1]), PARTS)
    assert np.isfinite(bound.worst).all()
    assert (bound.worst > 0).any()
