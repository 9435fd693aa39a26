"""Fourier transforms over several axes, of real and of complex numbers, against numpy's."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import trace, walk
from lrgd_jax.certify.balls.ball_arithmetic import Balls, precision

X = np.random.default_rng(0).integers(-4, 5, (2, 3, 4)).astype(float)


def agree(program, arrays, wanted):
    """The balls lie on numpy's numbers, which lose a few units of the sum of all magnitudes for each factor of two."""
    system = Balls()
    with precision(120):
        (found,) = walk(trace(program, *arrays), system, [system.lift(x, x.dtype) for x in arrays])
        middles = np.vectorize(lambda ball: float(ball.mid()), otypes=[float])(found.array)
        assert all(float(ball.rad()) <= 2.0**-100 for ball in found.array.ravel())
    assert (np.abs(middles - wanted) <= 16 * np.finfo(float).eps * np.abs(X).sum()).all()


@pytest.mark.parametrize("part", [jnp.real, jnp.imag])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transforms_of_real_numbers(axes, part):
    which = tuple(range(-axes, 0))
    agree(lambda x: part(jnp.fft.rfftn(x, axes=which)), [X], np.asarray(part(np.fft.rfftn(X, axes=which))))


@pytest.mark.parametrize("part", [jnp.real, jnp.imag])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transforms_of_complex_numbers(axes, part):
    which = tuple(range(-axes, 0))
    for transform, theirs in ((jnp.fft.fftn, np.fft.fftn), (jnp.fft.ifftn, np.fft.ifftn)):

        def program(x, y, transform=transform):
            return part(transform(lax.complex(x, y), axes=which))

        agree(program, [X, X[::-1].copy()], np.asarray(part(theirs(X + 1j * X[::-1], axes=which))))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_there_and_back(axes):
    which = tuple(range(-axes, 0))
    sizes = X.shape[-axes:]
    agree(lambda x: jnp.fft.irfftn(jnp.fft.rfftn(x, axes=which), s=sizes, axes=which), [X], X)
