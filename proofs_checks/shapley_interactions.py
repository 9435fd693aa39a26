"""For a squared loss the Shapley interaction of two demonstrations is minus the product of their contributions."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.effect import DualLoss, interactions_squared_loss, linear_contributions


def by_enumeration(query, keys, values, start, target, n):
    """The definition: a model is trained on every subset, and every pair's second differences are averaged."""
    loss = DualLoss(DualModel(start, keys, values, learning_rate=0.25), query, target)
    members = (np.arange(1 << n)[:, None] >> np.arange(n)[None, :]) & 1
    payoffs = -jax.vmap(lambda subset: loss(subset))(jnp.asarray(members, keys.dtype))
    size = members.sum(axis=1)
    rows = jnp.zeros((n, n), keys.dtype)
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            s = np.flatnonzero((members[:, i] == 0) & (members[:, j] == 0))
            orders = jnp.asarray([math.factorial(size[k]) * math.factorial(n - 2 - size[k]) for k in s], keys.dtype)
            one, other = 1 << i, 1 << j
            second = payoffs[s + one + other] - payoffs[s + one] - payoffs[s + other] + payoffs[s]
            rows = rows.at[i, j].set(orders @ second / math.factorial(n - 1))
    return rows


def closed_form(query, keys, values):
    return interactions_squared_loss(linear_contributions(query, keys, values))


def products_of_values(values):
    """As if the query saw both demonstrations at their full weight."""
    return interactions_squared_loss(values)


def counted_twice(query, keys, values):
    return 2 * closed_form(query, keys, values)


def by_the_error(query, keys, values, start, target):
    """Weighted by how well both point to what is missing, as single demonstrations are."""
    parts = linear_contributions(query, keys, values)
    towards = parts @ (target - start @ query)
    return interactions_squared_loss(parts) + jnp.outer(towards, towards) * (
        1 - jnp.eye(parts.shape[0], dtype=parts.dtype)
    )


claim = Claim(
    slug="shapley-interactions",
    title="For a squared loss two demonstrations interact by minus the inner product of their contributions",
    group="D",
    statement=r"""
Let $u(S) = -\frac12\|y-f_{W_S}(q)\|^2$, with $W_S$ trained by one step on the demonstrations of $S$, and $C_i = v_i\kappa(k_i,q)$. The Shapley interaction index of the
demonstrations $i\ne j$ is
$$I_{ij} = \sum_{S\not\ni i,j}\frac{|S|!\,(N-2-|S|)!}{(N-1)!}\,\big(u(S\cup\{i,j\})-u(S\cup i)-u(S\cup j)+u(S)\big) = -\langle C_i,C_j\rangle .$$
It depends neither on the target $y$, nor on $W_0$, nor on any other demonstration.
""",
    assumptions=(
        "the output is a sum of contributions: linear attention, or a normaliser that does not change with $S$",
    ),
    proof=r"""
$f_{W_S}(q) = o_0+\sum_{j\in S}C_j$ (claim `effect-decomposition`), so $u$ is quadratic in the indicators of $S$ and all its second differences in $i$ and $j$ are the same: with
$r = y-o_0-\sum_{l\in S}C_l$,
$$-\tfrac12\|r-C_i-C_j\|^2+\tfrac12\|r-C_i\|^2+\tfrac12\|r-C_j\|^2-\tfrac12\|r\|^2 = -\langle C_i,C_j\rangle .$$
The weights of the mean over $S$ sum to one: $\sum_{s=0}^{N-2}\binom{N-2}s\frac{s!\,(N-2-s)!}{(N-1)!} = 1$. $\square$

With the values of `shapley-squared-loss` it gives every payoff back exactly:
$u(S)-u(\emptyset) = \sum_{i\in S}\big(\phi_i-\frac12\sum_{j\ne i}I_{ij}\big)+\sum_{\{i,j\}\subseteq S}I_{ij}$.
""",
    source="index: Grabisch & Roubens 1999, definition 1; its value for a quadratic game is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "start": "dv d", "target": "dv"},
    dimensions={"n": (2, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 3, "d": 3, "dv": 1}, {"n": 2, "d": 1, "dv": 2}),
    left=by_enumeration,
    right=closed_form,
    mutants=(
        Mutant("the query's kernel is left out", products_of_values),
        Mutant("the pair is counted twice", counted_twice),
        Mutant("interactions depend on the error", by_the_error),
    ),
)
