"""Momentum in the online dual is attention whose weights grow with a token's age."""

import jax
import jax.numpy as jnp
import optax

from lrgd_jax.attention import momentum_attention
from lrgd_jax.claims import Claim, Mutant
from lrgd_jax.dual import DualModel, OnlineDescent
from lrgd_jax.dual.descent import step

RATE = 0.25


def below_one(mu):
    return {"mu": mu * mu / (1 + mu * mu)}


def closed_form(queries, keys, values, mu, n):
    def attend(older):
        by_age = [(1 - mu ** (a + 1 + older)) / (1 - mu) for a in range(n)]
        rows = [jnp.stack([by_age[t - i] if i <= t else jnp.zeros_like(mu) for i in range(n)]) for t in range(n)]
        return (queries @ keys.T * jnp.stack(rows)) @ values

    outputs = {"heavy ball": attend(0), "nesterov": attend(1)}
    return {"dual": outputs, "attention": outputs}


def predicted(model, trajectory, queries):
    return jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)


def online(queries, keys, values, momentum, nesterov):
    model = DualModel.untrained(keys, values, learning_rate=RATE)
    trajectory = OnlineDescent(model, momentum=momentum, nesterov=nesterov).trajectory()
    return predicted(model, trajectory, queries)


def descent(queries, keys, values, mu):
    kinds = {"heavy ball": False, "nesterov": True}
    return {
        "dual": {kind: online(queries, keys, values, mu, look) for kind, look in kinds.items()},
        "attention": {
            kind: momentum_attention(queries, keys, values, mu, nesterov=look) for kind, look in kinds.items()
        },
    }


def in_both(outputs):
    return {"dual": outputs, "attention": outputs}


def no_momentum(queries, keys, values):
    plain = online(queries, keys, values, None, False)
    return in_both({"heavy ball": plain, "nesterov": plain})


def swapped(queries, keys, values, mu):
    outputs = descent(queries, keys, values, mu)["dual"]
    return in_both({"heavy ball": outputs["nesterov"], "nesterov": outputs["heavy ball"]})


def averaged(queries, keys, values, mu):
    """A running mean of the gradients, (1 - mu) g + mu m, in place of their discounted sum."""
    model = DualModel.untrained(keys, values, learning_rate=RATE)
    optimiser = optax.chain(optax.scale(1 - mu), optax.trace(mu), optax.scale(-RATE))

    def token(carry, sample):
        key, value = sample
        batch = key[None], value[None], jnp.ones((1,), value.dtype)
        carry = step(model.loss, carry[0], optimiser, carry[1], *batch)
        return carry, carry[0]

    start = model.initial_weights, optimiser.init(model.initial_weights)
    outputs = predicted(model, jax.lax.scan(token, start, (keys, values))[1], queries)
    return in_both({"heavy ball": outputs, "nesterov": outputs})


claim = Claim(
    slug="momentum",
    title="Momentum is attention that grows with age",
    group="B",
    statement=r"""
The dual model trained online from $W_0 = 0$ with momentum,
$$m_t = \mu m_{t-1} + \nabla L_t(W_{t-1}),\quad W_t = W_{t-1} - \eta m_t,\qquad L_t(W) = -\frac1\eta v_t^\top Wk_t,$$
predicts after $N$ tokens what linear attention with weights by age returns,
$$f_{W_N}(q) = \sum_{i\le N}w_{N-i}\,v_i\,k_i^\top q,\qquad w_a = \sum_{j=0}^a\mu^j = \frac{1-\mu^{a+1}}{1-\mu};$$
with Nesterov's look-ahead, $W_t = W_{t-1} - \eta(\nabla L_t(W_{t-1}) + \mu m_t)$, every token counts as if one step older, $w_{a+1}$.
""",
    assumptions=("$0\\le\\mu<1$ (the closed form; the sum holds for every $\\mu$)", "one token a step, in order"),
    proof=r"""
$L_t$ is linear, so its gradient $g_t = -\frac1\eta v_tk_t^\top$ does not depend on where it is taken. Unrolled, $m_t = \sum_{i\le t}\mu^{t-i}g_i$ and
$W_N = -\eta\sum_{t\le N}m_t = -\eta\sum_{i\le N}\big(\sum_{j=0}^{N-i}\mu^j\big)g_i = \sum_iw_{N-i}\,v_ik_i^\top$. With the look-ahead token $i$ adds $g_i(1+\mu)$ at its own step and $\mu\cdot\mu^{t-i}g_i$ at each
later $t$: $1 + \mu\sum_{j=0}^{N-i}\mu^j = w_{N-i+1}$. $\square$

Older tokens weigh more, up to $1/(1-\mu)$ times the newest: momentum does not forget, it delays. A decay of the weights (`gated-delta-rule`) does the opposite.
""",
    source="Polyak 1964 (heavy ball); Sutskever et al. 2013 (look-ahead, as optax.trace has it); in linear attention Nguyen et al. 2022, arXiv 2208.00579",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "mu": ""},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 2, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    given=below_one,
    left=closed_form,
    right=descent,
    mutants=(
        Mutant("no momentum", no_momentum),
        Mutant("heavy ball and Nesterov exchanged", swapped),
        Mutant("a running mean of the gradients in place of their sum", averaged),
    ),
)
