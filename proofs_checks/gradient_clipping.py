"""Clipping each demonstration's gradient shrinks its value in attention, or its whole target in softmax attention."""

import jax
import jax.numpy as jnp
import optax

from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, FunctionalDual, KernelExpansion, projective_readout, projective_targets
from lrgd_jax.kernels import ExponentialKernel

RATE = 0.25
KERNEL = ExponentialKernel(scale=1.0)


def away_from_zero(keys, values, threshold):
    """A positive threshold; rows whose first coordinate is positive, so that no length is zero."""
    keys, values = (x.at[:, 0].set(0.25 + x[:, 0] ** 2) for x in (keys, values))
    return {"keys": keys, "values": values, "threshold": 1 + threshold * threshold}


def length(x):
    return jnp.sqrt(jnp.sum(x * x, axis=1))


def shrunk(values, lengths, threshold):
    """Rows times min(1, c / (|v| |phi(k)|))."""
    return values * (threshold / jnp.maximum(threshold, length(values) * lengths))[:, None]


def attention(query, keys, values, initial, threshold):
    near = jnp.exp(keys @ query)
    targets = jnp.concatenate([values, jnp.ones_like(values[:, :1])], axis=1)
    norms = jnp.exp(jnp.sum(keys * keys, axis=1) / 2)
    pair = near @ shrunk(targets, norms, threshold)
    return {
        "linear": initial @ query + (keys @ query) @ shrunk(values, length(keys), threshold),
        "softmax": pair[:-1] / pair[-1],
    }


def each_gradient(keys, values, initial):
    """The gradient of every demonstration's own loss, one step of jax.grad each."""
    model = DualModel(initial, keys, values, learning_rate=RATE)
    one = jnp.ones((1,), values.dtype)
    return jax.vmap(lambda k, v: jax.grad(model.loss)(initial, k[None], v[None], one))(keys, values)


def clipped_linear(query, keys, values, initial, clip):
    gradients = each_gradient(keys, values, initial)
    return (initial - RATE * jnp.sum(clip(gradients), axis=0)) @ query


def clipped_softmax(query, keys, values, limit):
    """Functional gradients c_i kappa(k_i, .) clipped by their norm in the RKHS, |c_i| sqrt(kappa(k_i, k_i))."""
    model = FunctionalDual(
        KernelExpansion(keys[:0], projective_targets(values)[:0], KERNEL),
        keys,
        projective_targets(values),
        learning_rate=RATE,
    )
    gradient = model.gradient(
        model.initial_function, keys, projective_targets(values), jnp.ones(keys.shape[:1], keys.dtype)
    ).coefficients
    norms = jnp.sqrt(jnp.sum(gradient**2, axis=1) * jax.vmap(KERNEL)(keys, keys))
    step = KernelExpansion(keys, -RATE * gradient * (limit / jnp.maximum(limit, norms))[:, None], KERNEL)
    return projective_readout(step(query[None]))[0]


def one_by_one(limit):
    """Clipping of every gradient by optax."""
    clip = optax.clip_by_global_norm(limit)
    return jax.vmap(lambda gradient: clip.update(gradient, clip.init(gradient))[0])


def dual(query, keys, values, initial, threshold):
    # the gradient carries the loss's factor 1/eta, and so does its bound
    limit = threshold / RATE
    return {
        "linear": clipped_linear(query, keys, values, initial, one_by_one(limit)),
        "softmax": clipped_softmax(query, keys, values, limit),
    }


def clipped_sum(query, keys, values, initial, threshold):
    """The gradient of the whole batch is clipped, not each demonstration's."""

    def clip(gradients):
        return one_by_one(threshold / RATE)(jnp.sum(gradients, axis=0, keepdims=True))

    wrong = clipped_linear(query, keys, values, initial, clip)
    return {**dual(query, keys, values, initial, threshold), "linear": wrong}


def threshold_without_rate(query, keys, values, initial, threshold):
    wrong = clipped_linear(query, keys, values, initial, one_by_one(threshold))
    return {**dual(query, keys, values, initial, threshold), "linear": wrong}


def normalised_not_clipped(query, keys, values, initial, threshold):
    """Every gradient gets the length of the bound, short ones too."""

    def normalise(gradients):
        norms = jnp.sqrt(jnp.sum(gradients**2, axis=(1, 2)))
        return gradients * (threshold / RATE / norms)[:, None, None]

    wrong = clipped_linear(query, keys, values, initial, normalise)
    return {**dual(query, keys, values, initial, threshold), "linear": wrong}


def values_only(query, keys, values, initial, threshold):
    """Softmax whose values shrink while the normaliser takes its whole step."""
    norms = jnp.exp(jnp.sum(keys * keys, axis=1) / 2)
    near = jnp.exp(keys @ query)
    targets = shrunk(projective_targets(values), norms, threshold)[:, :-1]
    wrong = near @ targets / jnp.sum(near)
    return {**dual(query, keys, values, initial, threshold), "softmax": wrong}


claim = Claim(
    slug="gradient-clipping",
    title="Clipping each demonstration's gradient shrinks its value",
    group="C",
    statement=r"""
Let $g_i = \nabla_W\big(-\frac1\eta v_i^\top W\phi(k_i)\big)$ and clip each to $\|g_i\|_F\le c/\eta$. The step with clipped gradients
gives linear attention with shrunk values,
$$W_1\phi(q) = W_0\phi(q) + \sum_i \gamma_i\,v_i\,\kappa(k_i,q),\qquad \gamma_i = \min\Big(1,\frac{c}{\|v_i\|\,\|\phi(k_i)\|}\Big).$$
In the functional dual of softmax attention, with $\|g_i\|_{\mathcal H} = \frac1\eta\|[v_i;1]\|\sqrt{\kappa(k_i,k_i)}$, it is the whole
target $[v_i;1]$ that shrinks, so the *weights* of attention change: $p_i\propto\gamma_i\,\kappa(k_i,q)$.
""",
    assumptions=("$c > 0$; no value and no $\\phi(k_i)$ is zero (there $\\gamma_i = 1$)", "at least one demonstration"),
    proof=r"""
$g_i = -\frac1\eta v_i\phi(k_i)^\top$ has rank one, so $\|g_i\|_F = \frac1\eta\|v_i\|\|\phi(k_i)\|$, and clipping at $c/\eta$ multiplies
it by $\gamma_i$; the step adds $\sum_i\gamma_iv_i\phi(k_i)^\top$. In the RKHS $g_i = -\frac1\eta[v_i;1]\,\kappa(k_i,\cdot)$ and
$\|\kappa(k_i,\cdot)\|^2 = \kappa(k_i,k_i)$. Its factor multiplies both components of the pair that the ratio is taken of. $\square$

The threshold $c$ bounds the *step* that one demonstration makes, $\eta\|g_i\|$; a threshold on the gradient of this loss is $\eta$ times
as large in these units (a mutant below).
""",
    source="clipping: Pascanu et al. 2013, arXiv 1211.5063; per example: Abadi et al. 2016, arXiv 1607.00133; the reading is ours",
    arguments={"query": "d", "keys": "n d", "values": "n dv", "initial": "dv d", "threshold": ""},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 4, "d": 3, "dv": 3}),
    given=away_from_zero,
    left=attention,
    right=dual,
    mutants=(
        Mutant("the summed gradient is clipped", clipped_sum),
        Mutant("the threshold lacks its 1/eta", threshold_without_rate),
        Mutant("every gradient is brought to the threshold", normalised_not_clipped),
        Mutant("softmax values shrink, weights do not", values_only),
    ),
)
