"""What an error of the argument becomes: to first order the slope times the error, and little more."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import running_error


@pytest.mark.parametrize(
    ("function", "slope"),
    [(jnp.exp, np.exp), (jnp.exp2, lambda x: np.exp2(x) * np.log(2)), (jnp.expm1, np.exp)],
)
def test_an_error_of_an_exponent_is_multiplied_by_the_slope(function, slope):
    error = 2.0**-20
    for x in (-3.0, 0.5, 2.0):
        found = running_error(function, np.array(x), errors=(np.array(error),))
        # second order in the error, and a few hundred roundings at most
        least, most = slope(x) * error, slope(x) * error * (1 + 8 * error) + 512 * np.finfo(float).eps * np.exp(abs(x))
        assert least * (1 - error) <= found.error <= most
