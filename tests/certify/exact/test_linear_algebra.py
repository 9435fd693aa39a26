"""Reflections in balls: their sign is the one that loses no digits."""

import jax.numpy as jnp
import numpy as np

from lrgd_jax.certify import trace, walk
from lrgd_jax.certify.balls.ball_arithmetic import Balls, precision

BITS = 300


def test_a_column_that_is_nearly_an_axis_is_reflected_away_from_it():
    """R_00 = -|column|; the other sign would subtract two numbers that agree in all the digits there are."""
    x = np.array([[1.0, 0.0], [2.0**-200, 1.0]])
    system = Balls()
    with precision(BITS):
        orthogonal, upper = walk(trace(lambda x: jnp.linalg.qr(x), x), system, [system.lift(x, x.dtype)])
        assert upper.array[0, 0] < 0
        for entry in (*orthogonal.array.ravel(), *upper.array.ravel()):
            assert float(entry.rad()) <= 2.0 ** (20 - BITS)
