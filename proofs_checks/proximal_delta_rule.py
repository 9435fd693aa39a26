"""The delta rule with Longhorn's step size is the exact minimiser of a proximal objective."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant


def positive_strength(strength):
    return {"strength": 0.25 + strength * strength}


def stepped(memory, key, value, strength):
    size = strength / (1 + strength * (key @ key))
    return memory - size * jnp.outer(memory @ key - value, key)


def objective(weights, memory, key, value, strength):
    error = weights @ key - value
    return jnp.sum((weights - memory) ** 2) / 2 + strength * (error @ error) / 2


def minimiser(memory, key, value, strength):
    """From the memory by one Newton step, which minimises a quadratic objective."""
    gradient = jax.grad(objective)(memory, memory, key, value, strength)
    hessian = jnp.eye(key.shape[0], dtype=key.dtype) + strength * jnp.outer(key, key)
    return memory - jnp.linalg.solve(hessian, gradient.T).T


def explicit(memory, key, value, strength):
    return memory - strength * jnp.outer(memory @ key - value, key)


def diagonal(memory, key, value, strength):
    """Each entry fades by itself: the diagonal of k k' stands in for k k'."""
    size = strength / (1 + strength * (key @ key))
    return memory * (1 - size * key[None] ** 2) + size * jnp.outer(value, key)


def norm_not_squared(memory, key, value, strength):
    size = strength / (1 + strength * jnp.sqrt(key @ key + 1))
    return memory - size * jnp.outer(memory @ key - value, key)


claim = Claim(
    slug="proximal-delta-rule",
    title="The delta rule with step b/(1 + b|k|^2) is an implicit step",
    group="B",
    statement=r"""
The memory that stays near the old one and stores the new pair,
$$\operatorname{argmin}_W\ \tfrac12\|W - S\|^2 + \tfrac b2\,\|Wk - v\|^2 = S - \varepsilon\,(Sk - v)\,k^\top,\qquad \varepsilon = \frac{b}{1 + b\,\|k\|^2},$$
is the delta rule with the step size $\varepsilon$: an implicit gradient step of rate $b$, which is stable for every $b > 0$.
""",
    assumptions=("$b > 0$",),
    proof=r"""
The objective is strictly convex; its gradient vanishes where $W - S + b(Wk - v)k^\top = 0$. Put $W = S - \varepsilon(Sk-v)k^\top$: then $Wk - v = (1-\varepsilon\|k\|^2)(Sk - v)$, and the condition is
$\varepsilon = b(1-\varepsilon\|k\|^2)$, that is $\varepsilon = b/(1+b\|k\|^2)$. Since $0 < \varepsilon\|k\|^2 < 1$, the error shrinks and does not change its sign. $\square$

The right side finds the minimiser by one Newton step, the gradient by `jax.grad`.
""",
    source="Liu et al. 2024, arXiv 2407.14207 (Longhorn); implicit online learning: Kulis and Bartlett 2010; also Yang et al. 2024, arXiv 2412.06464, table 1",
    arguments={"memory": "dv d", "key": "d", "value": "dv", "strength": ""},
    dimensions={"d": (1, 3), "dv": (1, 2)},
    shapes=({"d": 3, "dv": 2}, {"d": 2, "dv": 1}, {"d": 1, "dv": 1}),
    given=positive_strength,
    left=stepped,
    right=minimiser,
    mutants=(
        Mutant(
            "the explicit step of rate b",
            explicit,
            "left",
            quoted=Misquotation(
                says="The delta rule with write strength b is the solution of: stay near the old memory, and store the new pair with weight b.",
                source="commonly read into Yang et al. 2024, arXiv 2412.06464, table 1, where each rule has an objective of its own",
                rather="The solution has the step b/(1 + b |k|^2), as Longhorn has it. The delta rule's explicit step b is another one, and diverges for b |k|^2 > 2.",
            ),
        ),
        Mutant(
            "the diagonal of k k' in place of k k'",
            diagonal,
            "left",
            quoted=Misquotation(
                says="The layer that Longhorn runs, in which each entry of the state fades by itself, is the closed-form solution of its online objective.",
                source="commonly read into Liu et al. 2024, arXiv 2407.14207",
                rather="The solution erases along the key, S k k'. With the diagonal of k k' it is another update, the same for every memory only if at most one entry of the key is not zero.",
            ),
        ),
        Mutant("another norm in the step", norm_not_squared, "left"),
    ),
)
