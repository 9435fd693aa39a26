"""The line that an error names is the user's own."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import UnknownPrimitiveError, running_error, trace
from lrgd_jax.certify.tracing.source_lines import LIBRARIES, source_line
from lrgd_jax.features import elu_plus_one

X = np.array([[2.0, 1.0], [0.5, 3.0]])


def first(x):
    return jnp.linalg.svd(x)[1]


def second(x):
    return jnp.linalg.svd(x)[1]


@jax.jit
def jitted(x):
    return lax.nextafter(x, 2 * x)


def through_jit(x):
    return jitted(x) + 1


def in_a_loop(x):
    def step(carry, row):
        return carry + lax.igamma(row, row), row

    return lax.scan(step, x[0], x)


def of_an_expansion(x):
    return lax.reduce_window(
        x, 0.0, lambda a, b: a + b * b, (1, 2), (1, 1), "VALID"
    )  # fmt: skip


def of_complex_numbers(x):
    return jnp.abs(x + 1j * x)


def in_a_solver(x):
    return jax.scipy.sparse.linalg.cg(lambda y: lax.igamma(y, y), x[0])[0]


def in_a_branch(x):
    return lax.cond(
        x[0, 0] > 0,
        lambda y: lax.igamma(y, y),
        lambda y: y,
        x,
    )


def in_a_library(x):
    return jax.vmap(jnp.linalg.pinv)(x[None])


LINES = {
    first: 1,
    second: 1,
    through_jit: None,
    in_a_loop: 2,
    of_an_expansion: 1,
    of_complex_numbers: 1,
    in_a_solver: 1,
    in_a_branch: 3,
    in_a_library: 1,
}


@pytest.mark.parametrize("function", LINES)
def test_the_line_is_that_of_the_call(function):
    """Also where JAX has traced the library's function before, for another caller."""
    shown = inspect.unwrap(jitted) if LINES[function] is None else function
    line = inspect.getsourcelines(shown)[1] + (2 if LINES[function] is None else LINES[function])
    with (
        jax.numpy_dtype_promotion("standard"),
        pytest.raises(UnknownPrimitiveError, match=rf"test_source_lines\.py:{line} "),
    ):
        running_error(function, X)


def test_a_function_of_this_package_is_a_library():
    def caller(x):
        return elu_plus_one(x)

    line = inspect.getsourcelines(caller)[1] + 1
    for eqn in trace(caller, X[0]).jaxpr.jaxpr.eqns:
        assert f"test_source_lines.py:{line} " in source_line(eqn)
    assert "lrgd_jax" in LIBRARIES


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (first, "jnp.linalg.solve"),
        (lambda x: lax.approx_max_k(x, 1)[0], "top_k"),
        (lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x), "Python"),
        (lambda x: lax.igamma(x, x), r"docs/primitives\.md"),
        (lambda x: lax.reduce(x, 0.0, lambda a, b: a + b * b, (0,)), "jax.lax.scan"),
    ],
)
def test_the_message_says_what_to_write(function, advice):
    with pytest.raises(UnknownPrimitiveError, match=advice):
        running_error(function, X)
