"""Every conjugate-gradient step of a mesa layer lowers the error by an amount that the layer itself computes."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def no_early_end(query, keys, ridge):
    """A query along the first axis, and positive keys: then the query is no eigenvector of their moment."""
    first = jnp.zeros_like(query).at[0].set(0.25 + query[0] * query[0])
    return {"query": first, "keys": 0.25 + keys * keys, "ridge": 0.25 + ridge * ridge}


def curved(keys, ridge, x):
    return keys.T @ (keys @ x) + ridge * x


def quadratic(x, keys, ridge, query):
    return x @ curved(keys, ridge, x) / 2 - query @ x


def refined(query, keys, ridge, steps, conjugate=1):
    """The refined query after some steps of conjugate gradients from zero, and by how much each lowered the error."""
    x, residual, direction, gains = jnp.zeros_like(query), query, query, []
    for _ in range(steps):
        size, image = residual @ residual, curved(keys, ridge, direction)
        rate = size / (direction @ image)
        x, residual = x + rate * direction, residual - rate * image
        gains.append(rate * size)
        direction = residual + conjugate * (residual @ residual) / size * direction
    return x, gains


def solved(query, keys, ridge):
    moment = keys.T @ keys + ridge * jnp.eye(keys.shape[1], dtype=keys.dtype)
    return jnp.linalg.solve(moment, query)


def by_steps(query, keys, values, ridge, steps, conjugate=1):
    """What the error was at first less what the steps have gained; the residual; the output after d steps."""
    x, gains = refined(query, keys, ridge, steps, conjugate)
    last, _ = refined(query, keys, ridge, keys.shape[1], conjugate)
    return {
        "error": query @ solved(query, keys, ridge) - sum(gains),
        "gradient": -jax.grad(quadratic)(x, keys, ridge, query),
        "output": values.T @ (keys @ last),
    }


def by_solution(query, keys, values, ridge, steps):
    x, _ = refined(query, keys, ridge, steps)
    error = x - solved(query, keys, ridge)
    moment = keys @ keys.T + ridge * jnp.eye(keys.shape[0], dtype=keys.dtype)
    return {
        "error": error @ curved(keys, ridge, error),
        "gradient": query - curved(keys, ridge, x),
        "output": values.T @ jnp.linalg.solve(moment, keys @ query),
    }


def one_step_fewer(query, keys, values, ridge, steps):
    left = by_steps(query, keys, values, ridge, steps)
    x, _ = refined(query, keys, ridge, keys.shape[1] - 1)
    return {**left, "output": values.T @ (keys @ x)}


claim = Claim(
    slug="conjugate-gradient-steps",
    title="Conjugate-gradient steps end in ridge attention, and know how much error they took away",
    group="B",
    statement=r"""
A mesa layer refines the query by $K$ conjugate-gradient steps on $\frac12x^\top Hx-q^\top x$, $H = \sum_ik_ik_i^\top+\lambda I$, from $x_0 = 0$ with the rates $\alpha_j$ and residuals $r_j$, and attends linearly, $\sum_iv_ik_i^\top x_K$. With $x_* = H^{-1}q$ and $\|e\|_H^2 = e^\top He$,
$$\|x_K-x_*\|_H^2 = q^\top H^{-1}q - \sum_{j<K}\alpha_j\|r_j\|^2,\qquad r_K = q-Hx_K,$$
and after as many steps as keys have channels the output is ridge attention, $V^\top(KK^\top+\lambda I)^{-1}Kq$.
""",
    assumptions=("$\\lambda > 0$", "no residual vanishes before the last step (then the layer stops, and is exact)"),
    proof=r"""
$r_j = q-Hx_j = -\nabla$ by induction. Directions are conjugate and $p_j^\top r_j = \|r_j\|^2$, so the step of rate $\alpha_j = \|r_j\|^2/p_j^\top Hp_j$ lowers $\|x-x_*\|_H^2$ by $\alpha_j\|r_j\|^2$; at first it is $q^\top H^{-1}q$. Residuals are orthogonal: after
$d$ steps the next one is zero, $x_d = x_*$, and $KH^{-1} = (KK^\top+\lambda I)^{-1}K$ (`ridge-attention`). $\square$

The bound in the spectrum is `conjugate-gradient-bound`.
""",
    source="Hestenes and Stiefel 1952 (as commonly stated); as the solver of a mesa layer: von Oswald et al. 2025, arXiv 2506.05233",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "ridge": ""},
    dimensions={"n": (2, 3), "d": (2, 2), "dv": (1, 2), "steps": (1, 2)},
    shapes=({"n": 2, "d": 2, "dv": 1, "steps": 1}, {"n": 2, "d": 2, "dv": 1, "steps": 2}),
    given=no_early_end,
    left=by_steps,
    right=by_solution,
    mutants=(
        Mutant(
            "steepest descent: the direction forgets the last one",
            alter(by_steps, conjugate=0),
            "left",
            quoted=Misquotation(
                says="A mesa layer takes K gradient steps on the ridge loss and so approaches its solution.",
                source="commonly read into von Oswald et al. 2025, arXiv 2506.05233 (MesaNet), beside layers of one gradient step",
                rather="Its steps are conjugate, not gradient steps: after as many as the keys have channels it is the solution, where gradient steps, even of the best rate each, are not.",
            ),
        ),
        Mutant("one step fewer than channels", one_step_fewer, "left"),
        Mutant("the ridge is left out of the steps", alter(by_solution, ridge=lambda ridge: ridge / 2)),
    ),
)
