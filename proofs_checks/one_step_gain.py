"""How much lower one step brings the test loss with a demonstration than without it."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.effect import DualLoss, linear_contributions, one_step_gains


def retrained_without_each(query, keys, values, start, target, n):
    """The step is taken once more without each demonstration."""
    loss = DualLoss(DualModel(start, keys, values, learning_rate=0.25), query, target)
    without = jax.vmap(lambda kept: loss(kept))(1 - jnp.eye(n, dtype=keys.dtype))
    return without - loss(jnp.ones((n,), keys.dtype))


def closed_form(query, keys, values, start, target):
    return one_step_gains(linear_contributions(query, keys, values), target, start @ query)


def to_first_order(query, keys, values, start, target):
    """The derivative in the demonstration's rate, half of its own square left out."""
    parts = linear_contributions(query, keys, values)
    return parts @ (target - start @ query - jnp.sum(parts, axis=0))


def alone(query, keys, values, start, target):
    """Its own step from the start, against no step."""
    parts = linear_contributions(query, keys, values)
    return parts @ (target - start @ query) - jnp.sum(parts * parts, axis=1) / 2


def start_left_out(query, keys, values, target):
    return one_step_gains(linear_contributions(query, keys, values), target, jnp.zeros_like(target))


claim = Claim(
    slug="one-step-gain",
    title="What a demonstration gains in one step is its contribution times the error that is left, and half its square",
    group="D",
    statement=r"""
Let $\ell(o) = \frac12\|y-o\|^2$, $W_1$ one step on all demonstrations from $W_0$ and $W_1^{-i}$ the step without demonstration $i$. With the contributions $C_i = v_i\kappa(k_i,q)$
and the output $o_1 = f_{W_1}(q) = f_{W_0}(q)+\sum_jC_j$,
$$\ell\big(f_{W_1^{-i}}(q)\big)-\ell\big(f_{W_1}(q)\big) = \langle C_i,\;y-o_1\rangle+\tfrac12\|C_i\|^2 .$$
It is positive, the demonstration accelerates the descent of the test loss, iff $C_i$ points less than half of its own length beyond what the others have left to be done.
""",
    assumptions=(
        "the output is a sum of contributions: linear attention, or a normaliser that stays without $i$ what it was",
    ),
    proof=r"""
$f_{W_1^{-i}}(q) = o_1-C_i$ (claim `effect-decomposition`), and $\frac12\|r+C_i\|^2-\frac12\|r\|^2 = \langle C_i,r\rangle+\frac12\|C_i\|^2$ with $r = y-o_1$. With the error
$r^{-i} = r+C_i$ that the others leave it is $\langle C_i,r^{-i}\rangle-\frac12\|C_i\|^2$, positive iff $\langle C_i,r^{-i}\rangle>\frac12\|C_i\|^2$. $\square$

The gains do not sum to the whole fall: by `shapley-interactions`, $g_i = \phi_i+\frac12\sum_{j\ne i}I_{ij}$.
""",
    source="a public summary of LRGD, arXiv 2504.04386, says that Effect_D measures by how much a demonstration accelerates the descent; this form is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "start": "dv d", "target": "dv"},
    dimensions={"n": (2, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 3, "d": 3, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    left=retrained_without_each,
    right=closed_form,
    mutants=(
        Mutant("to first order", to_first_order),
        Mutant("its own step alone", alone),
        Mutant("W0 is left out", start_left_out),
    ),
)
