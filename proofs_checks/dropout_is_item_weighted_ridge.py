"""Dropout of a linear autoencoder's inputs is a ridge whose strength is each item's own count."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def share(odds):
    """The odds of being dropped, p/(1-p), are positive."""
    return {"odds": 0.25 + odds * odds}


def expected_loss(weights, histories, odds, emphasised):
    """Over all masks of the items; emphasised, an item's error counts where that item itself is dropped."""
    items = weights.shape[0]
    masks = np.array(list(itertools.product((0, 1), repeat=items)))
    # dropped p = odds / (1 + odds), kept 1 / (1 + odds); what is kept counts 1 / (1 - p) times
    probabilities = jnp.stack([odds ** int(k) for k in (1 - masks).sum(axis=1)]) / (1 + odds) ** items
    kept = jnp.asarray(masks[:, None], weights.dtype)
    errors = (histories[None] * kept * (1 + odds)) @ weights - histories[None]
    counted = (1 - kept) * (1 + odds) / odds if emphasised else jnp.ones_like(errors)
    return probabilities @ jnp.sum(counted * errors**2, axis=(1, 2)) / 2


def by_dropout(weights, histories, odds):
    return {
        kind: jax.value_and_grad(expected_loss)(weights, histories, odds, emphasised)
        for kind, emphasised in {"dropout": False, "emphasised": True}.items()
    }


def ridge_loss(weights, histories, odds, hidden, flat=0):
    """The squared error and the ridge, an item's own row counted by its events; `hidden`: without the diagonal."""
    seen = weights * (1 - hidden * jnp.eye(weights.shape[0], dtype=weights.dtype))
    counts = jnp.sum(histories**2, axis=0)
    strengths = (1 - flat) * counts + flat * jnp.mean(counts)
    error = jnp.sum((histories @ seen - histories) ** 2)
    return (error + odds * jnp.sum(strengths[:, None] * seen**2)) / 2


def by_ridge(weights, histories, odds, flat=0, hide=1):
    return {
        kind: jax.value_and_grad(ridge_loss)(weights, histories, odds, hidden, flat)
        for kind, hidden in {"dropout": 0, "emphasised": hide}.items()
    }


claim = Claim(
    slug="dropout-is-item-weighted-ridge",
    title="Dropout of items is a ridge weighted by each item's count, and emphasis hides the diagonal",
    group="F",
    statement=r"""
A linear autoencoder with weights $B$ sees histories $X$ (rows of users), of which each item is dropped with probability $p$ and what is kept is divided by $1-p$. Its expected squared error is ridge regression in which item $k$ has a strength of its own,
$$\mathbb E\,\tfrac12\|X-\tilde XB\|^2 = \tfrac12\|X-XB\|^2 + \tfrac12\,\frac p{1-p}\sum_k\Big(\sum_uX_{uk}^2\Big)\|B_{k\cdot}\|^2 .$$
If item $j$'s error counts only where item $j$ itself is dropped (and then $1/p$ times), it is the same with the diagonal of $B$ hidden: EASE with this ridge.
""",
    assumptions=("$0 < p < 1$", "items are dropped independently"),
    proof=r"""
With $\tilde x_k = x_k\delta_k/(1-p)$, $\mathbb E\tilde x_k = x_k$ and $\operatorname{Var}\tilde x_k = x_k^2\,p/(1-p)$; the expected square of $x_j-\sum_k\tilde x_kB_{kj}$ is that of its mean plus $\sum_k\operatorname{Var}(\tilde x_k)B_{kj}^2$. Given $\delta_j = 0$ the term
$k = j$ is absent and the others are as before; $1/p$ cancels the probability. $\square$

So the minimiser solves $(X^\top X+\Lambda)B = X^\top X$, off the diagonal where that is hidden, with $\Lambda = \frac p{1-p}\operatorname{diag}(X^\top X)$: ridge attention with a metric of the items' counts (`ease-is-ridge-attention` has one strength for all). The left side sums over all masks; both are
compared with their gradients, by `jax.grad`.
""",
    source="Steck 2020, Autoencoders that don't overfit towards the identity (NeurIPS), whose abstract states both; the scaling 1/(1-p) is a convention",
    arguments={"weights": "m m", "histories": "u m", "odds": ""},
    dimensions={"u": (1, 3), "m": (2, 3)},
    shapes=({"u": 2, "m": 3}, {"u": 2, "m": 2}),
    given=share,
    left=by_dropout,
    right=by_ridge,
    mutants=(
        Mutant(
            "one strength for all items",
            alter(by_ridge, flat=1),
            quoted=Misquotation(
                says="Dropout on the inputs of a linear autoencoder is weight decay.",
                source="commonly read into Steck 2020 (NeurIPS, EDLAE) as the L2 regularisation that denoising induces",
                rather="It is a ridge in which each item has a strength in proportion to its own count: popular items' weights are shrunk more. Weight decay has one strength for all.",
            ),
        ),
        Mutant("emphasis leaves the diagonal seen", alter(by_ridge, hide=0)),
        Mutant("the strength is p, not p/(1-p)", alter(by_ridge, odds=lambda odds: odds / (1 + odds))),
    ),
)
