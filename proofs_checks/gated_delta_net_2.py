"""Gated DeltaNet-2 takes a gradient step that is preconditioned by the inverse of its erase gate."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant


def positive_gate(erase):
    return {"erase": 0.25 + erase * erase}


def layer(memory, key, value, erase, write):
    return memory - jnp.outer(memory @ (erase * key) - write * value, key)


def squared_error(memory, key, target):
    error = memory @ key - target
    return error @ error / 2


def gradient(memory, key, value, erase, write):
    return jax.grad(squared_error)(memory, erase * key, write * value)


def preconditioned(memory, key, value, erase, write):
    return memory - gradient(memory, key, value, erase, write) / erase[None]


def plain(memory, key, value, erase, write):
    return memory - gradient(memory, key, value, erase, write)


def other_metric(memory, key, value, erase, write):
    return memory - gradient(memory, key, value, erase, write) * erase[None]


def write_gate_on_the_step(memory, key, value, erase, write):
    return memory - write[:, None] * jax.grad(squared_error)(memory, erase * key, value) / erase[None]


claim = Claim(
    slug="gated-delta-net-2",
    title="Gated DeltaNet-2 is a gradient step preconditioned by its erase gate",
    group="B",
    statement=r"""
With an erase gate $b$ for each key channel and a write gate $w$ for each value channel, the update of the (already decayed) memory
$$S' = S - \big(S\,(b\odot k) - w\odot v\big)\,k^\top$$
is the preconditioned gradient step
$$S' = S - \nabla L(S)\,\operatorname{diag}(b)^{-1},\qquad L(S) = \tfrac12\,\|S\,(b\odot k) - w\odot v\|^2 .$$
""",
    assumptions=("$b > 0$ in every channel; the decay comes before and is left out here",),
    proof=r"""
$\nabla L(S) = (S(b\odot k) - w\odot v)(b\odot k)^\top$, and $(b\odot k)^\top\operatorname{diag}(b)^{-1} = k^\top$. $\square$

Unless $b$ is the same in all channels of $k$, the update is the gradient of no loss of $S$ at all: its Jacobian, $k(b\odot k)^\top$ on each row, is not symmetric (`lrgd gradient` shows two entries).
""",
    source="arXiv 2605.22791, eq. 9; the reading as a preconditioned step is elementary",
    arguments={"memory": "dv d", "key": "d", "value": "dv", "erase": "d", "write": "dv"},
    dimensions={"d": (1, 3), "dv": (1, 2)},
    shapes=({"d": 3, "dv": 2}, {"d": 2, "dv": 1}, {"d": 1, "dv": 1}),
    given=positive_gate,
    left=layer,
    right=preconditioned,
    mutants=(
        Mutant(
            "a plain gradient step",
            plain,
            quoted=Misquotation(
                says="Gated DeltaNet-2, like the delta rule, takes a gradient step on the squared error of what its gates let through.",
                source="commonly read into arXiv 2605.22791, eq. 9",
                rather="The step is that gradient times the inverse of the erase gate. Where the gate differs between channels, the update is the gradient of no loss.",
            ),
        ),
        Mutant("the gate, not its inverse, preconditions", other_metric),
        Mutant("the write gate is on the step, not on the target", write_gate_on_the_step),
    ),
)
