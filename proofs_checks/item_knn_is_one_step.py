"""Item-kNN and Markov scores are one step on the alignment loss; the recency weight is a decay inside the key."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel
from lrgd_jax.recommend.forms.dense_reference import discounted_keys, item_knn

RATE = 0.25


def neighbours(history, histories, targets, rates, roots, target_scales, start, decay):
    """Similarities of items, summed over the present history."""
    query, keys = discounted_keys(history[None], decay)[0], discounted_keys(histories, decay)
    return start @ (roots * query) + item_knn(query, keys, targets, rates, roots * roots, target_scales)


def discounted(histories, decay, a, first=0):
    """Every item by the power of its age."""
    total, power = jnp.zeros_like(histories[:, 0]), jnp.ones_like(decay)
    for _ in range(first):
        power = power * decay
    for age in range(a):
        total, power = total + power * histories[:, age], power * decay
    return total


def trained(query, keys, targets, rates, roots, target_scales, start):
    """Cosine normalisation as a feature map and as a scaling of the targets."""
    model = DualModel(
        start,
        keys,
        targets * target_scales[None, :],
        sample_weights=rates,
        feature_map=lambda x: roots * x,
        learning_rate=RATE,
    )
    return model.predict(model.train(), query)[0]


def one_step(history, histories, targets, rates, roots, target_scales, start, decay, a):
    query, keys = discounted(history[None], decay, a), discounted(histories, decay, a)
    return trained(query, keys, targets, rates, roots, target_scales, start)


def decay_one_step_late(history, histories, targets, rates, roots, target_scales, start, decay, a):
    query, keys = discounted(history[None], decay, a), discounted(histories, decay, a, first=1)
    return trained(query, keys, targets, rates, roots, target_scales, start)


def query_without_decay(history, histories, targets, rates, roots, target_scales, start, decay, a):
    query, keys = jnp.sum(history, axis=0)[None], discounted(histories, decay, a)
    return trained(query, keys, targets, rates, roots, target_scales, start)


claim = Claim(
    slug="item-knn-is-one-step",
    title="Item neighbours are one step of the dual",
    group="F",
    statement=r"""
Demonstration $i$ is a transition of some past user: its key $x_i = \sum_a\gamma^ah_{ia}$ holds the features of the history, item by item with its age $a$, its
target $y_i$ is the item that came next. With similarities of items from weighted co-occurrence,
$$A_{jf} = t_j\Big(\sum_i\eta_i\,y_{ij}\,x_{if}\Big)s_f,\qquad s_f = r_f^2,$$
the item-kNN scores of a history with $q = \sum_a\gamma^ah_a$, added to a zero-shot prediction, are the test output after one step:
$$W_0\phi(q) + A\,q = f_{W_1}(q),\qquad \phi(x) = r\odot x,\qquad L(W) = -\tfrac1\eta\sum_i\eta_i\langle t\odot y_i, W\phi(x_i)\rangle .$$
With counts c, $t = s = c^{-1/2}$ is the cosine; with $\gamma\to0$ only the latest item speaks: a Markov chain. The scalings are a feature map and a scaling of the
targets, and the recency weight is a decay inside the key.
""",
    assumptions=("none: the features, scalings and rates are any numbers",),
    proof=r"""
$-\eta\nabla L = \sum_i\eta_i\,(t\odot y_i)\,\phi(x_i)^\top = \mathrm{diag}(t)\big(\sum_i\eta_iy_ix_i^\top\big)\mathrm{diag}(r)$. Applied to $\phi(q) = \mathrm{diag}(r)\,q$ it
gives $\mathrm{diag}(t)\big(\sum_i\eta_iy_ix_i^\top\big)\mathrm{diag}(r^2)\,q = Aq$. The key obeys $x\leftarrow\gamma x+h$ when an item h is added, which is one step with
weight decay $1-\gamma$ on the items themselves; unrolled, it is the sum of powers. $\square$

The left side forms the items by items similarities from keys made by the recursion; the right side sums powers and takes `jax.grad` of the loss.
""",
    source="item-kNN: Sarwar et al. 2001, section 3; the step: Irie et al. 2022, arXiv 2202.05798; the reading is ours",
    arguments={
        "history": "a f",
        "histories": "n a f",
        "targets": "n m",
        "rates": "n",
        "roots": "f",
        "target_scales": "m",
        "start": "m f",
        "decay": "",
    },
    dimensions={"n": (1, 5), "a": (2, 4), "f": (1, 3), "m": (1, 3)},
    shapes=(
        {"n": 4, "a": 3, "f": 3, "m": 3},
        {"n": 2, "a": 2, "f": 3, "m": 2},
        {"n": 1, "a": 4, "f": 2, "m": 3},
    ),
    left=neighbours,
    right=one_step,
    mutants=(
        Mutant("the step goes uphill", alter(one_step, rates=lambda rates: -rates)),
        Mutant("W0 is left out", alter(one_step, start=lambda start: 0 * start)),
        Mutant("the decay of the keys is off by one step", decay_one_step_late),
        Mutant("the query's items do not decay", query_without_decay),
    ),
)
