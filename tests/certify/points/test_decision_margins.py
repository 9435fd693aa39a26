"""The edges that are looked for are where a function jumps or has its end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lrgd_jax.certify import trace
from lrgd_jax.certify.points.decision_margins import MarginProbe, SidePrograms

EDGES = {
    "floor": (lax.floor, (-1.0, 0.0, 1.0)),
    "ceil": (lax.ceil, (-1.0, 0.0, 1.0)),
    "round": (lax.round, (-0.5, 0.5, 1.5)),
    "log1p": (jnp.log1p, (-1.0,)),
    "asin": (jnp.arcsin, (-1.0, 1.0)),
    "acosh": (jnp.arccosh, (1.0,)),
    "abs": (lax.abs, (0.0,)),
    "clamp": (lambda x: lax.clamp(-2.0, x, 3.0), (-2.0, 3.0)),
    "to a whole number": (lambda x: x.astype(int).astype(float), (-1.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_margin_is_zero_at_each_edge_and_nowhere_else(name):
    function, edges = EDGES[name]
    program = trace(function, jax.ShapeDtypeStruct((), np.float64))

    def margins(x):
        found = MarginProbe().margins_at(SidePrograms((program, program)), [np.array(x)])
        assert found is not None
        return [float(np.ravel(margin)[0]) for margin in found.values()]

    for edge in edges:
        assert 0.0 in margins(edge), edge
    between = 0.375
    assert sorted({between - x for x in margins(between)}) == sorted(edges)
