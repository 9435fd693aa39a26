"""The expected test error of the dual falls towards its limit at least as fast as one over the number of demonstrations."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel
from lrgd_jax.effect import DualLoss


def populations(query, keys, values, size):
    """The one drawn, and the extremal one: keys along the query, values that change their sign."""
    signs = jnp.asarray((-1.0) ** np.arange(size), keys.dtype)
    extremal = jnp.ones_like(signs)[:, None] * query[None, :], signs[:, None] * values[:1]
    return {"drawn": (keys, values), "extremal": extremal}


def loss_of(query, target, start, keys, values):
    """The test loss after one step on the mean over demonstrations."""
    n = keys.shape[0]
    mean = jnp.ones((n,), keys.dtype) / n
    return DualLoss(DualModel(start, keys, values, sample_weights=mean, learning_rate=0.25), query, target)(
        jnp.ones((n,), keys.dtype)
    )


def expected_errors(query, keys, values, start, target, size, n):
    """The mean over every sample of n demonstrations, drawn with replacement: size^n trained models."""
    samples = jnp.asarray(list(itertools.product(range(size), repeat=n)))
    found = {}
    for name, (all_keys, all_values) in populations(query, keys, values, size).items():
        losses = jax.vmap(lambda s, k=all_keys, v=all_values: loss_of(query, target, start, k[s], v[s]))(samples)
        found[name] = jnp.sum(losses) / size**n
    return found


def bounded(query, keys, values, start, target, size, n, share=1):
    """The error in the limit, and the size of the samples over their number; no sample is trained on."""
    found = {}
    for name, (all_keys, all_values) in populations(query, keys, values, size).items():
        outputs = (all_keys @ query)[:, None] * all_values
        error = target - start @ query - jnp.sum(outputs, axis=0) / size
        sizes = jnp.sum(all_keys**2, axis=1) * jnp.sum(all_values**2, axis=1)
        noise = jnp.vdot(query, query) * jnp.max(sizes)
        found[name] = jnp.vdot(error, error) / 2 + share * noise / (2 * n)
    return found


claim = Claim(
    slug="generalisation-bound",
    title="The expected test error of the dual falls towards its limit like one over the number of demonstrations",
    group="D",
    statement=r"""
Let demonstrations be drawn independently from one distribution with $\|v\|\,\|\phi(k)\|\le B$, and let the dual take one step on their mean, $W_1 = W_0+\frac1N\sum_iv_i\phi(k_i)^\top$. With the limit
$W_\infty = W_0+\mathbb E\,v\,\phi(k)^\top$,
$$\mathbb E\,\tfrac12\|y-f_{W_1}(q)\|^2\;\le\;\tfrac12\|y-f_{W_\infty}(q)\|^2+\frac{B^2\,\|\phi(q)\|^2}{2N}.$$
It is sharp: equality holds for keys parallel to the query and values $\pm v$ with equal probability.
""",
    assumptions=(
        "the expectation is over the demonstrations; test point and target are fixed",
        "checked for uniform draws from a finite population, where the expectation is a finite sum over all samples",
        "the identity as feature map in the instances; the proof is for any",
        "it bounds the error of a mean: attention with a normaliser, or of a sum, has another limit",
    ),
    proof=r"""
Let $Z_i = v_i\kappa(k_i,q)$, independent with mean $\mu$ and $\|Z_i\|\le B\|\phi(q)\|$ by Cauchy-Schwarz. $f_{W_1}(q) = f_{W_0}(q)+\frac1N\sum Z_i$ has the mean $f_{W_\infty}(q)$, and the error splits into the squared bias and the variance,
$$\mathbb E\|y-f_{W_1}(q)\|^2 = \|y-f_{W_\infty}(q)\|^2+\tfrac1N\,\mathbb E\|Z-\mu\|^2,\qquad \mathbb E\|Z-\mu\|^2 = \mathbb E\|Z\|^2-\|\mu\|^2\le B^2\|\phi(q)\|^2 .$$
Equality iff $\mu = 0$ and $\|Z\| = B\|\phi(q)\|$ almost surely. How tight otherwise: by the factor $\mathbb E\|Z-\mu\|^2/(B^2\|\phi(q)\|^2)$, about $1/d$ for keys of random direction. $\square$
""",
    source="bias and variance of a mean, textbook; a bound for attention's dual is only named in LRGD, arXiv 2504.04386; this one is ours",
    arguments={"query": "d", "keys": "size d", "values": "size dv", "start": "dv d", "target": "dv"},
    dimensions={"size": (2, 3), "n": (2, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=(
        {"size": 2, "n": 3, "d": 3, "dv": 2},
        {"size": 3, "n": 3, "d": 2, "dv": 1},
        {"size": 2, "n": 2, "d": 1, "dv": 2},
    ),
    left=expected_errors,
    right=bounded,
    relation="at most",
    mutants=(
        Mutant("twice as many demonstrations as there are", alter(bounded, n=lambda n: 2 * n)),
        Mutant("one over the squared number", alter(bounded, n=lambda n: n * n)),
        Mutant("the error in the limit alone", alter(bounded, share=0)),
    ),
)
