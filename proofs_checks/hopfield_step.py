"""Retrieval from a modern Hopfield network is one unit gradient step of the query on its own energy."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def positive_sharpness(sharpness):
    return {"sharpness": 0.25 + sharpness * sharpness}


def attention(state, patterns, sharpness):
    """The stored patterns are keys and values."""
    return softmax_attention((sharpness * state)[None], patterns, patterns, scale=1.0)[0]


def energy(state, patterns, sharpness):
    return state @ state / 2 - jnp.log(jnp.sum(jnp.exp(sharpness * (patterns @ state)))) / sharpness


def stepped(state, patterns, sharpness, rate=1.0):
    return state - rate * jax.grad(energy)(state, patterns, sharpness)


def weights_stepped(state, patterns, sharpness):
    """A linear memory takes the step and the state stays: the patterns are stored, and the state reads them."""

    def alignment(weights):
        return -jnp.sum(patterns * (sharpness * patterns @ weights.T))

    zero = jnp.zeros((state.shape[0], state.shape[0]), state.dtype)
    return -jax.grad(alignment)(zero) @ state


def energy_not_divided(state, patterns, sharpness):
    def wrong(state):
        return state @ state / 2 - jnp.log(jnp.sum(jnp.exp(sharpness * (patterns @ state))))

    return state - jax.grad(wrong)(state)


claim = Claim(
    slug="hopfield-step",
    title="Hopfield retrieval is one unit gradient step of the query, on its energy",
    group="A",
    statement=r"""
Let $X$ have the stored patterns as rows and
$$E(\xi) = \tfrac12\|\xi\|^2 - \tfrac1\beta\log\sum_ie^{\beta x_i^\top\xi}.$$
One gradient step of rate 1 *of the state*, $\xi - \nabla E(\xi)$, is softmax attention of the query $\xi$ to the patterns, as keys and as values, with the scale $\beta$. No weight and no pattern changes.
""",
    assumptions=("$\\beta > 0$", "at least one pattern; keys and values are the same"),
    proof=r"""
$\nabla E(\xi) = \xi - \sum_ip_ix_i$ with $p_i = e^{\beta x_i^\top\xi}/\sum_je^{\beta x_j^\top\xi}$. The rate 1 takes $\xi$ away in full. $\square$

This is another reading of attention than the dual model: there the *weights* take a step, from the demonstrations, and the query is only tested (`softmax-attention`). Both hold for the same layer; they are not
two names of one descent.
""",
    source="Ramsauer et al. 2020, arXiv 2008.02217 (energy and update, up to constants); as a gradient step it is elementary",
    arguments={"state": "d", "patterns": "n d", "sharpness": ""},
    dimensions={"n": (1, 4), "d": (1, 3)},
    shapes=({"n": 3, "d": 2}, {"n": 2, "d": 1}),
    given=positive_sharpness,
    left=attention,
    right=stepped,
    mutants=(
        Mutant(
            "a linear memory's weights take the step",
            weights_stepped,
            quoted=Misquotation(
                says="Attention is Hopfield retrieval, so the gradient step that Hopfield networks ascribe to attention is the step of the weights in in-context learning.",
                source="commonly read so where Ramsauer et al. 2020, arXiv 2008.02217, and Dai et al. 2023, arXiv 2212.10559, are cited side by side",
                rather="It is a step of the query, of rate 1, on the query's own energy; nothing is stored by it. The step of weights is another one, on a loss of the demonstrations.",
            ),
        ),
        Mutant("half a step", alter(stepped, rate=0.5)),
        Mutant("the energy without 1/beta", energy_not_divided),
    ),
)
