"""Softmax attention is regression with a Gaussian kernel in which a key counts by the exponential of its norm."""

import jax.numpy as jnp

from lrgd_jax.attention import softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def attention(query, keys, values):
    return softmax_attention(query[None], keys, values, scale=1.0)[0]


def regression(query, keys, values, power=1.0, normaliser=1.0):
    """Nadaraya-Watson; each sample has the weight exp(power |k|^2 / 2), in the normaliser another power of it."""
    gaussian = jnp.exp(-jnp.sum((query[None] - keys) ** 2, axis=1) / 2)
    norms = jnp.sum(keys**2, axis=1) / 2
    return (gaussian * jnp.exp(power * norms)) @ values / jnp.sum(gaussian * jnp.exp(normaliser * norms))


claim = Claim(
    slug="softmax-is-kernel-regression",
    title="Softmax attention is Gaussian-kernel regression with keys weighted by their norms",
    group="A",
    statement=r"""
Softmax attention with logits $q^\top k_i$ is Nadaraya-Watson regression with the Gaussian kernel and the sample weights $e^{\|k_i\|^2/2}$:
$$\sum_i\frac{e^{q^\top k_i}}{\sum_je^{q^\top k_j}}\,v_i
= \frac{\sum_i e^{\|k_i\|^2/2}\,e^{-\|q-k_i\|^2/2}\,v_i}{\sum_j e^{\|k_j\|^2/2}\,e^{-\|q-k_j\|^2/2}} .$$
The weights may be left out if all keys have one norm.
""",
    assumptions=("at least one key; a scale $s > 0$ of the logits belongs to $\\sqrt s\\,q$ and $\\sqrt s\\,k_i$",),
    proof=r"""
$-\frac12\|q-k_i\|^2 = q^\top k_i - \frac12\|q\|^2 - \frac12\|k_i\|^2$. The factor $e^{-\|q\|^2/2}$ is common to numerator and denominator; $e^{-\|k_i\|^2/2}$ is not, unless all keys have one norm,
and the sample weight takes it away. $\square$
""",
    source="Nadaraya 1964; Watson 1964; as attention Tsai et al. 2019, arXiv 1908.11775; the role of the norms Wang et al. 2025, arXiv 2501.12352",
    arguments={"query": "d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (1, 4), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 4, "d": 2, "dv": 2}, {"n": 2, "d": 3, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=attention,
    right=regression,
    mutants=(
        Mutant(
            "the norms of the keys do not count",
            alter(regression, power=0.0, normaliser=0.0),
            quoted=Misquotation(
                says="Softmax attention is Nadaraya-Watson regression of the values with a Gaussian kernel between query and keys.",
                source="commonly read so where attention is introduced by kernel regression; as a theorem it needs the norms: arXiv 2501.12352",
                rather="Only if all keys have one norm, as after a normalisation of keys. Otherwise key i counts exp(|k_i|^2 / 2) times.",
            ),
        ),
        Mutant("the weight without its half", alter(regression, power=2.0, normaliser=2.0)),
        Mutant("the normaliser leaves the norms out", alter(regression, normaliser=0.0)),
    ),
)
