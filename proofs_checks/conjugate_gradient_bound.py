"""The error of a mesa layer's conjugate-gradient steps is bounded by the spectrum of the keys, and the bound is met."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter


def spectrum(query, low, gaps):
    """Eigenvalues that rise from a positive one, and a query with a part along each; its signs do not matter."""
    return {"query": 0.25 + query * query, "low": 0.25 + low * low, "gaps": 0.25 + gaps * gaps}


def eigenvalues(low, gaps):
    return jnp.concatenate([low[None], low + jnp.cumsum(gaps)])


def squared_error(query, values, steps, conjugate):
    """Of the steps from zero, in the basis of the eigenvectors and in the norm of the moment."""
    x, residual, direction = jnp.zeros_like(query), query, query
    for _ in range(steps):
        size, image = residual @ residual, values * direction
        rate = size / (direction @ image)
        x, residual = x + rate * direction, residual - rate * image
        direction = residual + conjugate * (residual @ residual) / size * direction
    error = x - query / values
    return error @ (values * error)


def chebyshev(low, high, steps):
    """Chebyshev's polynomial of this degree at (high + low) / (high - low), times (high - low) to the same power."""
    before, now = jnp.ones_like(low), high + low
    for _ in range(steps - 1):
        before, now = now, 2 * (high + low) * now - (high - low) ** 2 * before
    return now


def errors(query, low, gaps, steps, conjugate=1):
    values = eigenvalues(low, gaps)
    scale = chebyshev(values[0], values[-1], steps) ** 2
    ends = jnp.zeros_like(values).at[0].set(1).at[-1].set(1)
    return {
        "any query": scale * squared_error(query, values, steps, conjugate),
        "both ends alike": scale * squared_error(ends, values, steps, conjugate),
    }


def bounds(query, low, gaps, steps, narrower=1):
    values = eigenvalues(low, gaps)
    spread = ((values[-1] - values[0]) / narrower) ** (2 * steps)
    return {
        "any query": spread * jnp.sum(query**2 / values),
        "both ends alike": spread * (1 / values[0] + 1 / values[-1]),
    }


def one_step_more(query, low, gaps, steps):
    """As if the layer had done one step more than it did."""
    values = eigenvalues(low, gaps)
    promised = chebyshev(values[0], values[-1], steps + 1) ** 2
    done = errors(query, low, gaps, steps)
    scale = promised / (chebyshev(values[0], values[-1], steps) ** 2 * (values[-1] - values[0]) ** 2)
    return {name: scale * error for name, error in done.items()}


claim = Claim(
    slug="conjugate-gradient-bound",
    title="K conjugate-gradient steps leave at most one over Chebyshev's polynomial of the error",
    group="B",
    statement=r"""
Let $h_1\le\dots\le h_d$ be the eigenvalues of $H = \sum_ik_ik_i^\top+\lambda I$ and $x_K$ the query after $K$ conjugate-gradient steps on $Hx = q$ from zero. With Chebyshev's polynomial $T_K$, $e_K = x_K-x_*$ and $\|e\|_H^2 = e^\top He$,
$$\|e_K\|_H\;T_K\Big(\frac{h_d+h_1}{h_d-h_1}\Big) \le \|e_0\|_H .$$
For $K = 1$ a query with equal parts along the first and the last eigenvector meets it.
""",
    assumptions=(
        "$h_1 > 0$; both sides are multiplied by $(h_d-h_1)^K$ and squared",
        "in the basis of the eigenvectors, which the steps follow",
    ),
    proof=r"""
$x_K$ minimises $\|x-x_*\|_H$ over polynomials of $H$ of degree below $K$ applied to $q$, so $\|e_K\|_H\le\max_j|p(h_j)|\,\|e_0\|_H$ for every $p$ of degree $K$ with $p(0) = 1$. Take $T_K$ of the line that maps $[h_1,h_d]$ to $[-1,1]$, divided by its
value at 0, which is $\pm T_K\big(\frac{h_d+h_1}{h_d-h_1}\big)$. For $K = 1$ and $q = u_1+u_d$: $\|e_0\|_H^2 = \frac1{h_1}+\frac1{h_d}$, and the step takes $\frac4{h_1+h_d}$ away, which leaves $\big(\frac{h_d-h_1}{h_d+h_1}\big)^2\|e_0\|_H^2$. $\square$

As $T_K(\frac{\kappa+1}{\kappa-1})\ge\frac12\big(\frac{\sqrt\kappa+1}{\sqrt\kappa-1}\big)^K$ with $\kappa = h_d/h_1$, this is the usual bound, without its loss of up to a factor two.
""",
    source="Kaniel 1966; Hestenes and Stiefel 1952; the layer: von Oswald et al. 2025, arXiv 2506.05233",
    arguments={"query": "d+1", "low": "", "gaps": "d"},
    dimensions={"d": (1, 2), "steps": (1, 2)},
    shapes=({"d": 1, "steps": 1}, {"d": 2, "steps": 2}, {"d": 2, "steps": 1}),
    given=spectrum,
    left=errors,
    right=bounds,
    relation="at most",
    mutants=(
        Mutant("steepest descent in place of conjugate gradients", alter(errors, conjugate=0), "left"),
        Mutant("the bound of one step more", one_step_more, "left"),
        Mutant("half the spread of the spectrum", alter(bounds, narrower=2)),
    ),
)
