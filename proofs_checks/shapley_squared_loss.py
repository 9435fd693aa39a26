"""The Shapley values for a squared loss in closed form, against all 2^N retrained models."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.effect import DualLoss, linear_contributions, shapley_squared_loss


def by_enumeration(query, keys, values, start, target, n):
    """The definition: a model is trained on every subset; whole factorials keep it exact."""
    loss = DualLoss(DualModel(start, keys, values, learning_rate=0.25), query, target)
    bits = (np.arange(1 << n)[:, None] >> np.arange(n)[None, :]) & 1
    payoffs = -jax.vmap(lambda subset: loss(subset))(jnp.asarray(bits, keys.dtype))
    size = bits.sum(axis=1)
    values_of = []
    for i in range(n):
        without = np.flatnonzero(bits[:, i] == 0)
        orders = [math.factorial(size[s]) * math.factorial(n - 1 - size[s]) for s in without]
        gains = payoffs[without + (1 << i)] - payoffs[without]
        values_of.append(jnp.asarray(orders, keys.dtype) @ gains / math.factorial(n))
    return jnp.stack(values_of)


def closed_form(query, keys, values, start, target):
    return shapley_squared_loss(linear_contributions(query, keys, values), target, start @ query)


def half_left_out(query, keys, values, start, target):
    """What each adds when it comes last, to first order."""
    parts = linear_contributions(query, keys, values)
    return parts @ (target - start @ query - jnp.sum(parts, axis=0))


def coming_first(query, keys, values, start, target):
    """What each adds when it comes first."""
    parts = linear_contributions(query, keys, values)
    return parts @ (target - start @ query) - jnp.sum(parts * parts, axis=1) / 2


def zero_shot_forgotten(query, keys, values, start, target):
    return shapley_squared_loss(linear_contributions(query, keys, values), target, jnp.zeros_like(target))


claim = Claim(
    slug="shapley-squared-loss",
    title="For a squared loss the Shapley values are N inner products",
    group="D",
    statement=r"""
Let $u(S) = -\frac12\|y-f_{W_S}(q)\|^2$, with $W_S$ trained by one step on the demonstrations of $S$. With $C_i = v_i\kappa(k_i,q)$ and $o_0 = f_{W_0}(q)$ the Shapley value of
demonstration $i$ is
$$\phi_i = \sum_{S\not\ni i}\frac{|S|!\,(N-1-|S|)!}{N!}\,\big(u(S\cup i)-u(S)\big) = \langle C_i,\;y-o_0-\tfrac12\sum_jC_j\rangle .$$
""",
    assumptions=(
        "the output is a sum of contributions: linear attention, or a normaliser that does not change with $S$",
    ),
    proof=r"""
$f_{W_S}(q) = o_0+\sum_{j\in S}C_j$ (claim `effect-decomposition`). With $e = y-o_0$,
$u(S\cup i)-u(S) = \langle C_i,\,e-\sum_{j\in S}C_j\rangle-\frac12\|C_i\|^2$. The Shapley value is the mean of this over a uniformly random order, $S$ being those before $i$; every
$j\ne i$ is before $i$ in half of the orders, so the mean is $\langle C_i,\,e-\frac12\sum_{j\ne i}C_j\rangle-\frac12\|C_i\|^2$. $\square$

Two reversed orders have the same mean, so one order and its reverse give the values exactly. The sum of all values is
$\langle c,e\rangle-\frac12\|c\|^2 = u(D)-u(\emptyset)$ with $c = \sum_jC_j$.
""",
    source="Shapley 1953; games of pairs: Deng & Papadimitriou 1994; the form for attention is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "start": "dv d", "target": "dv"},
    dimensions={"n": (2, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 3, "d": 3, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    left=by_enumeration,
    right=closed_form,
    mutants=(
        Mutant("without the half", half_left_out),
        Mutant("what each adds when it comes first", coming_first),
        Mutant("W0 is left out", zero_shot_forgotten),
    ),
)
