"""Negative samples in the dual's loss are contrasted values in attention; all others as negatives are centred values."""

import jax.numpy as jnp
import optax

from lrgd_jax.attention import linear_attention, softmax_attention
from lrgd_jax.claims import Claim, Mutant, alter_results
from lrgd_jax.dual import FunctionalDual, projective_targets
from lrgd_jax.dual.descent import step

RATE = 0.25


def attention(query, keys, values, initial, contrast, n):
    """Attention to contrasted values; softmax attention to centred values, by its shift."""
    plain = softmax_attention(query[None], keys, values)[0]
    return {
        "contrasted": linear_attention(query[None], keys, values - contrast @ values)[0] + initial @ query,
        "centred": linear_attention(query[None], keys, values - jnp.sum(values, axis=0)[None, :] / n)[0]
        + initial @ query,
        "softmax, centred": plain - jnp.sum(values, axis=0) / n,
    }


def contrastive_weights(keys, values, initial, contrast):
    """One step on the written loss: agreement with the own value, less agreement with the negatives' values."""

    def loss(weights):
        predictions = keys @ weights.T
        agreement = predictions @ values.T
        return -(jnp.trace(agreement) - jnp.sum(contrast * agreement)) / RATE

    optimiser = optax.sgd(RATE)
    return step(loss, initial, optimiser, optimiser.init(initial))[0]


def centred_softmax(query, keys, values, normaliser_too=False):
    """The functional dual with centred targets; the component that trains the normaliser keeps its ones."""
    n = values.shape[0]
    targets = projective_targets(values)
    mean = jnp.sum(targets, axis=0, keepdims=True) / n
    kept = jnp.concatenate([mean[:, :-1], jnp.zeros_like(mean[:, -1:])], axis=1)
    targets = targets - (mean / 2 if normaliser_too else kept)
    model = FunctionalDual.untrained(keys, targets, learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def dual(query, keys, values, initial, contrast, n):
    everyone = jnp.ones((n, n), values.dtype) / n
    return {
        "contrasted": contrastive_weights(keys, values, initial, contrast) @ query,
        "centred": contrastive_weights(keys, values, initial, everyone) @ query,
        "softmax, centred": centred_softmax(query, keys, values),
    }


def attracted(query, keys, values, initial, contrast):
    return contrastive_weights(keys, values, initial, -contrast) @ query


def contrasted_by_key(query, keys, values, initial, contrast):
    """The contrast is applied to the keys' side: the negatives of j are those that name j as a negative."""
    return contrastive_weights(keys, values, initial, contrast.T) @ query


def normaliser_contrasted(query, keys, values):
    return centred_softmax(query, keys, values, normaliser_too=True)


def centred_by_others(query, keys, values, initial, n):
    """Centring by the mean of the others, as if a demonstration were not among its own negatives."""
    others = (jnp.ones((n, n), values.dtype) - jnp.eye(n, dtype=values.dtype)) / n
    return contrastive_weights(keys, values, initial, others) @ query


claim = Claim(
    slug="negative-samples",
    title="Negative samples in the dual's loss are contrasted values in attention",
    group="C",
    statement=r"""
One step on $L(W) = -\frac1\eta\sum_i\big(v_i - \sum_j B_{ij}v_j\big)^\top W\phi(k_i)$, where $B_{ij}\ge0$ is how much $j$ counts as a
negative of $i$, gives linear attention to contrasted values,
$$W_1\phi(q) = W_0\phi(q) + \sum_i \tilde v_i\,\kappa(k_i,q),\qquad \tilde v_i = v_i - \sum_j B_{ij}v_j .$$
$B_{ij} = 1/n$ centres the values. In the functional dual of softmax attention with targets $[v_i-\bar v;1]$ and no context, centring
shifts the output by a constant: $o - \bar v$.
""",
    assumptions=(
        "the negatives enter the values only; the normaliser's target stays one",
        "the linear identity holds for every real matrix $B$",
    ),
    proof=r"""
$L$ is linear in $W$, with gradient $-\frac1\eta\sum_i\tilde v_i\phi(k_i)^\top$ everywhere; one step adds
$\sum_i\tilde v_i\phi(k_i)^\top$. With $B_{ij}=1/n$, $\sum_jB_{ij}v_j = \bar v$. For softmax the output is
$\sum_ip_i(v_i-\bar v) = o - \bar v$ because $\sum_ip_i=1$. $\square$

Autodiff sees the loss in its contrastive form, as a sum over pairs, $-\frac1\eta\big(\sum_i v_i^\top W\phi(k_i) -
\sum_{ij}B_{ij}\,v_j^\top W\phi(k_i)\big)$. Contrasting the whole target $[v_i;1]$ would also shrink the normaliser, to
$1-\sum_jB_{ij}$ times its value, and rescale the output (a mutant below). $B$ need not be symmetric, and $B^\top$ is another
contrast (a mutant too). Centring the values equals centring the features: $\sum_i(v_i-\bar v)\phi(k_i)^\top =
\sum_i v_i(\phi(k_i)-\bar\phi)^\top$, since the centring matrix is symmetric.
""",
    source="Ren & Liu 2023, arXiv 2310.13220, the section on modifications of attention (negative samples); the general matrix, "
    "the remark on the normaliser and the shift are ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "initial": "dv d", "contrast": "n n"},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 2, "d": 4, "dv": 3}),
    left=attention,
    right=dual,
    mutants=(
        Mutant("negatives attract", alter_results(dual, {"contrasted": attracted})),
        Mutant("the contrast is transposed", alter_results(dual, {"contrasted": contrasted_by_key})),
        Mutant("the normaliser is contrasted too", alter_results(dual, {"softmax, centred": normaliser_contrasted})),
        Mutant("a demonstration is left out of its own mean", alter_results(dual, {"centred": centred_by_others})),
    ),
)
