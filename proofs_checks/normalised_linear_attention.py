"""Normalised linear attention is a projective dual, or a learning rate of its own for each query."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, projective_readout, projective_targets
from lrgd_jax.features import elu_plus_one


def attention(query, keys, values, context_keys, context_values, phi):
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])
    output = linear_attention(query[None], *everything, feature_map=phi, normalised=True)[0]
    return {"projective dual": output, "learning rate of the query": output}


def trained(keys, targets, context_keys, context_targets, phi):
    """W1 from W0, the sum over the context."""
    zero_shot = jnp.einsum("iv,ir->vr", context_targets, jax.vmap(phi)(context_keys))
    return DualModel(zero_shot, keys, targets, feature_map=phi, learning_rate=0.3).train()


def duals(query, keys, values, context_keys, context_values, phi):
    features = phi(query)
    weights = trained(keys, projective_targets(values), context_keys, projective_targets(context_values), phi)
    ones, context_ones = jnp.ones_like(values[:, :1]), jnp.ones_like(context_values[:, :1])
    normaliser = (trained(keys, ones, context_keys, context_ones, phi) @ features)[0]
    # W0 / b, then a step at the rate eta / b: the same loss, its demonstrations weighted by 1 / b
    zero_shot = jnp.einsum("iv,ir->vr", context_values, jax.vmap(phi)(context_keys)) / normaliser
    weights_of_the_query = DualModel(
        zero_shot,
        keys,
        values,
        jnp.full(keys.shape[:1], 1 / normaliser),
        feature_map=phi,
        learning_rate=0.3,
    ).train()
    return {
        "projective dual": projective_readout(weights @ features),
        "learning rate of the query": weights_of_the_query @ features,
    }


def both(output):
    return {"projective dual": output, "learning rate of the query": output}


def normaliser_of_the_context_only(query, keys, values, context_keys, context_values, phi):
    targets = jnp.concatenate([values, jnp.zeros_like(values[:, :1])], axis=1)
    weights = trained(keys, targets, context_keys, projective_targets(context_values), phi)
    return both(projective_readout(weights @ phi(query)))


def divided_by_the_count(query, keys, values, context_keys, context_values, n, c, phi):
    return both(trained(keys, values, context_keys, context_values, phi) @ phi(query) / (n + c))


def context_not_normalised(query, keys, values, context_keys, context_values, phi):
    features = phi(query)
    ones = jnp.ones_like(values[:, :1])
    normaliser = (trained(keys, ones, context_keys, jnp.ones_like(context_values[:, :1]), phi) @ features)[0]
    zero_shot = jnp.einsum("iv,ir->vr", context_values, jax.vmap(phi)(context_keys))
    step = trained(keys, values, context_keys, context_values, phi) - zero_shot
    return both((zero_shot + step / normaliser) @ features)


claim = Claim(
    slug="normalised-linear-attention",
    title="Normalised linear attention is a projective dual",
    group="A",
    statement=r"""
Train the dual on targets $[v_i; 1]$, from $W_0 = \sum_T [v_i;1]\,\phi(k_i)^\top$; its output at $q$ is $(a; b)$ with
$$\frac ab = \frac{\sum_{D\cup T} v_i\,\phi(k_i)^\top\phi(q)}{\sum_{D\cup T}\phi(k_i)^\top\phi(q)}.$$
The same number comes from the dual with targets $v_i$ that starts at $W_0/b$ and steps at the rate $\eta/b$.
""",
    assumptions=("$\\phi > 0$ componentwise, or at least $b \\ne 0$", "$D \\cup T$ is not empty"),
    proof=r"""
By `linear-attention` with targets $[v_i;1]$, $W_1\phi(q) = \big(\sum v_i\phi(k_i)^\top\phi(q);\ \sum\phi(k_i)^\top\phi(q)\big)
= (a; b)$. Scaling $W_0$ and the step by $1/b$ scales the linear output $a$ by $1/b$. $\square$

The second reading makes plain what normalisation does: the more the query's keys weigh in total, the smaller its step.
""",
    source="Katharopoulos et al. 2020, arXiv 2006.16236, eq. 4; the projective reading is ours",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
    },
    dimensions={"n": (1, 6), "c": (0, 3), "d": (1, 4), "dv": (1, 3)},
    free={"phi": elu_plus_one},
    shapes=(
        {"n": 6, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 5, "dv": 3},
        {"n": 0, "c": 1, "d": 1, "dv": 1},
    ),
    left=attention,
    right=duals,
    mutants=(
        Mutant("the normaliser learns from the context only", normaliser_of_the_context_only),
        Mutant("divided by the number of tokens", divided_by_the_count),
        Mutant("W0 is not divided by b", context_not_normalised),
    ),
)
