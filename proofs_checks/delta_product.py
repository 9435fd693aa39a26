"""DeltaProduct takes several online steps a token, one after the other, and no step on a batch."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def householder(key, strength):
    return jnp.eye(key.shape[0], dtype=key.dtype) - strength * jnp.outer(key, key)


def layer(memory, keys, values, strengths, steps, backwards=0):
    """One token's transition, a product of generalised Householder matrices, and what the token writes."""
    transition, written = jnp.eye(keys.shape[1], dtype=keys.dtype), jnp.zeros_like(memory)
    for i in range(steps):
        factor = householder(keys[i], strengths[i])
        transition = factor @ transition if backwards else transition @ factor
        written = written @ factor + strengths[i] * jnp.outer(values[i], keys[i])
    return memory @ transition + written


def squared_error(memory, key, value, strength):
    error = memory @ key - value
    return strength * (error @ error) / 2


def online(memory, keys, values, strengths, steps):
    for i in range(steps):
        memory = memory - jax.grad(squared_error)(memory, keys[i], values[i], strengths[i])
    return memory


def batch(memory, keys, values, strengths):
    def loss(weights):
        return jnp.sum(jax.vmap(squared_error, (None, 0, 0, 0))(weights, keys, values, strengths))

    return memory - jax.grad(loss)(memory)


def written_unerased(memory, keys, values, strengths, steps):
    """Every pair is written in full, as if the later steps erased nothing of it."""
    for i in range(steps):
        memory = memory @ householder(keys[i], strengths[i])
    return memory + (strengths[:, None] * values).T @ keys


claim = Claim(
    slug="delta-product",
    title="DeltaProduct takes its steps one after the other, not as a batch",
    group="B",
    statement=r"""
For the $n$ pairs $(k_i, v_i)$ with strengths $b_i$ of one token, the update
$$S' = S\prod_{i=1}^n(I-b_ik_ik_i^\top) + \sum_{i=1}^nb_iv_ik_i^\top\prod_{j>i}(I-b_jk_jk_j^\top)$$
(factors from left to right) is $W_n$ after $n$ online steps, each at the weights that the one before has left,
$$W_0 = S,\qquad W_i = W_{i-1} - \nabla\ell_i(W_{i-1}),\qquad \ell_i(W) = \tfrac{b_i}2\|Wk_i-v_i\|^2 .$$
""",
    assumptions=("none on $b_i$; the order of the pairs counts",),
    proof=r"""
$W_i = W_{i-1}(I-b_ik_ik_i^\top) + b_iv_ik_i^\top$. Unroll: $W_0$ is multiplied by all factors in order, and what step $i$ writes by those of the later steps. $\square$

One step on the batch, $S - \sum_i\nabla\ell_i(S)$, keeps the terms of first order in $b$; the products of overlapping keys are missing. Both agree where the keys of a token are orthogonal and the later products vanish.
""",
    source="Siems et al. 2025, arXiv 2502.10297 (several steps a token, as commonly stated); the contrast with a batch is ours",
    arguments={"memory": "dv d", "keys": "steps d", "values": "steps dv", "strengths": "steps"},
    dimensions={"steps": (2, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=({"steps": 3, "d": 2, "dv": 2}, {"steps": 2, "d": 3, "dv": 1}),
    left=layer,
    right=online,
    mutants=(
        Mutant(
            "one step on the batch of the token's pairs",
            batch,
            quoted=Misquotation(
                says="DeltaProduct with n factors is a DeltaNet that takes one gradient step on n pairs at once.",
                source="commonly read into Siems et al. 2025, arXiv 2502.10297, where several keys and values a token are introduced",
                rather="It takes n online steps, each at the weights that the step before has left. A batch sums gradients at one point, and is the same only for orthogonal keys.",
            ),
        ),
        Mutant("later steps erase nothing of what earlier ones wrote", written_unerased),
        Mutant("the factors in the other order", alter(layer, backwards=1), "left"),
    ),
)
