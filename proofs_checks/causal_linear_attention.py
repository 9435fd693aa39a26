"""Causal linear attention is online learning: position t is predicted by the weights after t steps."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import linear_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel
from lrgd_jax.features import elu_plus_one
from lrgd_jax.positions import visible


def attention(queries, keys, values, n, phi):
    return linear_attention(queries, keys, values, feature_map=phi, mask=visible(n, n, causal=True))


def untrained(keys, values, phi):
    return DualModel.untrained(keys, values, feature_map=phi, learning_rate=0.3)


def predict_each(trajectory, queries, phi):
    return jax.vmap(lambda w, q: w @ phi(q))(trajectory, queries)


def online(queries, keys, values, phi):
    return predict_each(untrained(keys, values, phi).train_online(), queries, phi)


def one_step_late(queries, keys, values, phi):
    trajectory = untrained(keys, values, phi).train_online()
    return predict_each(jnp.concatenate([jnp.zeros_like(trajectory[:1]), trajectory[:-1]]), queries, phi)


def sees_the_future(queries, keys, values, phi):
    model = untrained(keys, values, phi)
    return model.predict(model.train(), queries)


def sees_the_next_token(queries, keys, values, phi):
    trajectory = untrained(keys, values, phi).train_online()
    return predict_each(jnp.concatenate([trajectory[1:], trajectory[-1:]]), queries, phi)


claim = Claim(
    slug="causal-linear-attention",
    title="Causal linear attention is online gradient descent",
    group="A",
    statement=r"""
$$\sum_{i\le t} v_i\,\phi(k_i)^\top\phi(q_t) = f_{W_t}(q_t),\qquad
W_t = W_{t-1} - \eta\nabla L_t(W_{t-1}),\quad L_t(W) = -\frac1\eta v_t^\top W\phi(k_t),\quad W_0 = 0.$$
""",
    assumptions=("token $t$ takes its step before it is predicted from",),
    proof=r"""
By induction on $t$: $\nabla L_t(W) = -\frac1\eta v_t\phi(k_t)^\top$, so
$W_t = W_{t-1} + v_t\phi(k_t)^\top = \sum_{i\le t} v_i\phi(k_i)^\top$. Apply it to $\phi(q_t)$. $\square$
""",
    source="Katharopoulos et al. 2020, arXiv 2006.16236, eq. 16 to 20; Schlag et al. 2021, arXiv 2102.11174, section 3",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv"},
    dimensions={"n": (1, 6), "d": (1, 4), "dv": (1, 3)},
    free={"phi": elu_plus_one},
    shapes=({"n": 6, "d": 3, "dv": 2}, {"n": 3, "d": 4, "dv": 1}, {"n": 1, "d": 2, "dv": 2}),
    left=attention,
    right=online,
    mutants=(
        Mutant("predicts before the step (one step late)", one_step_late),
        Mutant("every position sees the future", sees_the_future),
        Mutant("position t already has the step of t + 1", sees_the_next_token),
    ),
)
