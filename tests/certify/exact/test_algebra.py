"""Rationals, balls and prime fields against other arithmetic: fractions, mpmath, integers modulo p, and JAX itself."""

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from flint import arb, fmpq, nmod
from jax import lax

from lrgd_jax.certify import UndecidableError, UnknownPrimitiveError, trace, walk
from lrgd_jax.certify.balls.ball_arithmetic import Balls, precision
from lrgd_jax.certify.exact.algebra import RING, Numbers
from lrgd_jax.certify.exact.rationals import Rationals
from lrgd_jax.certify.fields.exponentials import Exponentials
from lrgd_jax.certify.fields.prime_fields import PrimeField
from lrgd_jax.certify.fields.symbolic import MASK, Mask, OrderError, Symbolic
from lrgd_jax.certify.tracing.free_functions import FREE, free
from lrgd_jax.certify.tracing.jax_versions import CALLED, NEWER, newer_functions
from lrgd_jax.certify.walking.discrete import Open

PRIME = (1 << 61) - 1
SYSTEMS = {"rationals": Rationals, "balls": Balls, "field": lambda: PrimeField(PRIME, 0)}
ORDERED = {"rationals": Rationals, "balls": Balls}


def evaluated(system: Any, function: Any, *arrays: Any) -> list[Any]:
    """The results of a function in a number system at exact arrays."""
    arrays = tuple(np.asarray(x) for x in arrays)
    lifted = [system.lift(x, x.dtype) if x.dtype.kind == "f" else x for x in arrays]
    return walk(trace(function, *arrays), system, lifted)


def fraction(number: Any) -> Fraction:
    """A rational number or a ball of one point."""
    if isinstance(number, arb):
        assert number.is_exact()
        mantissa, exponent = number.mid().man_exp()
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return Fraction(int(number.p), int(number.q))


def plain(x: Any) -> Any:
    """Fractions for elements, and everything else as it is."""
    return np.vectorize(fraction, otypes=[object])(x.array) if isinstance(x, Numbers) else x


def fractions(x: Any) -> np.ndarray:
    return np.vectorize(lambda v: Fraction(float(v)), otypes=[object])(np.asarray(x))


def integers(purpose: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(purpose).integers(-9, 10, shape).astype(np.float64)


def dyadics(purpose: int, *shape: int) -> np.ndarray:
    return integers(purpose, *shape) / 8


# The programs whose result floats hold exactly at small integers and eighths, by the rule that they are about.

I = np.array([3, 0, 2])  # noqa: E741

X, Y = integers(0, 3, 4), dyadics(1, 3, 4)
BATCH = X.reshape(1, 2, 6)[:, [0, 1, 0, 1]]
NONZERO = np.where(Y == 0, 1.0, 2.0 ** np.sign(Y))
DISTINCT = np.random.default_rng(2).permutation(24).reshape(4, 6) / 4.0

TWICE = np.array([1, 0, 1])
# pivots 4, 2, 1, so that quotients are eighths
MATRIX = np.array([[2.0, 1.0, 3.0], [4.0, -2.0, 6.0], [-1.0, 1.5, 0.5]])


def _both_triangles(a, b):
    unit = lax.linalg.triangular_solve(a, b, left_side=True, lower=True, unit_diagonal=True)
    diagonal = a + jnp.diag(4 - jnp.diagonal(a))
    return unit, lax.linalg.triangular_solve(diagonal, b.T, lower=False, transpose_a=True)


RULES = {
    "add": (lax.add, X, Y),
    "add_any": (jax.grad(lambda x, y: (x * y + x * x).sum()), X, Y),
    "sub": (lax.sub, X, Y),
    "mul": (lax.mul, X, Y),
    "div": (lax.div, X, NONZERO),
    "neg": (lax.neg, X),
    "square": (lax.square, Y),
    "integer_pow": (lambda x, y: lax.integer_pow(x, 3) + lax.integer_pow(y, -2) + lax.integer_pow(x, 0), X, NONZERO),
    "pow": (lambda x: lax.pow(x, jnp.arange(4)[None, :] % 3 * jnp.ones((3, 1), int)), X),
    "max": (lax.max, X, Y),
    "min": (lax.min, X, Y),
    "clamp": (lambda x, y: lax.clamp(-jnp.abs(y), x, jnp.abs(y)), X, Y),
    "sign": (lax.sign, X),
    "dot_general": (lambda x, y: lax.dot_general(x, y, (((1,), (2,)), ((0,), (1,)))), DISTINCT, BATCH),
    "reduce_sum": (lambda x: lax.reduce_sum(x, (0,)), Y),
    "reduce_prod": (lambda x: lax.reduce_prod(x, (1,)), Y),
    "reduce_max": (lambda x: lax.reduce_max(x, (0, 1)), Y),
    "reduce_min": (lambda x: lax.reduce_min(x, (1,)), Y),
    "cumsum": (lambda x: lax.cumsum(x, 1) + lax.cumsum(x, 0, reverse=True), Y),
    "cumprod": (lambda x: lax.cumprod(x, 0), Y),
    "cummax": (lambda x: lax.cummax(x, 1, reverse=True), Y),
    "cummin": (lambda x: lax.cummin(x, 1), Y),
    "scatter-add": (lambda x, y: jnp.asarray(x).at[I].add(jnp.asarray(y)[I % 3], mode="drop"), X, Y),
    "sort": (lambda x: lax.sort(x, dimension=0), DISTINCT),
    "convert_element_type": (lambda x: (x.astype(jnp.float32), x.astype(bool)), X),
    "reduce_precision": (lambda x: lax.reduce_precision(x, 8, 10), X),
    "eq": (lax.eq, X, np.abs(X)),
    "ne": (lax.ne, X, np.abs(X)),
    "lt": (lax.lt, X, np.abs(X)),
    "le": (lax.le, X, Y),
    "gt": (lax.gt, X, Y),
    "ge": (lax.ge, X, np.abs(X)),
    "is_finite": (lax.is_finite, X),
    "rem": (lax.rem, Y, NONZERO),
    "argmax": (lambda x: lax.argmax(x, 1, jnp.int32), np.abs(X)),
    "argmin": (lambda x: lax.argmin(x, 0, jnp.int32), np.abs(X)),
    "scatter-sub": (lambda x, y: jnp.asarray(x).at[I].subtract(jnp.asarray(y)[I % 3], mode="drop"), X, Y),
    "scatter-mul": (lambda x, y: jnp.asarray(x).at[TWICE].multiply(y, mode="drop"), X, Y),
    "scatter-max": (lambda x, y: jnp.asarray(x).at[TWICE].max(y, mode="drop"), X, Y),
    "scatter-min": (lambda x, y: jnp.asarray(x).at[TWICE].min(y, mode="drop"), X, Y),
    "lu": (lax.linalg.lu, MATRIX),
    "triangular_solve": (_both_triangles, MATRIX, X),
    "fft": (lambda x: jnp.fft.fft(x).imag + jnp.fft.ifft(x).real, X),
    "abs": (lax.abs, Y),
    "round": (lambda x: (lax.round(x), lax.round(4 * x, lax.RoundingMethod.TO_NEAREST_EVEN)), Y),
    "floor": (lax.floor, Y),
    "ceil": (lax.ceil, Y),
    FREE: (free(lambda x: (x * x).sum(1)), Y),
}  # fmt: skip
COMPARED = {"eq", "ne", "lt", "le", "gt", "ge", "sign", "floor", "ceil", "convert_element_type", "round", "rem"}
COMPARED |= {"is_finite", "argmax", "argmin", "lu"}
SYMBOLIC = {"max", "min", "clamp", "abs", "reduce_max", "reduce_min", "cummax", "cummin", "sort", FREE}
SYMBOLIC |= {"scatter-max", "scatter-min", "triangular_solve"}


@pytest.mark.parametrize("system", ORDERED)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_exact(name, system):
    function, *arrays = RULES[name]
    program = trace(function, *arrays)
    assert name in str(program.jaxpr).replace("_", "-" if "-" in name else "_")
    for result, expected in zip(
        evaluated(ORDERED[system](), function, *arrays), jax.tree.leaves(function(*arrays)), strict=True
    ):
        exact = fractions(expected) if isinstance(result, Numbers) else np.asarray(expected)
        np.testing.assert_array_equal(plain(result), exact)


def test_every_rule_of_the_ring_has_a_row():
    other_names = {name for name in RING if name.startswith("scatter_")}  # of scatter-add and its like in some releases
    rooted = {"cholesky", "qr"}  # no rational numbers
    assert set(RING) - other_names - rooted - CALLED <= set(RULES)
    assert set(Rationals.functions) | set(Rationals.rules) <= set(RULES)


# Programs of many primitives.


@jax.custom_vjp
def _tripled(x):
    return 3 * x


_tripled.defvjp(lambda x: (3 * x, None), lambda _, g: (3 * g,))


@jax.custom_jvp
def _halved(x):
    return x / 2


_halved.defjvp(lambda primals, tangents: (_halved(*primals), tangents[0] / 2))


def _scanned(x, reverse=False):
    return lax.scan(lambda c, row: (c + row, c * row), x[0], x, reverse=reverse)


ARITHMETIC = {
    "nested jit": jax.jit(lambda x: jax.jit(lambda y: y * y)(x) + 1),
    "remat": jax.checkpoint(lambda x: x * x - x),
    "custom jvp": jax.grad(lambda x: (_halved(x) * x).sum()),
    "custom vjp": jax.grad(lambda x: (_tripled(x) * x).sum()),
    "scan": _scanned,
    "scan in reverse": lambda x: _scanned(x, reverse=True),
    "gradient of scan": jax.grad(lambda x: _scanned(x)[1].sum()),
    "scan of nothing": lambda x: lax.scan(lambda c, row: (c + row, row), x[0], x[:0]),
    "for": lambda x: lax.fori_loop(0, 3, lambda k, y: y * 2 + k, x),
    "switch": lambda x: lax.switch(I[2], [lambda y: y, lambda y: -y, lambda y: y * y], x),
    "cumsum": lambda x: jnp.cumsum(x, axis=1),
    "gather": lambda x: x[:, I] * x[I[1]][None, I],
    "gather with a fill value": lambda x: jnp.take(x, I, axis=1, mode="fill"),
    "set": lambda x: x.at[I].set(-x[:3]),
    "add twice to an entry": lambda x: x.at[:, np.array([1, 1, 2])].add(x[:, :3]),
    "dynamic slice": lambda x: lax.dynamic_update_slice(x, lax.dynamic_slice(x, (I[0], 1), (2, 3)), (0, I[2])),
    "batched product": lambda x: jnp.einsum("bij,bkj->bki", x.reshape(2, 2, 6), 2 * x.reshape(2, 2, 6)),
    "product over two axes": lambda x: jnp.tensordot(x.reshape(2, 2, 6), x.reshape(2, 2, 6), ((0, 2), (0, 2))),
    "product of nothing": lambda x: x[:, :0] @ x[:0],
    "pad": lambda x: lax.pad(x, jnp.float64(3), ((1, 2, 1), (-1, 1, 0))),
    "causal mask": lambda x: jnp.where(jnp.tril(jnp.ones((4, 6), bool)), x, 0),
    "concatenate": lambda x: jnp.concatenate([x, -x], axis=1)[::2, ::-1],
    "determinant": lambda x: x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0],
}
ORDERING = {
    "while": lambda x: lax.while_loop(lambda s: s[0] < 100, lambda s: (s[0] * 3, s[1] + 1), (x.max() + 3, x))[1],
    "cond": lambda x: lax.cond(x[0, 0] < x[1, 0], lambda y: y * y, lambda y: -y, x),
    "where": lambda x: jnp.where(x > 2, x, -x),
    "relu": lambda x: jax.nn.relu(x) + jax.grad(lambda y: jax.nn.relu(y).sum())(x),
    "sort": lambda x: jnp.sort(x, axis=1)[:, ::-1],
    "median": lambda x: jnp.sort(x.ravel())[12],
    "extremes": lambda x: x.max(axis=0) - x.min(),
    "clip": lambda x: jnp.clip(x, 1, 3),
}


@pytest.mark.parametrize("system", ORDERED)
@pytest.mark.parametrize("name", ARITHMETIC | ORDERING)
def test_a_program_is_exact(name, system):
    function = (ARITHMETIC | ORDERING)[name]
    expected = jax.tree.leaves(function(jnp.asarray(DISTINCT)))
    for result, exact in zip(evaluated(ORDERED[system](), function, DISTINCT), expected, strict=True):
        np.testing.assert_array_equal(plain(result), fractions(exact))


@pytest.mark.parametrize("name", ARITHMETIC)
def test_a_program_modulo_a_prime(name):
    """At rational points a field does what the rationals do, and their residues agree."""
    system = PrimeField(PRIME, 0)
    results = evaluated(system, ARITHMETIC[name], DISTINCT)
    for result, exact in zip(results, evaluated(Rationals(), ARITHMETIC[name], DISTINCT), strict=True):
        residues = [int(x.p) * pow(int(x.q), -1, PRIME) % PRIME for x in exact.array.ravel()]
        assert [int(x) for x in result.array.ravel()] == residues


@pytest.mark.parametrize("modulus", [7, 127, PRIME])
@pytest.mark.parametrize("name", [name for name in RULES if name not in COMPARED | SYMBOLIC])
def test_a_rule_modulo_a_prime(name, modulus):
    function, *arrays = RULES[name]
    field, rationals = PrimeField(modulus, 0), Rationals()
    (result,), (exact,) = evaluated(field, function, *arrays), evaluated(rationals, function, *arrays)
    residues = [int(x.p) * pow(int(x.q), -1, modulus) % modulus for x in exact.array.ravel()]
    assert [int(x) for x in result.array.ravel()] == residues


def _in_integers(p, a, b, c):
    x = (a * b - c) * pow(c, -1, p) % p
    return (x**3 + a - b * x) * pow(a * a + 1, -1, p) % p


@pytest.mark.parametrize("modulus", [10007, PRIME])
def test_random_elements_of_a_field(modulus):
    def function(a, b, c):
        x = (a * b - c) / c
        return (lax.integer_pow(x, 3) + a - b * x) / (a * a + 1)

    field = PrimeField(modulus, 3)
    inputs = [field.random((50,), name) for name in "abc"]
    (result,) = walk(trace(function, *([jnp.zeros(50)] * 3)), field, inputs)
    rows = zip(*([int(v) for v in x.array] for x in inputs), strict=True)
    assert [int(x) for x in result.array] == [_in_integers(modulus, *row) for row in rows]
    assert all(isinstance(x, nmod) and int(x.modulus()) == modulus for x in result.array)


def test_rationals_against_fractions():
    def function(x, y):
        return (x * x - y / 3) / (1 + y * y) + abs(x - y)

    x, y = integers(5, 40) / 7, dyadics(6, 40)
    (result,) = evaluated(Rationals(), function, x, y)
    a, b = fractions(x), fractions(y)
    np.testing.assert_array_equal(plain(result), (a * a - b / 3) / (1 + b * b) + abs(a - b))


def test_integer_powers_of_any_kind():
    base = np.array([3.0, -0.5, 2.0])
    (result,) = evaluated(Rationals(), lambda x: lax.pow(x, jnp.array([-2, 3, 0])), base)
    assert plain(result).tolist() == [Fraction(1, 9), Fraction(-1, 8), 1]


# Balls against mpmath.


def _uniform(low: float, high: float) -> tuple[float, float]:
    return low, high


def _logistic(x):
    return 1 / (1 + mpmath.exp(-x))


def _cbrt(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def _erfinv(x):
    """Newton's method; mpmath's own starts from too few digits."""
    y = mpmath.erfinv(x)
    for _ in range(4):
        y -= (mpmath.erf(y) - x) * mpmath.exp(y * y) * mpmath.sqrt(mpmath.pi) / 2
    return y


BALL_FUNCTIONS = {
    "abs": (lax.abs, abs, _uniform(-9, 9)),
    "exp": (lax.exp, mpmath.exp, _uniform(-30, 30)),
    "exp2": (lax.exp2, lambda x: mpmath.power(2, x), _uniform(-30, 30)),
    "expm1": (lax.expm1, mpmath.expm1, _uniform(-3, 3)),
    "log": (lax.log, mpmath.log, _uniform(0.01, 9)),
    "log1p": (lax.log1p, mpmath.log1p, _uniform(-0.9, 9)),
    "sqrt": (lax.sqrt, mpmath.sqrt, _uniform(0.01, 9)),
    "rsqrt": (lax.rsqrt, lambda x: 1 / mpmath.sqrt(x), _uniform(0.01, 9)),
    "cbrt": (lax.cbrt, _cbrt, _uniform(-9, 9)),
    "sin": (lax.sin, mpmath.sin, _uniform(-9, 9)),
    "cos": (lax.cos, mpmath.cos, _uniform(-9, 9)),
    "tan": (lax.tan, mpmath.tan, _uniform(-1.5, 1.5)),
    "sinh": (lax.sinh, mpmath.sinh, _uniform(-9, 9)),
    "cosh": (lax.cosh, mpmath.cosh, _uniform(-9, 9)),
    "tanh": (lax.tanh, mpmath.tanh, _uniform(-9, 9)),
    "asin": (lax.asin, mpmath.asin, _uniform(-0.9, 0.9)),
    "acos": (lax.acos, mpmath.acos, _uniform(-0.9, 0.9)),
    "atan": (lax.atan, mpmath.atan, _uniform(-9, 9)),
    "asinh": (lax.asinh, mpmath.asinh, _uniform(-9, 9)),
    "acosh": (lax.acosh, mpmath.acosh, _uniform(1.1, 9)),
    "atanh": (lax.atanh, mpmath.atanh, _uniform(-0.9, 0.9)),
    "logistic": (lax.logistic, _logistic, _uniform(-40, 40)),
    "erf": (lax.erf, mpmath.erf, _uniform(-4, 4)),
    "erfc": (lax.erfc, mpmath.erfc, _uniform(-4, 8)),
    "erf_inv": (lax.erf_inv, _erfinv, _uniform(-0.9, 0.9)),
    "lgamma": (lax.lgamma, mpmath.loggamma, _uniform(0.1, 20)),
    "digamma": (lax.digamma, mpmath.digamma, _uniform(0.1, 20)),
    "floor": (lax.floor, mpmath.floor, _uniform(-9, 9)),
    "ceil": (lax.ceil, mpmath.ceil, _uniform(-9, 9)),
}
BALL_FUNCTIONS |= {
    name: (function, lambda x: mpmath.log(x, 2), _uniform(0.01, 9))
    for name, function in newer_functions().items()
    if name == "log2"
}
ABSENT = {*NEWER} - {*newer_functions()}
OTHER_BITS = 600
LOST_BITS = 20
"""Bits that a function may lose: arguments are at most 40, so a derivative times the argument takes a few of them."""


def interval(ball: arb) -> tuple[Any, Any]:
    """The ends of a ball, exactly, in mpmath at the precision that is set."""
    ends = []
    for end in (ball.lower(), ball.upper()):
        mantissa, exponent = end.mid().man_exp()
        ends.append(mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent)))
    return ends[0], ends[1]


def numbers(low: float, high: float) -> np.ndarray:
    return np.random.default_rng(7).uniform(low, high, 12)


@pytest.mark.parametrize("bits", [53, 120, 400])
@pytest.mark.parametrize("name", BALL_FUNCTIONS)
def test_a_ball_contains_the_value_and_little_else(name, bits):
    program, reference, (low, high) = BALL_FUNCTIONS[name]
    x = numbers(low, high)
    with precision(bits):
        (result,) = evaluated(Balls(), program, x)
        ends = list(result.array)
    with mpmath.workprec(OTHER_BITS):
        # the reference's own error, far below the width of a ball
        slack = mpmath.ldexp(1, LOST_BITS - OTHER_BITS)
        with precision(OTHER_BITS):
            for ball, value in zip(ends, x, strict=True):
                below, above = interval(ball)
                exact = reference(mpmath.mpf(float(value)))
                assert below - slack <= exact <= above + slack
                assert above - below <= mpmath.ldexp(max(abs(exact), 1), LOST_BITS - bits)


@pytest.mark.parametrize("name", BALL_FUNCTIONS)
def test_a_wide_ball_contains_all_its_values(name):
    program, reference, (low, high) = BALL_FUNCTIONS[name]
    middle, radius = low / 4 + 3 * high / 4 + 1 / 16, (high - low) / 512
    with precision(100):
        (result,) = walk(trace(program, 0.0), Balls(), [Numbers(np.array([arb(middle, radius)]).reshape(()))])
        below, above = interval(result.array[()])
    with mpmath.workprec(OTHER_BITS):
        for share in np.linspace(-1, 1, 9):
            assert below <= reference(mpmath.mpf(middle + radius * share)) <= above


def test_every_function_of_balls_has_a_row():
    whole = {"floor", "ceil"}  # rules of every system with an order
    assert set(BALL_FUNCTIONS) == (set(Balls.functions) | whole) - ABSENT
    assert set(Balls.rules) == {"atan2"}


@pytest.mark.parametrize("bits", [53, 300])
def test_rules_of_balls_of_two_arguments(bits):
    y, x = numbers(-3, 3), numbers(0.1, 4)
    with precision(bits):
        (angle,) = evaluated(Balls(), lax.atan2, y, -x)
        (power,) = evaluated(Balls(), lax.pow, x, y)
    with mpmath.workprec(OTHER_BITS), precision(OTHER_BITS):
        slack = mpmath.ldexp(1, LOST_BITS - OTHER_BITS)
        for found, reference, first, second in ((angle, mpmath.atan2, y, -x), (power, mpmath.power, x, y)):
            for ball, a, b in zip(found.array, first, second, strict=True):
                below, above = interval(ball)
                exact = reference(mpmath.mpf(float(a)), mpmath.mpf(float(b)))
                assert below - slack <= exact <= above + slack
                assert above - below <= mpmath.ldexp(max(abs(exact), 1), LOST_BITS - bits)


@pytest.mark.parametrize("bits", [53, 300])
def test_places_of_extremes(bits):
    with precision(bits):
        for function in (lambda x: lax.argmax(x, 1, jnp.int32), lambda x: lax.argmin(x, 0, jnp.int32)):
            (place,) = evaluated(Balls(), function, DISTINCT)
            np.testing.assert_array_equal(place, function(jnp.asarray(DISTINCT)))


def test_what_is_finite():
    x = np.array([1.0, np.inf, -np.inf])
    np.testing.assert_array_equal(evaluated(Balls(), lax.is_finite, x)[0], [True, False, False])
    assert isinstance(evaluated(Balls(), lax.is_finite, np.array(np.nan))[0], Open)


def test_a_ball_without_bounds_may_be_finite():
    """The logarithm of a number that is not zero, but too small to be told from zero."""

    def program(x):
        return jnp.isfinite(jnp.log((1 + x) - 1))

    small = np.array(2.0**-300)
    with precision(200):
        assert isinstance(evaluated(Balls(), program, small)[0], Open)
    with precision(400):
        assert evaluated(Balls(), program, small)[0]


def test_an_infinite_number_is_a_constant_of_balls_only():
    assert Balls().constant(math.inf) == arb.pos_inf()
    assert Balls().constant(-math.inf) == arb.neg_inf()
    assert not Balls().constant(math.nan).is_finite()
    system = Rationals()
    for value in (math.inf, math.nan):
        for operation in (abs, lambda x: 1 + x, lambda x: -x, lambda x: x < 1, lambda x: x != 1):
            with pytest.raises(ValueError, match="no rational number"):
                operation(system.constant(value))
        with pytest.raises(ValueError, match="no rational number"):
            system.larger(system.constant(1), system.constant(value))


@pytest.mark.parametrize("value", [2**200 + 1, -(2**64), 0.1, 5e-324, 1.7e308, True])
def test_a_constant_is_exact_at_any_precision(value):
    with precision(30):
        assert fraction(Balls().constant(value)) == Fraction(value)
    assert fraction(Rationals().constant(value)) == Fraction(value)
    if abs(value) < MASK:
        top, bottom = Fraction(value).as_integer_ratio()
        assert int(PrimeField(PRIME, 0).constant(value)) == top * pow(bottom, -1, PRIME) % PRIME


def test_floating_formats_are_lifted_exactly():
    for dtype in (jnp.bfloat16, jnp.float16, jnp.float32):
        (result,) = evaluated(Rationals(), lambda x, d=dtype: x * jnp.asarray(0.1, d).astype(float), 3.0)
        assert fraction(result.array[()]) == 3 * Fraction(float(jnp.asarray(0.1, dtype)))


# Where a system does not decide.

OVERLAP = Numbers(np.array([arb(1, 0.5), arb(1.25, 0.5), arb(3)], object))
UNDECIDED = {
    "cond": lambda x: lax.cond(x[0] < x[1], lambda y: y, lambda y: -y, x),
    "while": lambda x: lax.while_loop(lambda s: s < x[1], lambda s: s + 1, x[0]),
    "where": lambda x: jnp.where(x[0] < x[1], x, -x),
    "index": lambda x: x[(x[0] < x[1]).astype(int)],
    "argmax": lambda x: lax.argmax(x[:2], 0, jnp.int32),
    "argmin": lambda x: lax.argmin(x, 0, jnp.int32),
    "sign": lambda x: lax.sign(x[0] - x[1]),
    "floor": lambda x: jnp.floor(x + 0.5),
    "ceil": lambda x: jnp.ceil(x + 0.5),
    "cbrt": lambda x: jnp.cbrt(x - 1),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_balls_that_overlap_decide_nothing(name):
    with pytest.raises(UndecidableError):
        walk(trace(UNDECIDED[name], jnp.zeros(3)), Balls(), [OVERLAP])


def test_a_comparison_that_does_not_matter_may_be_open():
    (least, largest, decided, open_) = walk(
        trace(lambda x: (x.min(), x.max(), x[0] < x[2], x[0] <= x[1]), jnp.zeros(3)), Balls(), [OVERLAP]
    )
    assert least.array[()].contains(arb(0.5))
    assert least.array[()].contains(arb(1.5))
    assert largest.array[()] == 3
    assert decided is not None
    assert bool(decided)
    assert isinstance(open_, Open)


def test_equal_points_are_equal():
    results = evaluated(Balls(), lambda x: (x == 2, x <= 2, x < 2, x != 2), np.array(2.0))
    assert [bool(x) for x in results] == [True, True, False, False]


ORDERED_ONLY = {
    "lt": lambda x: jnp.where(x < 0, x, -x),
    "eq": lambda x: jnp.where(x == 0, x, -x),
    "bool": lambda x: x.astype(bool),
    "integers": lambda x: x.astype(int),
    "argmax": lambda x: lax.argmax(x, 0, jnp.int32),
    "sorted pairs": lambda x: lax.sort((x, -x), num_keys=1)[1],
    "relu gradient": jax.grad(lambda x: jax.nn.relu(x).sum()),
    "while": lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: s + 1, x),
}


@pytest.mark.parametrize("name", ORDERED_ONLY)
def test_a_field_has_no_order(name):
    with pytest.raises(OrderError, match=r"(order|cut).*balls"):
        evaluated(PrimeField(PRIME, 0), ORDERED_ONLY[name], np.ones(3))


def test_what_lies_outside_of_a_field():
    field = PrimeField(PRIME, 0)
    minus, plus, one = field.constant(-math.inf), field.constant(math.inf), field.constant(1)
    assert isinstance(minus, Mask)
    assert isinstance(field.constant(-MASK), Mask)
    assert isinstance(field.constant(float(np.finfo(np.float64).min)), Mask)
    assert not isinstance(field.constant(-MASK / 2), Mask)
    assert minus + one is minus
    assert one + minus is minus
    assert minus - one is minus
    assert field.larger(minus, one) is one
    assert field.smaller(one, minus) is minus
    assert field.functions["exp"](minus) == 0
    for operation in (
        lambda: one - minus,
        lambda: minus - minus,
        lambda: minus * one,
        lambda: one / minus,
        lambda: -minus,
        lambda: plus + one,
        lambda: minus + plus,
        lambda: field.larger(plus, one),
        lambda: field.smaller(plus, one),
        lambda: field.functions["exp"](plus),
        lambda: field.functions["tanh"](minus),
        lambda: field.larger(field.constant(math.nan), one),
    ):
        with pytest.raises(OrderError):
            operation()


SYMBOLS = sorted(set(Symbolic().functions) - {"exp", "expm1", "sign"} - ABSENT)


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_symbol_is_a_function_and_nothing_else(name):
    program = BALL_FUNCTIONS[name][0]
    field = PrimeField(PRIME, 1)
    x = field.random((3,), "x")
    again, shifted, moved = walk(
        trace(lambda x: (program((x + 1) - 1), program(x + 1), program(x)[::-1]), jnp.ones(3)), field, [x]
    )
    (first,) = walk(trace(program, jnp.ones(3)), field, [x])
    assert [int(a) for a in first.array] == [int(a) for a in again.array] == [int(a) for a in moved.array[::-1]]
    assert not {int(a) for a in first.array} & {int(a) for a in (*shifted.array, *x.array)}
    assert field.calls == 12


def test_functions_with_a_law():
    assert set(Symbolic().functions) <= {*Balls.functions, "sign", "floor", "ceil"}
    field = PrimeField(PRIME, 1)
    x = field.random((), "x")
    whole, product, less = walk(
        trace(lambda x: (jnp.exp(2 * x), jnp.exp(x) * jnp.exp(x), jnp.expm1(x) - jnp.exp(x)), 0.0), field, [x]
    )
    assert isinstance(whole.array[()], Exponentials)
    assert not field.differ(whole.array[()], product.array[()])
    assert int(less.array[()]) == PRIME - 1


LOGARITHMS = {
    "of an exponential": lambda x, y: (jnp.log(jnp.exp(x * y)), x * y),
    "of a shifted sum": lambda x, y: (jnp.log(jnp.exp(x) + 3), jnp.log(jnp.exp(x - y) + 3 * jnp.exp(-y)) + y),
    "of a quotient": lambda x, y: (
        jnp.log(jnp.exp(x) / (2 + jnp.exp(y))),
        x - jnp.log(2 + jnp.exp(y)),
    ),
    "of a factor": lambda x, y: (jnp.log(x * (1 + jnp.exp(y))), jnp.log(x) + jnp.log1p(jnp.exp(y))),
    "of a magnitude": lambda x, y: (jnp.log(jnp.abs(jnp.exp(x) + jnp.exp(y))), jnp.log(1 + jnp.exp(y - x)) + x),
    "of one": lambda x, y: (jnp.log(jnp.exp(x) * jnp.exp(-x)) * y, 0 * y),
}


@pytest.mark.parametrize("name", LOGARITHMS)
def test_a_logarithm_of_a_sum_of_exponentials_has_a_law(name):
    field = PrimeField(PRIME, 1)
    x, y = field.random((), "x"), field.random((), "y")
    (left, right) = walk(trace(LOGARITHMS[name], 0.0, 0.0), field, [x, y])
    assert not field.differ(left.array[()], right.array[()])
    with precision(200):
        for ball in evaluated(Balls(), lambda x, y: jnp.subtract(*LOGARITHMS[name](x, y)), 0.75, -1.25):
            assert ball.array[()].contains(0)


def test_a_logarithm_is_no_other_function():
    field = PrimeField(PRIME, 1)
    x, y = field.random((), "x"), field.random((), "y")
    pairs = walk(
        trace(
            lambda x, y: (
                jnp.log(jnp.exp(x) + jnp.exp(y)),
                jnp.log(jnp.exp(x) + 2 * jnp.exp(y)),
                jnp.log(jnp.exp(2 * x) + jnp.exp(y)),
                jnp.log(x * y),
                jnp.log(x) + jnp.log(y),
                x + y,
                jnp.log(2 * jnp.exp(x)),
                x,
            ),
            0.0,
            0.0,
        ),
        field,
        [x, y],
    )
    assert len({int(field._plain(number.array[()])) for number in pairs}) == len(pairs)


def test_a_maximum_is_a_symbol_of_a_set():
    field = PrimeField(PRIME, 1)
    a, b, c, d = field.random((4,), "x").array
    top, low = field.larger, field.smaller
    assert top(top(a, b), c) == top(b, top(c, a)) == top(top(a, c), top(b, a))
    assert top(a, a) == a
    assert low(a, low(b, a)) == low(b, a)
    different = [top(a, b), top(b, c), low(a, b), top(top(a, b), c), top(a, d), a, b]
    assert len({int(x) for x in different}) == len(different)
    # min and max are not tied to each other
    assert top(a, low(a, b)) != a


UNKNOWN = {
    "rationals": lambda x: lax.exp(x),
    "balls": lambda x: lax.nextafter(x, x),
    "field": lambda x: lax.nextafter(x, x),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_unknown_primitive_is_named_with_its_line(system):
    name = "exp" if system == "rationals" else "nextafter"
    with pytest.raises(UnknownPrimitiveError, match=rf"'{name}' at .*test_algebra\.py:\d+"):
        evaluated(SYSTEMS[system](), UNKNOWN[system], np.ones(2))


def test_a_power_without_a_rational_value_is_named_with_its_line():
    with pytest.raises(UnknownPrimitiveError, match=r"'pow' at .*test_algebra\.py:\d+.*powers"):
        evaluated(Rationals(), lambda x: x**x, np.ones(2))


def test_a_division_by_zero_has_no_value():
    for system in (Rationals(), PrimeField(PRIME, 0)):
        with pytest.raises(ZeroDivisionError):
            evaluated(system, lambda x: 1 / (x - x), np.ones(2))
    (result,) = evaluated(Balls(), lambda x: 1 / (x - x), np.ones(2))
    assert not any(x.is_finite() for x in result.array)


def test_numbers_are_no_arrays():
    assert not isinstance(Numbers(fmpq(1)), np.ndarray)
    assert Numbers(fmpq(1)).array.shape == ()
    assert "1" in repr(Numbers(fmpq(1)))
