"""A query matrix diag(A', 0) makes each layer a gradient step preconditioned by A."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.incontext import apply, preconditioned_step, prompt


def layers(initial, inputs, targets, query, preconditioners, n, d, dv, k):
    stack = tuple(preconditioned_step(preconditioners[j], dv, n) for j in range(k))
    tokens = prompt(inputs, targets - inputs @ initial.T, query, -(initial @ query))
    tokens = apply(stack, tokens)
    return {"query": -tokens[-1, d:], "residuals": tokens[:n, d:]}


def mean_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


def total_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / 2


def steps(initial, inputs, targets, query, preconditioners, k, loss=mean_squares):
    weights = initial
    for j in range(k):
        weights = weights - jax.grad(loss)(weights, inputs, targets) @ preconditioners[j].T
    return {"query": weights @ query, "residuals": targets - inputs @ weights.T}


def diagonal_only(initial, inputs, targets, query, preconditioners, d, k):
    diagonal = preconditioners * jnp.broadcast_to(jnp.eye(d, dtype=inputs.dtype), preconditioners.shape)
    return steps(initial, inputs, targets, query, diagonal, k)


claim = Claim(
    slug="preconditioned-step",
    title="A general query matrix is a preconditioned gradient step",
    group="B",
    statement=r"""
Let $L(W) = \frac{1}{2N}\sum_{i\le N}\|Wx_i - y_i\|^2$. Layers with $W_K = \mathrm{diag}(I, 0)$,
$W_Q = \mathrm{diag}(A_k^\top, 0)$, $W_V = -\mathrm{diag}(0, I)$, $P = \frac1N\mathrm{diag}(0, I)$, on tokens
$[x_j;\,y_j - W_0x_j]$ and a query $[x_q;\,-W_0x_q]$ that nobody attends to, take the steps
$$W_k = W_{k-1} - \nabla L(W_{k-1})\,A_k^\top$$
and end at $[x_j;\,y_j - W_Kx_j]$, $[x_q;\,-W_Kx_q]$. For one output, $W = w^\top$, this is $w_k = w_{k-1} - A_k\nabla L(w_{k-1})$.
""",
    assumptions=(
        "$N \\ge 1$; any square $A_k$ (the paper takes symmetric ones, for which the transpose is idle)",
        "the query is no key (the paper's mask $M$)",
    ),
    proof=r"""
Let the targets before layer $k$ be the residuals of $W_{k-1}$. The layer adds to the target of token $j$
$$-\frac1N\sum_i (y_i - W_{k-1}x_i)\,x_i^\top A_k^\top x_j = \nabla L(W_{k-1})\,A_k^\top x_j = -(W_k - W_{k-1})\,x_j ,$$
and nothing to the input. So the residuals of $W_k$ stand after the layer, and $-W_kx_q$ in the query. $\square$

$A_k = \eta_kI$ is *layers-are-steps*. A symmetric positive definite $A = CC^\top$ is plain descent on the inputs
$C^\top x$.
""",
    source="Ahn et al. 2023, arXiv 2306.00297, lemma 1; for A that is not symmetric the transpose is ours",
    arguments={
        "initial": "dv d",
        "inputs": "n d",
        "targets": "n dv",
        "query": "d",
        "preconditioners": "k d d",
    },
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3), "k": (1, 3)},
    shapes=(
        {"n": 5, "d": 3, "dv": 2, "k": 2},
        {"n": 2, "d": 2, "dv": 1, "k": 3},
        {"n": 1, "d": 1, "dv": 1, "k": 1},
    ),
    left=layers,
    right=steps,
    mutants=(
        Mutant(
            "the preconditioner is not transposed", alter(steps, preconditioners=lambda each: jnp.swapaxes(each, 1, 2))
        ),
        Mutant("only the diagonal preconditions", diagonal_only),
        Mutant("the loss is a sum, not a mean", alter(steps, loss=total_squares)),
        Mutant("one step too few", alter(steps, k=lambda k: k - 1)),
    ),
)
