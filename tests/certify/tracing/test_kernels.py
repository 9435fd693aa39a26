"""A Pallas kernel in interpret mode is read as the loops over its blocks, wherever in a program it is called."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import ShapedArray
from jax.experimental import pallas as pl

from lrgd_jax.certify import Certificate, Counterexample, UnknownPrimitiveError, equal, running_error, trace
from lrgd_jax.certify.tracing.jaxprs import inner_jaxprs

SHAPES = "q:n=4,d=2; k:n,d; v:n,dv=1"
BLOCK = 2


def kernel(q, k, v, o, state):
    """Causal linear attention of a block of tokens, and the state after it."""

    @pl.when(pl.program_id(0) == 0)
    def _():
        state[...] = jnp.zeros_like(state)

    queries, keys, values = q[...], k[...], v[...]
    seen = jax.lax.broadcasted_iota(jnp.int32, (BLOCK, BLOCK), 1) <= jax.lax.broadcasted_iota(
        jnp.int32, (BLOCK, BLOCK), 0
    )
    o[...] = queries @ state[...] + jnp.where(seen, queries @ keys.T, 0) @ values
    state[...] += keys.T @ values


def attend(q, k, v, *, kernel=kernel, interpret=True):
    (n, d), dv = k.shape, v.shape[1]
    q, k, v = (jnp.pad(x, ((0, -n % BLOCK), (0, 0))) for x in (q, k, v))
    return pl.pallas_call(
        kernel,
        grid=(k.shape[0] // BLOCK,),
        in_specs=[pl.BlockSpec((BLOCK, width), lambda i: (i, 0)) for width in (d, d, dv)],
        out_specs=pl.BlockSpec((BLOCK, dv), lambda i: (i, 0)),
        out_shape=jax.ShapeDtypeStruct((k.shape[0], dv), v.dtype),
        scratch_shapes=[pl.MemoryRef(ShapedArray((d, dv), v.dtype), pl.ANY)],
        interpret=interpret,
    )(q, k, v)[:n]


def all_pairs(q, k, v):
    return jnp.tril(q @ k.T) @ v


def in_a_call(q, k, v):
    return jax.jit(attend)(q, k, v)


def in_a_branch(q, k, v):
    return jax.lax.cond(k.shape[0] > 2, attend, all_pairs, q, k, v)


def in_a_loop(q, k, v):
    return jax.lax.scan(lambda total, _: (total + attend(q, k, v) / 2, None), jnp.zeros_like(v), length=2)[0]


@pytest.mark.parametrize("program", [attend, in_a_call, in_a_branch, in_a_loop])
def test_a_kernel_is_certified_wherever_it_is_called(program):
    assert isinstance(equal(program, all_pairs, SHAPES), Certificate)


def forgets_the_state(q, k, v, o, state):
    kernel(q, k, v, o, state)
    state[...] = jnp.zeros_like(state)


def writes_the_first_row_alone(q, k, v, o, state):
    o[0, :] = v[0, :]


def test_a_wrong_kernel_is_refuted_by_the_smallest_counterexample():
    def wrong(q, k, v):
        return attend(q, k, v, kernel=forgets_the_state)

    refuted = equal(wrong, all_pairs, SHAPES)
    assert isinstance(refuted, Counterexample)
    assert refuted.arguments is not None
    # of two blocks, in each of which one token is seen
    assert refuted.sizes == {"n": 3, "d": 1, "dv": 1}


def test_what_a_kernel_never_writes_is_not_certified():
    def partial(q, k, v):
        return attend(q, k, v, kernel=writes_the_first_row_alone)

    assert not isinstance(equal(partial, all_pairs, SHAPES), Certificate)


def test_rounding_is_bounded_as_of_any_program():
    rng = np.random.default_rng(0)
    tokens = [rng.standard_normal((4, width)).astype(np.float32) for width in (2, 2, 1)]
    bounded = running_error(attend, *tokens)
    exact = all_pairs(*(np.asarray(x, np.float64) for x in tokens))
    assert np.all(np.abs(np.asarray(attend(*tokens), np.float64) - exact) <= bounded.error)


def test_a_kernel_that_is_compiled_is_left_alone_and_named():
    def compiled(q, k, v):
        return attend(q, k, v, interpret=False)

    struct = [jax.ShapeDtypeStruct((4, width), jnp.float32) for width in (2, 2, 1)]
    (kernel_call,) = (eqn for eqn in trace(compiled, *struct).jaxpr.jaxpr.eqns if eqn.primitive.name == "pallas_call")
    assert any(True for _ in inner_jaxprs(kernel_call))
    with pytest.raises(UnknownPrimitiveError, match=r"pallas_call.*interpret=True"):
        running_error(compiled, *(np.ones(x.shape, np.float32) for x in struct))
