"""Popularity is what a constant feature has learned: initial weights of the dual."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel
from lrgd_jax.recommend.forms.dense_reference import add_popularity, item_knn

RATE = 0.25


def attention_and_counts(query, keys, targets, rates, earlier, scales, constant):
    """Popularity of all interactions, and one step on the transitions."""
    counts = jnp.sum(earlier, axis=0) + jnp.sum(targets, axis=0)
    scores = item_knn(query, keys, targets, rates, jnp.ones_like(query), scales)
    return add_popularity(scores, counts, constant * constant, scales)


def with_constant(x, constant):
    return jnp.concatenate([x, constant * jnp.ones_like(x[:, :1])], axis=1)


def steps(query, keys, targets, rates, earlier, scales, constant, carried=1, in_keys=0, twice=0):
    """First a step on every interaction, whose key is the constant alone; then one on the transitions."""
    interactions = jnp.concatenate([earlier, targets])
    blank = jnp.zeros_like(interactions[:, :1]) * query[None, :]
    popularity = DualModel.untrained(
        with_constant(blank, constant * carried), interactions * scales[None, :], learning_rate=RATE
    )
    initial = popularity.train() * (1 + twice)
    model = DualModel(
        initial,
        with_constant(keys, constant * in_keys),
        targets * scales[None, :],
        sample_weights=rates,
        learning_rate=RATE,
    )
    return model.predict(model.train(), with_constant(query[None], constant))[0]


claim = Claim(
    slug="popularity-is-the-initial-weights",
    title="Popularity is the initial weights",
    group="F",
    statement=r"""
Give every key and query one more feature, the constant $\sqrt w$. Let $W_0$ be what one step from zero leaves after *all* interactions (first items of a history too), each
with a key that is blank but for the constant. Then its only column that is not zero is $\sqrt w\,t\odot c$, with c the counts of the items, and one further step on the
transitions, with rates $\eta_i$ and keys $x_i$ whose constant is silent, gives
$$f_{W_1}([q;\sqrt w]) = t\odot\Big(w\,c + \sum_i\eta_i\,y_i\,\langle x_i,q\rangle\Big):$$
popularity is the zero-shot prediction, the rates of the demonstrations do not touch it, and a query without a history is recommended what is popular.
""",
    assumptions=("$w\\ge0$; targets are one-hot for c to be counts, but the identity needs nothing of them",),
    proof=r"""
The first step is $W_0 = \sum_{\rm all}(t\odot y)\,[0;\sqrt w]^\top = [\,0,\ \sqrt w\,t\odot c\,]$, so $W_0[q;\sqrt w] = w\,t\odot c$. The second adds
$\sum_i\eta_i(t\odot y_i)[x_i;0]^\top$, whose output at $[q;\sqrt w]$ is $\sum_i\eta_i(t\odot y_i)\langle x_i,q\rangle$. $\square$
""",
    source="the two steps: claim `order-and-batching`; popularity as a bias: Koren, Bell & Volinsky 2009, eq. 3; the reading is ours",
    arguments={
        "query": "f",
        "keys": "n f",
        "targets": "n m",
        "rates": "n",
        "earlier": "e m",
        "scales": "m",
        "constant": "",
    },
    dimensions={"n": (1, 5), "e": (1, 4), "f": (1, 3), "m": (1, 3)},
    shapes=(
        {"n": 4, "e": 3, "f": 3, "m": 3},
        {"n": 2, "e": 1, "f": 2, "m": 2},
        {"n": 1, "e": 2, "f": 3, "m": 1},
    ),
    left=attention_and_counts,
    right=steps,
    mutants=(
        Mutant("W0 is left out", alter(steps, carried=0)),
        Mutant("the step on the transitions moves the constant feature too", alter(steps, in_keys=1)),
        Mutant("popularity is counted twice", alter(steps, twice=1)),
    ),
)
