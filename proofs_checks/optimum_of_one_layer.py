"""The best layer of linear attention for random regressions has the preconditioner that theory says, and no other."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter

POINTS = {-2: 1, -1: 2, 0: 6, 1: 2, 2: 1}
"""Numbers with the moments of a normal one up to the fifth, and their probabilities in twelfths."""


def invertible(root, d):
    """A lower triangular root of the covariance, with a diagonal away from zero."""
    unit = jnp.eye(d, dtype=root.dtype)
    return {"root": jnp.tril(root, -1) + unit * (0.5 + root * root)}


def samples(n, d):
    """All prompts of n inputs, and how often each comes in 12^(n d) of them."""
    inputs = np.array(list(itertools.product(POINTS, repeat=n * d)), float).reshape(-1, n, d)
    return inputs, np.array([np.prod(x) for x in itertools.product(POINTS.values(), repeat=n * d)], float)


def expected_loss(layer, root, n, d):
    """Half the squared error at a query of the same law, of x' A (1/n sum x_i y_i) for tasks y_i = w' x_i."""
    inputs, times = samples(n, d)
    prompts = jnp.asarray(inputs, root.dtype) @ root.T
    moments = jnp.einsum("sni,snj->sij", prompts, prompts) / n
    # tasks and queries enter by their second moments alone: the identity, and the covariance
    errors = jnp.einsum("ip,pq,sqj->sij", root.T, layer, moments) - root.T[None]
    return jnp.asarray(times, root.dtype) @ jnp.sum(errors * errors, axis=(1, 2)) / (2 * 12 ** (n * d))


def theory(root, n, d, few=1, trace=1):
    """The inverse of the best preconditioner."""
    covariance = root @ root.T
    spread = trace * jnp.trace(covariance) * jnp.eye(d, dtype=root.dtype)
    return ((n + few) * covariance + few * spread) / n


def around(best, shift, root, n, d):
    return {
        "gradient there": jax.grad(expected_loss)(best, root, n, d),
        "loss of another": expected_loss(best + shift, root, n, d) - expected_loss(best, root, n, d),
    }


def of_the_layer(root, shift, n, d, few=1, trace=1):
    return around(jnp.linalg.inv(theory(root, n, d, few, trace)), shift, root, n, d)


def of_one_rate(root, shift, n, d):
    """The best multiple of the identity where the covariance is the identity."""
    return around(n * jnp.eye(d, dtype=root.dtype) / (n + 1 + d), shift, root, n, d)


def of_theory(root, shift, n, d):
    covariance = root @ root.T
    moved = root.T @ shift
    return {
        "gradient there": jnp.zeros_like(shift),
        "loss of another": jnp.sum((moved @ covariance @ theory(root, n, d)) * moved) / 2,
    }


claim = Claim(
    slug="optimum-of-one-layer",
    title="The best single layer preconditions with ((N+1)/N S + tr S/N I)^-1",
    group="B",
    statement=r"""
Tasks $w\sim\mathcal N(0, I)$, inputs and query $x_i, x\sim\mathcal N(0,\Sigma)$, $y_i = w^\top x_i$. The layer $\hat y = x^\top A\,\frac1N\sum_{i\le N}x_iy_i$ has the least expected squared error at
$$A_* = \Big(\frac{N+1}N\,\Sigma + \frac{\operatorname{tr}\Sigma}N\,I\Big)^{-1},$$
and any other costs more by exactly $\mathcal L(A_*+Z)-\mathcal L(A_*) = \frac12\operatorname{tr}\big(\Sigma\,Z\,\Sigma A_*^{-1}Z^\top\big)$.
""",
    assumptions=("$\\Sigma$ is invertible", "no noise in the labels; $w$ has the covariance $I$"),
    proof=r"""
With $\hat\Sigma = \frac1N\sum_ix_ix_i^\top$ the error is $x^\top(A\hat\Sigma-I)w$, so $\mathcal L(A) = \frac12\operatorname{tr}\Sigma\,\mathbb E(A\hat\Sigma-I)(A\hat\Sigma-I)^\top$. By the fourth moments of a normal vector, $\mathbb E\,xx^\top xx^\top = 2\Sigma^2+\operatorname{tr}(\Sigma)\Sigma$,
$\mathbb E\hat\Sigma^2 = \frac{N+1}N\Sigma^2+\frac{\operatorname{tr}\Sigma}N\Sigma = \Sigma A_*^{-1}$. Hence $\mathcal L(A) = \frac12\operatorname{tr}\Sigma\,(A\Sigma A_*^{-1}A^\top - A\Sigma - \Sigma A^\top + I)$; complete the square, as $A_*$ commutes with $\Sigma$. $\square$

The left side averages over all prompts of a law on five points that has the normal moments up to the fifth, from which the loss cannot tell the normal law (it is of degree four in each input), and differentiates by `jax.grad`.
""",
    source="Ahn et al. 2023, arXiv 2306.00297; Zhang et al. 2023, arXiv 2306.09927 (as commonly stated; the cost of another layer is derived here)",
    arguments={"root": "d d", "shift": "d d"},
    dimensions={"n": (1, 2), "d": (1, 2)},
    shapes=({"n": 1, "d": 2}, {"n": 2, "d": 1}),
    given=invertible,
    left=of_the_layer,
    right=of_theory,
    mutants=(
        Mutant(
            "the inverse covariance, as for prompts without end",
            alter(of_the_layer, few=0),
            "left",
            quoted=Misquotation(
                says="A trained layer of linear attention learns to precondition with the inverse covariance of its inputs.",
                source="commonly read into Ahn et al. 2023, arXiv 2306.00297, without its second term",
                rather="With N demonstrations the best preconditioner is ((N+1)/N S + tr S/N I)^-1: the trace damps the directions that N inputs do not settle. The inverse covariance is its limit for large N.",
            ),
        ),
        Mutant("without the trace", alter(of_the_layer, trace=0), "left"),
        Mutant("a rate in place of a preconditioner", of_one_rate, "left"),
    ),
)
