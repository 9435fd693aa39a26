"""Where one program alone has no value: what is told of either side."""

import jax.numpy as jnp
import numpy as np
import pytest

from lrgd_jax.certify import trace
from lrgd_jax.certify.balls.undefined_values import find_one_sided


@pytest.mark.parametrize(
    ("function", "x", "told"),
    [
        (jnp.sqrt, -1.0, "nan"),
        (jnp.log, -2.0, "nan"),
        (jnp.log, 0.0, "-inf"),
        (lambda x: 0 / x, 0.0, "nan"),
        (lambda x: 1 / x, 0.0, "inf"),
        (lambda x: 1 / x - 1 / x, 0.0, None),  # of infinities of unknown sign
        (lambda x: 0 * (1 / x), 0.0, "nan"),
        (lambda x: 1 + jnp.sqrt(x), -1.0, "nan"),
        (lambda x: jnp.where(jnp.sqrt(x) == jnp.sqrt(x), 1.0, 2.0), -1.0, None),  # NaN is not equal to itself: a number
        (lambda x: jnp.exp(x), -1.0, None),
    ],
)
def test_what_has_no_value_beside_a_number(function, x, told):
    left, right = (trace(f, np.array([x])) for f in (function, lambda x: x + 3.0))
    found = find_one_sided(left, right, [np.array([x])])
    if told is None:
        assert found is None
    else:
        assert found is not None
        assert found.left == ([told],)
        assert [float(text) for text in found.right[0]] == [x + 3]
        other = find_one_sided(right, left, [np.array([x])])
        assert other is not None
        assert other.right == ([told],)


def test_two_sides_without_a_value_differ_in_nothing():
    left, right = (trace(f, np.array([-1.0])) for f in (jnp.sqrt, jnp.log))
    assert find_one_sided(left, right, [np.array([-1.0])]) is None
