"""Which branch a point reaches, by what a comparison means."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import trace
from lrgd_jax.certify.points.decision_margins import SidePrograms
from lrgd_jax.certify.points.unreached_branches import unreached

FIRST, SECOND = "the first of its operands", "the second of its operands"
REACHED = {
    # by the sign of x: below, at and above zero
    "lt": (lambda x: lax.lt(x, 0 * x), ("true", "false", "false")),
    "le": (lambda x: lax.le(x, 0 * x), ("true", "true", "false")),
    "gt": (lambda x: lax.gt(x, 0 * x), ("false", "false", "true")),
    "ge": (lambda x: lax.ge(x, 0 * x), ("false", "true", "true")),
    "eq": (lambda x: lax.eq(x, 0 * x), ("false", "true", "false")),
    "ne": (lambda x: lax.ne(x, 0 * x), ("true", "false", "true")),
    "max": (lambda x: lax.max(x, 0 * x), (SECOND, None, FIRST)),
    "min": (lambda x: lax.min(x, 0 * x), (FIRST, None, SECOND)),
    "sign": (lax.sign, ("negative", None, "positive")),
    "abs": (lax.abs, ("of a negative number", None, "of a positive number")),
}


@pytest.mark.parametrize("name", REACHED)
def test_a_branch_is_reached_where_its_comparison_says(name):
    function, reached = REACHED[name]
    program = trace(lambda x: jnp.sum(function(x).astype(float)), jax.ShapeDtypeStruct((1,), np.float64))
    every = {branch for branch in reached if branch is not None}
    for x, branch in zip((-1.0, 0.0, 1.0), reached, strict=True):
        lines = unreached(SidePrograms((program, program)), [[np.array([x])]])
        assert all(line.startswith(f"'{name}' at ") for line in lines)
        assert {line.partition(" was never ")[2] for line in lines} == every - {branch}
    both = [[np.array([x])] for x in (-1.0, 0.0, 1.0)]
    assert unreached(SidePrograms((program, program)), both) == ()
