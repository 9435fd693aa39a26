"""Claims of two lines, true and false, for the checker to judge."""

from dataclasses import replace

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant


def squared_sum(x):
    return jnp.sum(x) * jnp.sum(x)


def all_pairs(x):
    return jnp.sum(x[:, None] * x[None, :])


def wrong_sign(x):
    return -all_pairs(x)


def squares_only(x):
    return jnp.sum(x * x)


TRUE = Claim(
    slug="squared-sum",
    title="The square of a sum is the sum over all pairs",
    statement=r"$(\sum x_i)^2 = \sum_{ij} x_i x_j$",
    proof="Multiply out.",
    source="school",
    arguments={"x": "n"},
    dimensions={"n": (1, 5)},
    shapes=({"n": 5}, {"n": 1}),
    left=squared_sum,
    right=all_pairs,
    mutants=(Mutant("wrong sign", wrong_sign), Mutant("squares only", squares_only, replaces="left")),
)

FALSE = replace(TRUE, slug="wrong-sign", right=wrong_sign)


def variant(**changes):
    return replace(TRUE, **changes)
