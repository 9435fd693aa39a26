"""Scaled tensor powers approximate the exponential kernel, with an error that has both bounds."""

import math

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.features import TaylorFeatures


def half_the_width(x, y, d):
    """Inner products of order one, so that neither bound is trivial."""
    return {"x": x / math.sqrt(d), "y": y / 2}


def polynomial(z, degree):
    return sum(z**j / math.factorial(j) for j in range(degree + 1))


def inequalities(x, y, degree, features):
    """Left <= right reads: lower bound <= |error| <= upper bound, and kernel <= polynomial <= kernel."""
    z = jnp.vdot(x, y)
    kernel = jnp.vdot(features(x), features(y))
    error = jnp.abs(jnp.exp(z) - kernel)
    first_left_out = jnp.abs(z) ** (degree + 1) / math.factorial(degree + 1)
    return {
        "lower": (first_left_out * jnp.exp(jnp.minimum(z, 0)), error),
        "upper": (error, first_left_out * jnp.exp(jnp.maximum(z, 0))),
        "sign": (-(jnp.sign(z) ** (degree + 1)) * (jnp.exp(z) - kernel), jnp.zeros_like(z)),
        "kernel from above": (kernel, polynomial(z, degree)),
        "kernel from below": (polynomial(z, degree), kernel),
    }


def smaller(x, y, degree):
    return {name: pair[0] for name, pair in inequalities(x, y, degree, TaylorFeatures(degree)).items()}


def larger(x, y, degree):
    return {name: pair[1] for name, pair in inequalities(x, y, degree, TaylorFeatures(degree)).items()}


def powers_not_scaled(x, y, degree):
    """X to the tensor power j without 1/sqrt(j!)."""

    def features(x):
        blocks = [jnp.ones((1,), x.dtype)]
        for _ in range(degree):
            blocks.append(jnp.outer(blocks[-1], x).ravel())
        return jnp.concatenate(blocks)

    return {name: pair[0] for name, pair in inequalities(x, y, degree, features).items()}


def one_degree_short(x, y, degree):
    return {name: pair[0] for name, pair in inequalities(x, y, degree, TaylorFeatures(degree - 1)).items()}


def bound_of_the_next_degree(x, y, degree):
    z = jnp.vdot(x, y)
    too_small = jnp.abs(z) ** (degree + 2) / math.factorial(degree + 2) * jnp.exp(jnp.maximum(z, 0))
    return {**larger(x, y, degree), "upper": too_small}


claim = Claim(
    slug="softmax-taylor-features",
    title="Taylor features approximate the softmax kernel, with error bounds from both sides",
    group="A",
    statement=r"""
With $z = x^\top y$ and $\phi_p(x) = [x^{\otimes j}/\sqrt{j!}]_{j\le p}$: $\phi_p(x)^\top\phi_p(y) = \sum_{j\le p} z^j/j!$ and
$$\frac{|z|^{p+1}}{(p+1)!}\,e^{\min(0,z)} \;\le\; \big|e^{z} - \phi_p(x)^\top\phi_p(y)\big| \;\le\;
\frac{|z|^{p+1}}{(p+1)!}\,e^{\max(0,z)},$$
and the error has the sign of $z^{p+1}$: for odd $p$ the features never overestimate the kernel.
""",
    assumptions=("$p \\ge 1$ here; $p = 0$ is the constant feature",),
    proof=r"""
$\langle x^{\otimes j}, y^{\otimes j}\rangle = (x^\top y)^j$ gives the polynomial. Lagrange's form of the remainder:
$e^z - \sum_{j\le p} z^j/j! = e^{\xi} z^{p+1}/(p+1)!$ for some $\xi$ between $0$ and $z$. As $e^\xi > 0$ the sign is that of
$z^{p+1}$, and $\min(0,z)\le\xi\le\max(0,z)$ gives both bounds. $\square$

The lower bound says that no more can be had: an approximation of degree $p$ is at least that far off.
""",
    source="classical (Taylor, Lagrange); as attention features: Keles et al. 2022, arXiv 2209.04881. "
    "The lower bound and the sign are added here to the usual upper bound",
    arguments={"x": "d", "y": "d"},
    dimensions={"d": (1, 4), "degree": (1, 4)},
    shapes=({"d": 3, "degree": 2}, {"d": 2, "degree": 3}, {"d": 4, "degree": 1}),
    given=half_the_width,
    left=smaller,
    right=larger,
    relation="at most",
    mutants=(
        Mutant("tensor powers without 1/sqrt(j!)", powers_not_scaled, replaces="left"),
        Mutant("one degree too few", one_degree_short, replaces="left"),
        Mutant("the bound of the next degree", bound_of_the_next_degree),
    ),
)
