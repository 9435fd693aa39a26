"""Softmax-attention layers can run Richardson's iteration for kernel ridge regression, with a rate for each token."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def positive_ridge(ridge):
    return {"ridge": 0.25 + ridge * ridge}


def kernel(keys):
    return jnp.exp(keys @ keys.T)


def iterated(keys, solution, start, ridge, layers):
    """Each layer attends to the coefficients and corrects them, token by token; no layer sees the solution."""
    gram = kernel(keys)
    targets, masses = gram @ solution + ridge * solution, jnp.sum(gram, axis=1, keepdims=True)
    coefficients = start
    for _ in range(layers):
        attended = softmax_attention(keys, keys, coefficients, scale=1.0)
        coefficients = coefficients + (targets - ridge * coefficients) / masses - attended
    return coefficients


def functional_descent(keys, solution, start, ridge, layers, own_rates=1):
    """Steps in the function space: the gradient in the values of the function, and the ridge on the function."""
    gram = kernel(keys)
    targets, masses = gram @ solution + ridge * solution, jnp.sum(gram, axis=1, keepdims=True)
    rates = own_rates / masses + (1 - own_rates) / jnp.mean(masses)

    def squared_error(fitted):
        return jnp.sum((fitted - targets) ** 2) / 2

    coefficients = start
    for _ in range(layers):
        coefficients = coefficients - rates * (jax.grad(squared_error)(gram @ coefficients) + ridge * coefficients)
    return coefficients


def closed_form(keys, solution, start, ridge, layers):
    """What is left of the first error after so many layers."""
    gram = kernel(keys)
    error = start - solution
    for _ in range(layers):
        error = error - (gram @ error + ridge * error) / jnp.sum(gram, axis=1, keepdims=True)
    return solution + error


def layered(keys, solution, start, ridge, layers):
    return dict.fromkeys(("functional descent", "closed form"), iterated(keys, solution, start, ridge, layers))


def both(keys, solution, start, ridge, layers, own_rates=1):
    return {
        "functional descent": functional_descent(keys, solution, start, ridge, layers, own_rates),
        "closed form": closed_form(keys, solution, start, ridge, layers),
    }


claim = Claim(
    slug="richardson-iteration",
    title="Softmax layers can iterate towards kernel ridge regression, each token with a rate of its own",
    group="B",
    statement=r"""
Let $G_{ij} = e^{k_i^\top k_j}$, $A = D^{-1}G$ softmax attention of the keys to themselves ($D$ the diagonal of row sums), and $c_* = (G+\lambda I)^{-1}Y$ the coefficients of kernel ridge regression. The layers
$$c \leftarrow c + D^{-1}(Y-\lambda c) - Ac$$
are Richardson's iteration with the preconditioner $D$, and functional descent on $\frac12\sum_i\|f(k_i)-y_i\|^2 + \frac\lambda2\|f\|_{\mathcal H}^2$, $f = \sum_ic_i\,\kappa(k_i,\cdot)$, in which token $i$ has the rate $1/D_{ii}$. After $T$ layers
$$c_T = c_* + \big(I-D^{-1}(G+\lambda I)\big)^T(c_0-c_*) .$$
""",
    assumptions=(
        "$\\lambda > 0$; it converges where the matrix in brackets has a spectral radius below 1",
        "the correction $D^{-1}(Y-\\lambda c)$ is taken token by token, by whatever follows the attention",
    ),
    proof=r"""
The gradient of the loss in the function space has the coefficients $(Gc-Y)+\lambda c$; times $D^{-1}$ it is $Ac - D^{-1}(Y-\lambda c)$. With $Y = (G+\lambda I)c_*$ the step is $c-c_*\leftarrow(I-D^{-1}(G+\lambda I))(c-c_*)$. $\square$

The targets are drawn by way of the solution, so that nothing needs to be solved. For keys of equal norm the exponential kernel is the Gaussian one up to a factor (`softmax-is-kernel-regression`).
""",
    source="Yan et al. 2026, arXiv 2605.08475 (preconditioned Richardson iteration by softmax attention, read in its abstract and introduction); Richardson 1911",
    arguments={"keys": "n d", "solution": "n dv", "start": "n dv", "ridge": ""},
    dimensions={"n": (2, 3), "d": (1, 2), "dv": (1, 2), "layers": (1, 2)},
    shapes=({"n": 2, "d": 1, "dv": 1, "layers": 2}, {"n": 2, "d": 2, "dv": 2, "layers": 1}),
    given=positive_ridge,
    left=layered,
    right=both,
    mutants=(
        Mutant(
            "one rate for all tokens",
            alter(both, own_rates=0),
            quoted=Misquotation(
                says="Softmax-attention layers do gradient descent in the function space of the exponential kernel, with a learning rate.",
                source="commonly read where kernel descent by attention is told without its normaliser",
                rather="The normaliser gives every token a rate of its own, one over the sum of its kernel row: preconditioned descent. It is the same as one rate only where all rows have one sum.",
            ),
        ),
        Mutant("the ridge is left out", alter(both, ridge=lambda ridge: 0 * ridge)),
        Mutant("one layer too few", alter(both, layers=lambda layers: layers - 1)),
    ),
)
