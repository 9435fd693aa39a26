"""An attention sink is a null demonstration: its value is zero, and it shrinks the output."""

import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant


def with_sink(query, keys, values, sink):
    """The sink is the first token; its value is zero."""
    everything = jnp.concatenate([sink[None], keys]), jnp.concatenate([0 * values[:1], values])
    return softmax_attention(query[None], *everything, scale=1.0)[0]


def share(query, keys, sink):
    weights = jnp.exp(keys @ query)
    taken = jnp.exp(sink @ query)
    return taken / (taken + jnp.sum(weights))


def shrunk(query, keys, values, sink):
    weights = jnp.exp(keys @ query)
    return (1 - share(query, keys, sink)) * (weights @ values) / jnp.sum(weights)


def nothing(query, keys, values):
    weights = jnp.exp(keys @ query)
    return weights @ values / jnp.sum(weights)


def by_its_own_share(query, keys, values, sink):
    return share(query, keys, sink) * nothing(query, keys, values)


def subtracted(query, keys, values, sink):
    return nothing(query, keys, values) - share(query, keys, sink)


claim = Claim(
    slug="attention-sink",
    title="An attention sink is a null demonstration, which shrinks the output",
    group="A",
    statement=r"""
Let token 0 have the value zero and the weight $p_0 = e^{q^\top k_0}/\sum_{i\ge0}e^{q^\top k_i}$. Then
$$\sum_{i\ge0}p_i\,v_i = (1-p_0)\,\sum_{i\ge1}\frac{e^{q^\top k_i}}{\sum_{j\ge1}e^{q^\top k_j}}\,v_i .$$
In the dual the sink is a demonstration with the target $[0; 1]$: its step moves the normaliser alone.
""",
    assumptions=("at least one token beside the sink",),
    proof=r"""
The sink adds nothing to the numerator $\sum_ie^{q^\top k_i}v_i$, and $e^{q^\top k_0}$ to the denominator $Z = \sum_{i\ge1}e^{q^\top k_i}$. The ratio is $Z/(Z + e^{q^\top k_0}) = 1 - p_0$ times the one without it. $\square$
""",
    source="sinks: Xiao et al. 2023, arXiv 2309.17453; learnt, as in GPT-OSS: arXiv 2508.10925, section 2.3; as a demonstration it is elementary",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "sink": "d"},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 2, "d": 3, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=with_sink,
    right=shrunk,
    mutants=(
        Mutant(
            "the sink changes nothing",
            nothing,
            quoted=Misquotation(
                says="A token whose value is zero, on which a head parks its attention, contributes nothing to the output.",
                source="commonly read into Xiao et al. 2023, arXiv 2309.17453",
                rather="It adds nothing to the numerator and takes its share of the denominator: the output is 1 - p0 times that without it, a null demonstration and not an absent one.",
            ),
        ),
        Mutant("shrunk to the sink's own share", by_its_own_share),
        Mutant("the share is taken away", subtracted),
    ),
)
