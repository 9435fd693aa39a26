"""Test-time training of a linear memory on the squared error is linear attention if all gradients are taken at zero."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.positions import visible

RATE = 0.5


def attention(queries, keys, values, initial, n):
    """Initial weights, and causal linear attention to what they leave of the values."""
    residuals = values - keys @ initial.T
    return queries @ initial.T + linear_attention(queries, keys, residuals, mask=visible(n, n, causal=True))


def initial_weights_added(queries, keys, values, initial, n):
    return queries @ initial.T + linear_attention(queries, keys, values, mask=visible(n, n, causal=True))


def reconstruction(weights, key, value):
    error = weights @ key - value
    return error @ error


def full_batch(queries, keys, values, initial, rate=RATE):
    gradients = jax.vmap(jax.grad(reconstruction), (None, 0, 0))(initial, keys, values)
    weights = initial[None] - rate * jnp.cumsum(gradients, axis=0)
    return jnp.einsum("nvd,nd->nv", weights, queries)


def token_by_token(queries, keys, values, initial, n):
    weights, outputs = initial, []
    for t in range(n):
        weights = weights - RATE * jax.grad(reconstruction)(weights, keys[t], values[t])
        outputs.append(weights @ queries[t])
    return jnp.stack(outputs)


claim = Claim(
    slug="full-batch-test-time-training",
    title="Test-time training with all gradients at the first weights is linear attention to residuals",
    group="B",
    statement=r"""
Let a linear memory take, up to token $t$, the steps $W_t = W_0 - \eta\sum_{s\le t}\nabla\ell_s(W_0)$ on $\ell_s(W) = \|Wk_s - v_s\|^2$, all gradients at $W_0$ and $\eta = \frac12$. Then
$$W_tq_t = W_0q_t + \sum_{s\le t}(v_s - W_0k_s)\,k_s^\top q_t :$$
causal linear attention to the residuals of $W_0$. It is linear attention to the values if $W_0 = 0$.
""",
    assumptions=("all gradients at $W_0$ (full batch)", "$\\eta = \\frac12$, for a squared error without its half"),
    proof=r"""
$\nabla\ell_s(W_0) = 2(W_0k_s - v_s)k_s^\top$, so $-\frac12\nabla\ell_s(W_0) = (v_s - W_0k_s)k_s^\top$. Sum over $s \le t$ and apply to $q_t$. $\square$

One token a step, each gradient at the weights that the last one left, is the delta rule (`delta-rule`).
""",
    source="Sun et al. 2024, arXiv 2407.04620, theorem 1, for $W_0 = 0$",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "initial": "dv d"},
    dimensions={"n": (1, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 3, "d": 2, "dv": 2}, {"n": 2, "d": 3, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=attention,
    right=full_batch,
    mutants=(
        Mutant(
            "each gradient at the weights so far",
            token_by_token,
            quoted=Misquotation(
                says="TTT-Linear, whose memory descends on the reconstruction error of each token, is linear attention.",
                source="commonly read into Sun et al. 2024, arXiv 2407.04620, theorem 1, without its conditions",
                rather="With all gradients at W0 = 0 and rate 1/2 it is. Token by token it is the delta rule, which takes away what the memory knows already.",
            ),
        ),
        Mutant(
            "the initial weights are merely added",
            initial_weights_added,
            "left",
            quoted=Misquotation(
                says="Linear attention is one gradient step on the squared error; initial weights only add their own prediction.",
                source="commonly read into von Oswald et al. 2023, arXiv 2212.07677, and Sun et al. 2024, arXiv 2407.04620, which take W0 = 0 or a value matrix that knows W0",
                rather="From W0 the step attends to the residuals v - W0 k, not to the values. Only the alignment loss -v'Wk gives the values from every W0 (claim linear-attention).",
            ),
        ),
        Mutant("rate one", alter(full_batch, rate=1.0)),
    ),
)
