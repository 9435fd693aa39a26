"""Linear attention is the test output of a linear model after one gradient step."""

import jax
import jax.numpy as jnp
import optax

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.features import elu_plus_one

RATE = 0.3


def attention(query, keys, values, context_keys, context_values, phi):
    everything = jnp.concatenate([keys, context_keys]), jnp.concatenate([values, context_values])
    return linear_attention(query[None], *everything, feature_map=phi)[0]


def dual(keys, values, context_keys, context_values, phi):
    zero_shot = jnp.einsum("iv,ir->vr", context_values, jax.vmap(phi)(context_keys))
    return DualModel(zero_shot, keys, values, feature_map=phi, learning_rate=RATE)


def after_one_step(query, keys, values, context_keys, context_values, phi):
    model = dual(keys, values, context_keys, context_values, phi)
    return model.predict(model.train(), query[None])[0]


def step_uphill(query, keys, values, context_keys, context_values, phi):
    model = dual(keys, values, context_keys, context_values, phi)
    return model.predict(model.train(optimiser=optax.sgd(-RATE)), query[None])[0]


def from_zero(query, keys, values, phi):
    model = DualModel.untrained(keys, values, feature_map=phi, learning_rate=RATE)
    return model.predict(model.train(), query[None])[0]


def rate_not_cancelled(query, keys, values, context_keys, context_values, phi):
    model = dual(keys, values, context_keys, context_values, phi)
    return model.predict(model.train(optimiser=optax.sgd(RATE * RATE)), query[None])[0]


def query_without_features(query, keys, values, context_keys, context_values, phi):
    model = dual(keys, values, context_keys, context_values, phi)
    return model.train() @ query


claim = Claim(
    slug="linear-attention",
    title="Linear attention is one gradient step of a linear model",
    group="A",
    statement=r"""
For demonstrations $D$, zero-shot context $T$, a feature map $\phi$ and any $\eta > 0$,
$$\sum_{i\in D\cup T} v_i\,\phi(k_i)^\top\phi(q) = f_{W_1}(q),\qquad f_W(x) = W\phi(x),$$
$$W_0 = \sum_{i\in T} v_i\phi(k_i)^\top,\qquad W_1 = W_0 - \eta\nabla L(W_0),\qquad
L(W) = -\frac1\eta\sum_{i\in D} v_i^\top W\phi(k_i).$$
""",
    assumptions=("$\\eta > 0$", "$D$ or $T$ may be empty; keys may repeat; any $\\phi$"),
    proof=r"""
$L$ is linear in $W$ and $v_i^\top W\phi(k_i) = \langle W, v_i\phi(k_i)^\top\rangle_F$, so
$\nabla L(W) = -\frac1\eta\sum_D v_i\phi(k_i)^\top$ at every $W$. Hence
$W_1 = \sum_T v_i\phi(k_i)^\top + \sum_D v_i\phi(k_i)^\top$, and $W_1\phi(q)$ is the left side. $\square$
""",
    source="Irie et al. 2022, arXiv 2202.05798, theorem 2; Dai et al. 2023, arXiv 2212.10559, eq. 8 to 11",
    arguments={
        "query": "d",
        "keys": "n d",
        "values": "n dv",
        "context_keys": "c d",
        "context_values": "c dv",
    },
    dimensions={"n": (0, 6), "c": (0, 3), "d": (1, 4), "dv": (1, 3)},
    free={"phi": elu_plus_one},
    shapes=(
        {"n": 6, "c": 2, "d": 3, "dv": 2},
        {"n": 2, "c": 1, "d": 5, "dv": 3},
        {"n": 1, "c": 0, "d": 1, "dv": 1},
    ),
    left=attention,
    right=after_one_step,
    mutants=(
        Mutant("the step goes uphill", step_uphill),
        Mutant("W0 is left out", from_zero),
        Mutant("the loss lacks its 1/eta", rate_not_cancelled),
        Mutant("the query is not mapped by phi", query_without_features),
    ),
)
