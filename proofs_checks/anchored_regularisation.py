"""A pull of the weights toward W0 shrinks what the demonstrations add and leaves the zero-shot part."""

import jax
import jax.numpy as jnp
import optax

from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, projective_readout, projective_targets
from lrgd_jax.dual.descent import step

RATE = 0.25


def moderate(strength):
    """A strength between zero and one, so that eta lambda < 1."""
    return {"strength": strength * strength / (1 + strength * strength)}


def features(x):
    """Features [1; x (x) x], whose kernel 1 + (x'y)^2 is positive."""
    return jnp.concatenate([jnp.ones((1,), x.dtype), jnp.outer(x, x).ravel()])


def shrinkage(strength, steps):
    """The sum of (1 - eta lambda)^s for s below the number of steps."""
    total, power = jnp.zeros_like(strength), jnp.ones_like(strength)
    for _ in range(steps):
        total, power = total + power, power * (1 - RATE * strength)
    return total


def attention(query, keys, values, context_keys, context_values, strength, steps):
    """Attention in which every demonstration counts c times, in the normaliser too where there is one."""
    c = shrinkage(strength, steps)
    near, near_context = 1 + (keys @ query) ** 2, 1 + (context_keys @ query) ** 2
    output = near_context @ context_values + c * (near @ values)
    return {"linear": output, "normalised": output / (jnp.sum(near_context) + c * jnp.sum(near))}


def trained(keys, targets, context_keys, context_targets, strength, steps, anchored):
    """Gradient steps on the written loss with its penalty on the distance from W0 (or from zero)."""
    initial = jnp.einsum("iv,ir->vr", context_targets, jax.vmap(features)(context_keys))
    model = DualModel(initial, keys, targets, feature_map=features, learning_rate=RATE)
    anchor = initial if anchored else jnp.zeros_like(initial)
    ones = jnp.ones(keys.shape[:1], keys.dtype)

    def loss(weights):
        return model.loss(weights, keys, targets, ones) + strength * jnp.sum((weights - anchor) ** 2) / 2

    optimiser = optax.sgd(RATE)
    weights, state = initial, optimiser.init(initial)
    for _ in range(steps):
        weights, state = step(loss, weights, optimiser, state)
    return weights


def after_steps(query, keys, values, context_keys, context_values, strength, steps, anchored=True):
    linear = trained(keys, values, context_keys, context_values, strength, steps, anchored)
    targets = projective_targets(values), projective_targets(context_values)
    ratio = trained(keys, targets[0], context_keys, targets[1], strength, steps, anchored)
    return {"linear": linear @ features(query), "normalised": projective_readout(ratio @ features(query))}


claim = Claim(
    slug="anchored-regularisation",
    title="A pull toward the initial weights shrinks the demonstrations' part only",
    group="C",
    statement=r"""
$S$ gradient steps from $W_0$ on $L(W) + \frac\lambda2\|W-W_0\|_F^2$, $L(W) = -\frac1\eta\sum_D v_i^\top W\phi(k_i)$, end at the output
$$W_S\,\phi(q) = W_0\,\phi(q) + c\sum_{i\in D} v_i\,\kappa(k_i,q),\qquad c = \sum_{s<S}(1-\eta\lambda)^s .$$
With targets $[v_i;1]$ the normalised output is attention in which $\log c$ is added to every demonstration's logit:
$$\frac{\sum_T v_i\kappa_i + c\sum_D v_i\kappa_i}{\sum_T\kappa_i + c\sum_D\kappa_i}.$$
""",
    assumptions=(
        "$\\eta\\lambda < 1$ and a positive kernel, so that the normaliser is not zero; the linear form needs neither",
        "a context $T$ that is not empty",
    ),
    proof=r"""
Let $U_s = W_s - W_0$ and $M = \sum_D v_i\phi(k_i)^\top$. The gradient is $-\frac1\eta M + \lambda U_s$, so
$U_{s+1} = (1-\eta\lambda)U_s + M$ with $U_0 = 0$, hence $U_S = cM$. The pull never touches $W_0$, and $W_0\phi(q)$ is the
zero-shot output. With targets $[v_i;1]$ the same $c$ multiplies the numerator's and the normaliser's demonstration part. $\square$

Without the pull $c = S$; as $S\to\infty$ it tends to $1/(\eta\lambda)$. So the pull is the fraction $c/S$ of what $S$ free steps would
add, whereas decay toward zero multiplies $W_0\phi(q)$ by $(1-\eta\lambda)^S$ too (a mutant below).
""",
    source="L2 starting-point penalty: Li et al. 2018, arXiv 1802.01483; regularised duals: Ren & Liu 2023, arXiv 2310.13220; "
    "the logit form is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
        "strength": "",
    },
    dimensions={"n": (0, 4), "c": (1, 3), "d": (1, 3), "dv": (1, 2), "steps": (1, 3)},
    shapes=(
        {"n": 4, "c": 2, "d": 2, "dv": 2, "steps": 3},
        {"n": 2, "c": 1, "d": 3, "dv": 1, "steps": 2},
        {"n": 3, "c": 1, "d": 2, "dv": 1, "steps": 1},
    ),
    given=moderate,
    left=attention,
    right=after_steps,
    mutants=(
        Mutant("the pull is toward zero", alter(after_steps, anchored=False)),
        Mutant("one step too many", alter(after_steps, steps=lambda steps: steps + 1)),
        Mutant("no pull", alter(after_steps, strength=jnp.zeros_like)),
    ),
)
