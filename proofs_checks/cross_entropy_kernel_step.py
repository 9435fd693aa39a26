"""One step on the cross-entropy is attention to the labels less the probabilities that the model had given them."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter

RATE = 0.5


def normalised(scores):
    weights = jnp.exp(scores)
    return weights / jnp.sum(weights)


def cross_entropy(weights, keys, labels, rates):
    """Of labels that need not be hard: the logarithm of the sum, as often as there are labels, less their logits."""
    logits = keys @ weights.T
    total = jnp.log(jnp.sum(jnp.exp(logits), axis=1))
    return rates @ (jnp.sum(labels, axis=1) * total - jnp.sum(labels * logits, axis=1))


def step(start, query, keys, labels, rates):
    return (start - RATE * jax.grad(cross_entropy)(start, keys, labels, rates)) @ query


def by_descent(query, keys, labels, start):
    """Logits at the query after one step, from any weights and from zero; what the softmax form divides by, too."""
    ones, zero = jnp.ones_like(keys[:, 0]), jnp.zeros_like(start)
    adaptive = ones / jnp.sum(jnp.exp(keys @ query)) / RATE
    # the exponential kernel as the rate of each demonstration: its one feature is constant
    constant = jnp.ones_like(keys[:, :1])
    kernel = adaptive * jnp.exp(keys @ query)
    return {
        "any weights": step(start, query, keys, labels, ones),
        "probabilities from zero": normalised(step(zero, query, keys, labels, ones)),
        "softmax attention from zero": step(zero[:, :1], constant[0], constant, labels, kernel),
    }


def by_attention(query, keys, labels, start, centred=1):
    classes = labels.shape[1]
    had = jax.vmap(lambda key: normalised(start @ key))(keys)
    sums = jnp.sum(labels, axis=1, keepdims=True)
    values = RATE * (labels - centred * sums * had)
    flat = labels - centred * sums / classes
    return {
        "any weights": start @ query + linear_attention(query[None], keys, values)[0],
        # one constant for all classes leaves the probabilities as they are: the labels need no centring here
        "probabilities from zero": normalised(RATE * linear_attention(query[None], keys, labels)[0]),
        "softmax attention from zero": softmax_attention(query[None], keys, flat, scale=1.0)[0],
    }


def centred_at_uniform(query, keys, labels, start):
    """From any weights, the residuals are taken as if the model had known nothing."""
    right = by_attention(query, keys, labels, start)
    values = RATE * (labels - jnp.sum(labels, axis=1, keepdims=True) / labels.shape[1])
    return {**right, "any weights": start @ query + linear_attention(query[None], keys, values)[0]}


def zero_shot_left_out(query, keys, labels, start):
    right = by_attention(query, keys, labels, start)
    return {**right, "any weights": right["any weights"] - start @ query}


claim = Claim(
    slug="cross-entropy-kernel-step",
    title="A step on the cross-entropy is attention to labels less the probabilities that they had",
    group="B",
    statement=r"""
Let labels $y_i$ be one-hot, or any with the sum $s_i$, and $p_i = \operatorname{softmax}(W_0k_i)$. One step of rate $\eta$ on the cross-entropy $\sum_i\big(s_i\log\sum_ce^{(Wk_i)_c} - y_i^\top Wk_i\big)$ gives the logits
$$W_1q = W_0q + \eta\sum_i(y_i - s_ip_i)\,k_i^\top q .$$
From $W_0 = 0$, where $p_i$ is uniform over the $C$ classes, the *probabilities* are those of linear attention to the labels themselves; and softmax attention with the values $y_i - s_i1/C$ is that step in the feature space of
$\kappa(x,y) = e^{x^\top y}$, with the rate $1/\sum_i\kappa(k_i,q)$, which adapts to the query.
""",
    assumptions=("one step; for a second one $p_i$ is no longer uniform",),
    proof=r"""
$\nabla L(W) = \sum_i(s_ip_i-y_i)k_i^\top$. At zero $p_i = 1/C$: the part $-\frac\eta C\sum_is_i\,k_i^\top q$ is the same for every class, and a softmax does not see it. For a kernel replace $k_i^\top q$ by $\kappa(k_i,q)$; the softmax
form divides by $\sum_i\kappa$. $\square$

In the check the kernel's value is the rate of demonstration $i$ on a feature that is constant, which has the same gradient.
""",
    source="Dragutinović et al. 2025, arXiv 2510.10425, whose abstract names the adaptive rate; from any weights, and the role of the centring, derived here",
    arguments={"query": "d", "keys": "n d", "labels": "n c", "start": "c d"},
    dimensions={"n": (1, 3), "d": (1, 2), "c": (2, 3)},
    shapes=({"n": 2, "d": 2, "c": 2}, {"n": 2, "d": 1, "c": 3}),
    left=by_descent,
    right=by_attention,
    mutants=(
        Mutant(
            "attention to the labels themselves",
            alter(by_attention, centred=0),
            quoted=Misquotation(
                says="For classification, too, one gradient step is attention to the demonstrations' labels.",
                source="commonly read into the correspondence with linear regression, von Oswald et al. 2023, arXiv 2212.07677, taken over to cross-entropy",
                rather="It is attention to the labels less the probabilities that the model had given them. From zero weights that is a shift common to all classes, which the probabilities do not see; from any others it is not.",
            ),
        ),
        Mutant("residuals of uniform probabilities from any weights", centred_at_uniform),
        Mutant("the zero-shot logits are left out", zero_shot_left_out),
    ),
)
