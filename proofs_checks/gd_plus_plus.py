"""GD++ is boosting on shrinking inputs, and preconditioned gradient descent on the inputs as they came."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.incontext import apply, gd_plus_plus_stack, prompt


def of_moderate_size(inputs, corrections, n, d):
    """Inputs of length near one, and corrections that keep I - gamma XX' of order one."""
    size = jnp.asarray(n * d, inputs.dtype)
    return {"inputs": inputs / jnp.sqrt(size), "corrections": corrections / 4}


def layers(initial, inputs, targets, query, rates, corrections, n, d, dv, k):
    pairs = [rates[j] for j in range(k)], [corrections[j] for j in range(k)]
    stack = gd_plus_plus_stack(*pairs, d, n, outputs=dv, dtype=inputs.dtype)
    tokens = prompt(inputs, targets - inputs @ initial.T, query, -(initial @ query))
    prediction = -apply(stack, tokens)[-1, d:]
    return {"boosting": prediction, "preconditioned": prediction}


def mean_squares(weights, inputs, targets):
    return jnp.sum((inputs @ weights.T - targets) ** 2) / (2 * inputs.shape[0])


def energy(point, inputs):
    """Half the squared overlap of a point with the demonstrations; its gradient is XX' times the point."""
    return jnp.sum((inputs @ point) ** 2) / 2


def boosted(initial, inputs, targets, query, rates, corrections, k, query_shrinks=True):
    """Each round fits the residuals by one step from zero on the present inputs, then takes one step on the inputs."""
    residuals, prediction = targets - inputs @ initial.T, initial @ query
    for j in range(k):
        change = -rates[j] * jax.grad(mean_squares)(jnp.zeros_like(initial), inputs, residuals)
        residuals, prediction = residuals - inputs @ change.T, prediction + change @ query
        if query_shrinks:
            query = query - corrections[j] * jax.grad(energy)(query, inputs)
        inputs = inputs - corrections[j] * jax.vmap(jax.grad(energy), (0, None))(inputs, inputs)
    return prediction


def preconditioned(initial, inputs, targets, query, rates, corrections, k, power=2):
    """Steps on the loss of the original demonstrations, times A_k'A_k, where A_k x is what layer k sees of x."""
    weights, seen = initial, jnp.eye(inputs.shape[1], dtype=inputs.dtype)
    for j in range(k):
        gradient = jax.grad(mean_squares)(weights, inputs, targets)
        weights = weights - rates[j] * gradient @ (seen.T @ seen if power == 2 else seen)
        present = inputs @ seen.T
        seen = seen - corrections[j] * (present.T @ present) @ seen
    return weights @ query


def both(initial, inputs, targets, query, rates, corrections, k, power=2):
    given = (initial, inputs, targets, query, rates, corrections, k)
    return {"boosting": boosted(*given), "preconditioned": preconditioned(*given, power=power)}


def correction_first(initial, inputs, targets, query, rates, corrections, k):
    ahead = inputs - corrections[0] * inputs @ (inputs.T @ inputs)
    shrunk = query - corrections[0] * (inputs.T @ inputs) @ query
    return both(initial, ahead, targets, shrunk, rates, corrections, k)


def query_does_not_shrink(initial, inputs, targets, query, rates, corrections, k):
    given = (initial, inputs, targets, query, rates, corrections, k)
    return {"boosting": boosted(*given, query_shrinks=False), "preconditioned": preconditioned(*given)}


claim = Claim(
    slug="gd-plus-plus",
    title="Layers that also shrink their inputs are preconditioned gradient descent",
    group="B",
    statement=r"""
A GD++ layer has $W_K = W_Q = \mathrm{diag}(I, 0)$, $W_V = I$ and $P = -\mathrm{diag}(\gamma_k I, \frac{\eta_k}{N} I)$.
On the tokens $[x_j;\,y_j - W_0x_j]$ and the query $[x_q;\,-W_0x_q]$, to which nobody attends, K such layers predict

1. *boosting*: $\sum_k V_kx_q^{(k)}$ plus $W_0x_q$, where $V_k = -\eta_k\nabla L_k(0)$ is one step from zero on the
   residuals left by the rounds before, and every input, the query included, then takes one step on
   $r_k(x) = \frac12\sum_i\langle x_i^{(k)}, x\rangle^2$: $x^{(k+1)} = x^{(k)} - \gamma_k\nabla r_k(x^{(k)}) = (I - \gamma_k X_kX_k^\top)\,x^{(k)}$;
2. *preconditioned descent on the data as they came*: $M_{K+1}x_q$, where $M_1 = W_0$ and
   $$M_{k+1} = M_k - \eta_k\nabla L(M_k)\,A_k^\top A_k,\qquad A_{k+1} = (I - \gamma_kX_kX_k^\top)A_k,\quad A_1 = I,\quad
   X_k = A_kX,$$
   with $L(M) = \frac{1}{2N}\sum_i\|Mx_i - y_i\|^2$.
""",
    assumptions=("$N \\ge 1$; any $\\eta_k$, $\\gamma_k$, $W_0$", "$\\gamma_K$, the last one, does not matter"),
    proof=r"""
The layer adds $-\frac{\eta_k}{N}\sum_iy_i^{(k)}\langle x_i^{(k)}, x_j^{(k)}\rangle = -V_kx_j^{(k)}$ to the target, because
$\nabla L_k(0) = -\frac1N\sum_iy_i^{(k)}x_i^{(k)\top}$, and $-\gamma_kX_kX_k^\top x_j^{(k)}$ to the input; both read the tokens
before the layer. So targets stay residuals of the sum of the rounds, minus the query's target is the prediction, and (1)
follows with $\nabla r_k(x) = X_kX_k^\top x$.

By induction $x^{(k)} = A_kx$ for every token, so the rounds add up to $M_{K+1}x_q$ with $M_{k+1} = M_k + V_kA_k$ and the
residuals $y_i^{(k)} = y_i - M_kx_i$. Hence
$V_kA_k = \frac{\eta_k}{N}\sum_i(y_i - M_kx_i)\,x_i^\top A_k^\top A_k = -\eta_k\nabla L(M_k)A_k^\top A_k$. $\square$

Each $A_k$ is a polynomial in $XX^\top$, so symmetric, and $A_k^\top A_k = A_k^2$ shrinks the steep directions: K layers
reach residual polynomials of degree $3^{K-1} + \dots + 1 = (3^K-1)/2$ in $XX^\top$, where K plain steps reach degree K.
""",
    source="von Oswald et al. 2023, arXiv 2212.07677, appendix (GD++); the second reading and the degree are ours",
    arguments={
        "initial": "dv d",
        "inputs": "n d",
        "targets": "n dv",
        "query": "d",
        "rates": "k",
        "corrections": "k",
    },
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 2), "k": (1, 3)},
    shapes=(
        {"n": 5, "d": 3, "dv": 2, "k": 3},
        {"n": 2, "d": 3, "dv": 1, "k": 2},
        {"n": 1, "d": 2, "dv": 1, "k": 2},
    ),
    given=of_moderate_size,
    left=layers,
    right=both,
    mutants=(
        Mutant("no correction: plain gradient descent", alter(both, corrections=jnp.zeros_like)),
        Mutant("preconditioned by A_k, not by A_k'A_k", alter(both, power=1)),
        Mutant("the first correction comes before the first step", correction_first),
        Mutant("the query is not corrected", query_does_not_shrink),
    ),
)
