"""STAR's retrieval score is one step of the dual on semantic and collaborative features side by side."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel

PARTS = ("semantic", "collaborative")


def retrieval(embeddings, users, seen, ratings, mix, decay, h):
    """For every item the mean, over a history of h items, of rating, age and a mixture of two similarities."""
    semantic, collaborative = embeddings @ embeddings.T, users @ users.T
    totals = [jnp.zeros_like(embeddings[:, 0])] * 2
    for age in range(h):
        row = seen[age]
        totals[0] = totals[0] + ratings[age] * decay**age * (mix * (semantic @ row))
        totals[1] = totals[1] + ratings[age] * decay**age * ((1 - mix) * (collaborative @ row))
    parts = dict(zip(PARTS, (total / h for total in totals), strict=True))
    return {"score": (totals[0] + totals[1]) / h, **parts}


def one_step(embeddings, users, seen, ratings, mix, decay, h, first=0, halves=0):
    """A model that learns to name each item from its features, asked with the features of the history."""
    items = embeddings.shape[0]
    shares = (halves / 2 + (1 - halves) * mix, halves / 2 + (1 - halves) * (1 - mix))
    # the share of a kind of features stands on one side of their product, so that no root is needed
    keys = jnp.concatenate([embeddings, users], axis=1)
    scaled = jnp.concatenate([shares[0] * embeddings, shares[1] * users], axis=1)
    model = DualModel.untrained(keys, jnp.eye(items, dtype=keys.dtype))
    weights = model.train()
    discounts = jnp.stack([ratings[age] * decay ** (age + first) for age in range(h)]) / h
    query = (discounts @ seen) @ scaled
    width = embeddings.shape[1]
    only = jnp.arange(keys.shape[1]) < width
    zero = jnp.zeros_like(query)
    return {
        "score": model.predict(weights, query[None])[0],
        "semantic": model.predict(weights, jnp.where(only, query, zero)[None])[0],
        "collaborative": model.predict(weights, jnp.where(only, zero, query)[None])[0],
    }


def multiplied(embeddings, users, seen, ratings, mix, decay, h):
    """The kernels are multiplied, as if the features stood in the exponent of a softmax."""
    left = retrieval(embeddings, users, seen, ratings, mix, decay, h)
    both = (embeddings @ embeddings.T) * (users @ users.T)
    discounts = jnp.stack([ratings[age] * decay**age for age in range(h)]) / h
    return {**left, "score": mix * (1 - mix) * (both @ (discounts @ seen))}


claim = Claim(
    slug="star-is-one-step",
    title="STAR's retrieval is one step on semantic and collaborative features side by side",
    group="F",
    statement=r"""
STAR scores an item $x$ for a history $j = 0,\dots,h-1$ (the latest first) with ratings $r_j$ by
$$\frac1h\sum_jr_j\,\lambda^j\big(a\,e_x^\top e_j + (1-a)\,u_x^\top u_j\big),$$
$e$ the embeddings of the texts and $u$ the columns of users, both of unit length. It is the test output $f_{W_1}(q)$ of a model that takes one step from $W_0 = 0$ on the alignment loss with one demonstration an item, its features $[e_x;u_x]$ and its unit vector as the target, at
$q = \frac1h\sum_jr_j\lambda^j[a\,e_j;(1-a)\,u_j]$. The score splits exactly into both kinds of features, and into the items of the history.
""",
    assumptions=("none: the identity holds for features of any length",),
    proof=r"""
$W_1 = \sum_x1_x[e_x;u_x]^\top$ (`linear-attention`), so entry $x$ of $W_1q$ is $[e_x;u_x]^\top q$; expand. It is linear in $q$, which is a sum over the history and over both blocks. $\square$

A model of transitions is another thing (`item-knn-is-one-step`): here no order of past users' items is learnt. It enters by the age of the history's own items alone.
""",
    source="Lee et al. 2024, arXiv 2410.16458 (the score as commonly stated); the reading is ours",
    arguments={
        "embeddings": "m b",
        "users": "m u",
        "seen": "h m",
        "ratings": "h",
        "mix": "",
        "decay": "",
    },
    dimensions={"m": (1, 3), "b": (1, 2), "u": (1, 2), "h": (1, 3)},
    shapes=({"m": 3, "b": 2, "u": 2, "h": 2}, {"m": 2, "b": 1, "u": 2, "h": 3}),
    left=retrieval,
    right=one_step,
    mutants=(
        Mutant(
            "the two similarities are multiplied",
            multiplied,
            quoted=Misquotation(
                says="Putting semantic and collaborative features into one attention layer mixes their similarities as a hybrid score does.",
                source="commonly read into hybrid scores such as STAR's, Lee et al. 2024, arXiv 2410.16458, beside softmax attention",
                rather="In linear attention it does: kernels of concatenated features add. In softmax attention their logits add, so the kernels are multiplied, and no explanation splits by kind of features.",
            ),
        ),
        Mutant("the latest item has decayed already", alter(one_step, first=1)),
        Mutant("both kinds count by half", alter(one_step, halves=1)),
    ),
)
