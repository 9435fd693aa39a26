"""What differs between versions of JAX: each way of asking gives, on the running one, what the program means."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax
from jax.extend import core

from lrgd_jax.certify import UnknownPrimitiveError, equal, running_error, trace
from lrgd_jax.certify.tracing.jax_versions import EXP_NEG_SQ, library_function, newer_functions, scan_layout
from lrgd_jax.certify.verdicts.random_fields import Agreement

ERF = (lax.erf, lax.erfc)
X = jnp.concatenate([jnp.linspace(-3, 3, 41), jnp.array([0.0, 1e-30, 9.5, -27.0])])


def _loop(constant, first, second, rows):
    return lax.scan(lambda carry, row: ((carry[0] * constant, carry[1] + row), carry[0]), (first, second), rows)


def _calls(jaxpr):
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "custom_jvp_call":
            yield eqn
        for inner in eqn.params.values():
            yield from _calls(getattr(inner, "jaxpr", None)) if hasattr(inner, "jaxpr") else ()


@pytest.mark.parametrize("transform", [lambda f: f, jax.vmap], ids=["plain", "vmap"])
def test_the_layout_of_a_loop(transform):
    arguments = (1.0, 2.0, 3.0, jnp.ones(4)) if transform is not jax.vmap else (*(jnp.ones(3),) * 3, jnp.ones((3, 4)))
    eqn = next(x for x in jax.make_jaxpr(transform(_loop))(*arguments).eqns if x.primitive.name == "scan")
    constants, carried = scan_layout(eqn.params)
    assert (constants, carried) == (1, 2)
    assert len(eqn.invars) == constants + carried + 1


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap of grad", "jit", "second"])
def test_a_loop_is_walked_through_every_transformation(transform):
    def total(x):
        return jnp.sum(_loop(x[0], x[1], x[2], x * x)[0][1] + _loop(x[0], x[1], x[2], x)[1])

    functions = {
        "grad": jax.grad(total),
        "jvp": lambda x: jax.jvp(total, (x,), (jnp.sin(x),))[1],
        "vmap of grad": lambda x: jax.vmap(jax.grad(total))(jnp.stack([x, -x])),
        "jit": jax.jit(jax.grad(total)),
        "second": jax.hessian(total),
    }
    x = jnp.array([0.5, -1.25, 2.0])
    bounded = running_error(functions[transform], x)
    assert np.isfinite(bounded.error).all()
    assert (np.abs(bounded.value - functions[transform](x)) <= bounded.error).all()


@pytest.mark.parametrize("function", ERF)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_derivative_of_erf_calls_at_most_one_function_of_the_library(function, dtype):
    for x in (X.astype(dtype), X.astype(dtype)[0]):
        for program in (
            lambda x: jax.jvp(function, (x,), (x,))[1],
            lambda x: jax.jit(jax.grad(function))(x.ravel()[0]),
        ):
            calls = list(_calls(jax.make_jaxpr(program)(x).jaxpr))
            assert [library_function(call) for call in calls] == [EXP_NEG_SQ] * len(calls)


@pytest.mark.parametrize("function", ERF)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_rounding_bound_of_the_derivative_of_erf_holds_and_is_close(function, dtype):
    x = X.astype(dtype)
    derivative = jax.vmap(jax.grad(function))
    bounded = running_error(derivative, x)
    computed = np.asarray(derivative(x), np.float64)
    sign = 1 if function is lax.erf else -1
    with mpmath.workprec(200):
        constant = sign * mpmath.mpf(float(jnp.asarray(2 / np.sqrt(np.pi), dtype)))
        exact = [constant * mpmath.exp(-(mpmath.mpf(float(v)) ** 2)) for v in x]
        errors = [abs(mpmath.mpf(float(c)) - e) for c, e in zip(computed, exact, strict=True)]
        worth = [abs(mpmath.mpf(float(v)) - e) for v, e in zip(bounded.value, exact, strict=True)]
    slack = 2 * float(jnp.finfo(dtype).eps)  # the constant itself is a literal
    for error, off, bound, true in zip(errors, worth, bounded.error, exact, strict=True):
        assert error <= bound + slack * abs(true)
        assert off <= bound + slack * abs(true)
    assert bounded.error.max() <= 100 * jnp.finfo(dtype).eps


def test_the_derivatives_of_erf_are_exponentials_for_every_layer():
    def bell(x):
        return jax.vmap(jax.grad(lax.erf))(x) * jnp.exp(x * x)

    def constant(x):
        return jnp.full_like(x, jax.grad(lax.erf)(jnp.zeros((), x.dtype)))

    assert equal(bell, constant, "x:n=3")
    assert not equal(lambda x: bell(2 * x), lambda x: constant(x) * jnp.exp(x * x), "x:n=3")


def test_the_second_derivative_of_erf_has_its_bound():
    second = jax.vmap(jax.grad(jax.grad(lax.erf)))
    bounded = running_error(second, X)
    assert (np.abs(bounded.value - second(X)) <= bounded.error).all()
    assert np.isfinite(bounded.error).all()


@jax.custom_jvp
def _masked(x):
    bits = lax.bitcast_convert_type(jnp.minimum(jnp.abs(x), 28.0), jnp.uint64)
    return lax.bitcast_convert_type(bits & jnp.uint64(0xFFFFFFFFF8000000), jnp.float64)


_masked.defjvp(lambda primals, tangents: (_masked(*primals), tangents[0]))


def test_another_function_that_masks_bits_is_not_taken_for_the_library_s():
    (call,) = _calls(trace(_masked, X).jaxpr.jaxpr)
    assert library_function(call) is None
    with pytest.raises(UnknownPrimitiveError, match="bitcast_convert_type"):
        running_error(_masked, X)


def test_the_library_s_own_function_is_the_one_that_it_stands_for():
    function = newer_functions().get(EXP_NEG_SQ.name)
    called = list(_calls(trace(jax.vmap(jax.grad(lax.erf)), X).jaxpr.jaxpr))
    assert (function is None) == (not called)
    if function is not None:
        np.testing.assert_array_equal(function(X), core.jaxpr_as_fun(called[0].params["call_jaxpr"])(X)[0])


def _of_degree_eleven(x):
    return jnp.polyval(jnp.arange(12.0), x)


def _derived_by_hand(x):
    return jnp.polyval(jnp.arange(11.0) * jnp.arange(11.0, 0, -1), x)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (jnp.tanh, lambda x: 1 - jnp.tanh(x) ** 2),
        (jnp.arctanh, lambda x: 1 / (1 - x * x)),
        (jnp.arcsin, lambda x: lax.rsqrt(1 - x * x)),
        (lambda x: jnp.polyval(jnp.array([2.0, -1.0, 0.5]), x), lambda x: 4 * x - 1),
        (
            lambda x: jnp.polyval(jnp.arange(12.0), x),
            lambda x: jnp.polyval(jnp.arange(11.0) * jnp.arange(11.0, 0, -1), x),
        ),
    ],
)
def test_derivatives_are_the_same_whatever_primitive_holds_them(function, derivative):
    assert equal(jax.vmap(jax.grad(function)), derivative, "x:n=2")
    assert not equal(jax.vmap(jax.grad(function)), lambda x: derivative(x) + x, "x:n=2")
    x = jnp.array([0.25, -0.75, 1e-9])
    bounded = running_error(jax.vmap(jax.grad(function)), x)
    assert (np.abs(bounded.value - jax.vmap(jax.grad(function))(x)) <= bounded.error).all()
    assert (bounded.error <= 100 * jnp.finfo(x.dtype).eps * (1 + np.abs(bounded.value))).all()


@pytest.mark.parametrize("rows", [2, 3])
@pytest.mark.parametrize("wrapped", [lambda f: f, jax.jit, jax.vmap], ids=["plain", "jit", "vmap"])
def test_determinants_of_small_matrices_are_polynomials_for_a_field(rows, wrapped):
    def by_hand(x):
        return jnp.sum(x[0] * jnp.cross(x[1], x[2])) if rows == 3 else x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]

    def det(x):
        return jnp.linalg.det(x)

    def wrong(x):
        return by_hand(x) + x[0, 0] - x[1, 1]

    shape = f"x:m=2,n={rows},n" if wrapped is jax.vmap else f"x:n={rows},n"
    found = equal(wrapped(det), wrapped(by_hand), shape)
    assert isinstance(found.exact, Agreement)
    assert not equal(wrapped(det), wrapped(wrong), shape)


def test_the_determinant_s_rounding_is_that_of_the_program_that_runs():
    x = jnp.array([[1e-3, 2.0, 3.0], [4.0, 5.5, 6.0], [7.0, 8.0, 9.5]])
    bounded = running_error(jnp.linalg.det, x)
    with mpmath.workprec(200):
        exact = mpmath.det(mpmath.matrix(x.tolist()))
        assert abs(mpmath.mpf(float(jnp.linalg.det(x))) - exact) <= bounded.error
