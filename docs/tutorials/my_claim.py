"""Moving every value by one vector moves the output by that vector."""

import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import FunctionalDual, projective_targets


def attention(query, keys, values, shift):
    """The left side: attention over the moved values."""
    return softmax_attention(query[None], keys, values + shift[None])[0]


def dual_then_shift(query, keys, values, shift):
    """The right side: the dual of the values as they were, after its step, then the shift."""
    model = FunctionalDual.untrained(keys, projective_targets(values))
    return model.predict(model.train(), query[None])[0] + shift


claim = Claim(
    slug="my-claim",
    title="Moving all values moves the output",
    statement=r"For every vector $c$: attention over $(k_i, v_i + c)$ is attention over $(k_i, v_i)$, plus $c$.",
    proof=r"The weights do not depend on the values and sum to one: $\sum_i w_i (v_i + c) = \sum_i w_i v_i + c$.",
    source="elementary",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "shift": "dv"},
    dimensions={"n": (1, 6), "d": (1, 4), "dv": (1, 3)},
    shapes=({"n": 6, "d": 3, "dv": 2}, {"n": 2, "d": 4, "dv": 1}),
    left=attention,
    right=dual_then_shift,
    mutants=(
        Mutant("the shift is forgotten", alter(dual_then_shift, shift=jnp.zeros_like)),
        Mutant("the shift is added once a token", alter(dual_then_shift, shift=lambda shift, n: n * shift)),
    ),
)
