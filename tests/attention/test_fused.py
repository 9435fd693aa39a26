"""The kernel, interpreted, against the form that XLA compiles: the same sums in the same chunks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.attention import causal_linear_attention, fused_causal_linear_attention
from lrgd_jax.certify import equal, running_error, trace
from lrgd_jax.features import elu_plus_one, identity


def tokens(n, heads=2, groups=1):
    rng = np.random.default_rng(n)
    shapes = (heads, n, 3), (groups, n, 3), (groups, n, 2)
    return [jnp.asarray(rng.standard_normal(shape), jnp.float32) for shape in shapes]


@pytest.mark.parametrize("normalised", [False, True])
def test_the_kernel_is_certified_to_be_attention(normalised):
    """Against every token's weights written out, and refuted where it reads a token too many."""
    n = 3  # a chunk, and half of one

    def kernel(q, k, v):
        return fused_causal_linear_attention(q, k, v, normalised=normalised, chunk=2)

    def written_out(diagonal):
        def attend(q, k, v):
            weights = jnp.where(jnp.tri(n, n, diagonal, bool), q[0] @ k[0].T, jnp.zeros((), q.dtype))
            outputs = weights @ v[0]
            return (outputs / jnp.sum(weights, axis=1, keepdims=True) if normalised else outputs)[None]

        return attend

    shapes = f"q:h=1,n={n},d=1; k:h,n,d; v:h,n,dv=1"
    assert equal(kernel, written_out(0), shapes)
    assert normalised or not equal(kernel, written_out(1), shapes)


@pytest.mark.parametrize("n", [1, 4, 9])
@pytest.mark.parametrize(("phi", "normalised"), [(identity, False), (elu_plus_one, True)])
def test_the_kernel_within_the_rounding_of_its_sums(n, phi, normalised):
    def compiled(q, k, v):
        return causal_linear_attention(q, k, v, feature_map=phi, normalised=normalised, chunk=4)[0]

    given = tokens(n)
    kernel = fused_causal_linear_attention(*given, feature_map=phi, normalised=normalised, chunk=4)
    bound = running_error(trace(compiled, *given), *given)
    # one for what the bound's own values lose, one for the kernel, which adds up the same products in the same chunks
    assert np.all(np.abs(np.asarray(kernel, np.float64) - bound.value) <= 2 * bound.error)
    assert np.all(bound.error < np.abs(bound.value))


def test_its_derivatives_are_those_of_the_form_that_is_compiled():
    given = tokens(5)

    def loss(attend, *given):
        return jnp.sum(attend(*given) ** 2)

    kernel = jax.grad(lambda *x: loss(lambda *y: fused_causal_linear_attention(*y, chunk=2), *x), argnums=(0, 1, 2))
    compiled = jax.grad(lambda *x: loss(lambda *y: causal_linear_attention(*y, chunk=2)[0], *x), argnums=(0, 1, 2))
    bound = running_error(trace(compiled, *given), *given)
    for found, value, error in zip(kernel(*given), bound.value, bound.error, strict=True):
        assert np.all(np.abs(np.asarray(found, np.float64) - value) <= 2 * error)


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_named():
    q, k, v = tokens(4)
    with pytest.raises(ValueError, match=r"fused_causal_linear_attention.*chunk"):
        fused_causal_linear_attention(q, k, v, chunk=0)
    with pytest.raises(ValueError, match="fused_causal_linear_attention"):
        fused_causal_linear_attention(q, k[:, :3], v)
