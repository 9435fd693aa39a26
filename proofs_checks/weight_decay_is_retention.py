"""Weight decay in the dual is retention: attention weights that fade geometrically with age."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant
from lrgd_jax.dual import DualModel

RATE = 0.25


def fading(retention, n):
    """The matrix rho^(t-i) for i <= t, zero above the diagonal, and the column rho^t for t = 1..n."""
    powers = [jnp.ones_like(retention)]
    for _ in range(n):
        powers.append(powers[-1] * retention)
    zero = jnp.zeros_like(retention)
    rows = [jnp.stack([powers[t - i] if i <= t else zero for i in range(n)]) for t in range(n)]
    return jnp.stack(rows), jnp.stack(powers[1:])


def attention(queries, keys, values, initial, retention, n):
    decay, aged = fading(retention, n)
    return (decay * (queries @ keys.T)) @ values + aged[:, None] * (queries @ initial.T)


def dual(keys, values, initial):
    return DualModel(initial, keys, values, learning_rate=RATE)


def read_each(model, trajectory, queries):
    return jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)


def decayed(queries, keys, values, initial, retention):
    model = dual(keys, values, initial)
    return read_each(model, model.train_online(retention=retention), queries)


def not_decayed(queries, keys, values, initial):
    model = dual(keys, values, initial)
    return read_each(model, model.train_online(), queries)


def new_step_decays_too(queries, keys, values, initial, retention):
    """Decay off by one step: rho multiplies the step as well, as if it came after it."""
    decayed_values = values * retention
    model = dual(keys, decayed_values, initial)
    return read_each(model, model.train_online(retention=retention), queries)


def rate_forgotten(queries, keys, values, initial, retention):
    """Lambda in place of eta lambda: 1 - rho is divided by the learning rate once too often."""
    model = dual(keys, values, initial)
    return read_each(model, model.train_online(retention=1 - (1 - retention) / RATE), queries)


def initial_weights_kept(queries, keys, values, initial, retention):
    model = dual(keys, values, jnp.zeros_like(initial))
    return read_each(model, model.train_online(retention=retention), queries) + queries @ initial.T


claim = Claim(
    slug="weight-decay-is-retention",
    title="Weight decay of the dual is retention",
    group="C",
    statement=r"""
With $W_t = (1-\eta\lambda)W_{t-1} - \eta\nabla L_t(W_{t-1})$, $L_t(W) = -\frac1\eta v_t^\top W k_t$ and $\rho = 1-\eta\lambda$,
the dual trained online predicts at every token
$$W_t q_t = \rho^{t}\,W_0 q_t + \sum_{i\le t}\rho^{\,t-i}\,v_i\,(k_i^\top q_t):$$
causal linear attention with weights $\rho^{t-i}$ (retention), whose zero-shot part fades as well.
""",
    assumptions=("$0 < \\rho \\le 1$ makes it a decay; the identity holds for every real $\\rho$", "causal"),
    proof=r"""
$\nabla L_t(W) = -\frac1\eta v_tk_t^\top$ at every $W$, so $W_t = \rho W_{t-1} + v_tk_t^\top$. By induction
$W_t = \rho^tW_0 + \sum_{i\le t}\rho^{t-i}v_ik_i^\top$: for $t=0$ it is $W_0$, and multiplying by $\rho$ raises every exponent by one
while the new term enters with exponent zero. Apply both sides to $q_t$. $\square$

Decay before the step (as in decoupled weight decay) leaves the newest token whole; decay after it would give $\rho^{t-i+1}$.
""",
    source="retention: Sun et al. 2023, arXiv 2307.08621, eq. 3 to 5 (without its rotation); regularised duals: "
    "Ren & Liu 2023, arXiv 2310.13220",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "initial": "dv d", "retention": ""},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 2, "d": 4, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=attention,
    right=decayed,
    mutants=(
        Mutant("no decay", not_decayed),
        Mutant(
            "decay after the step, off by one",
            new_step_decays_too,
            quoted=Misquotation(
                says="Retention is weight decay, before or after the step: that is a matter of convention.",
                source="commonly read into Sun et al. 2023, arXiv 2307.08621, eq. 3 to 5",
                rather="Decay before the step leaves the newest token whole, with the weight rho^(t-i); after it, every token has rho^(t-i+1). Only where there are no initial weights and the output is a ratio can the factor not be seen.",
            ),
        ),
        Mutant("lambda in place of eta lambda", rate_forgotten),
        Mutant(
            "the initial weights do not decay",
            initial_weights_kept,
            quoted=Misquotation(
                says="Retention forgets old demonstrations; what the model knew without them stays.",
                source="commonly read into Sun et al. 2023, arXiv 2307.08621, with a zero-shot context in front",
                rather="Weight decay pulls to zero, and the initial weights fade as rho^t with the rest. What pulls towards the initial weights instead is anchored-regularisation.",
            ),
        ),
    ),
)
