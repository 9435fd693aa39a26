"""The gated delta rule is a decay, then a step on the squared error at the decayed weights."""

import jax
import optax

from lrgd_jax.attention import recurrent_delta_rule
from lrgd_jax.claims import Claim, Misquotation, Mutant
from lrgd_jax.dual import DualModel, OnlineDescent, squared_error
from lrgd_jax.dual.descent import step


def attention(queries, keys, values, strengths, decays, memory):
    return recurrent_delta_rule(queries, keys, values, strengths, decays, state=memory)[0]


def predicted(model, trajectory, queries):
    return jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)


def online(queries, keys, values, strengths, decays, memory):
    model = DualModel(memory, keys, values, strengths, objective=squared_error)
    return predicted(model, OnlineDescent(model, decays).trajectory(), queries)


def not_decayed(queries, keys, values, strengths, memory):
    model = DualModel(memory, keys, values, strengths, objective=squared_error)
    return predicted(model, OnlineDescent(model).trajectory(), queries)


def scanned(queries, keys, values, strengths, decays, memory, token):
    model = DualModel(memory, keys, values, objective=squared_error)

    def one(weights, data):
        key, value, strength, decay = data
        batch = key[None], value[None], strength[None]
        weights = token(model.loss, weights, batch, decay)
        return weights, weights

    return predicted(model, jax.lax.scan(one, memory, (keys, values, strengths, decays))[1], queries)


def sgd(loss, weights, batch, optimiser):
    return step(loss, weights, optimiser, optimiser.init(weights), *batch)[0]


def coupled(queries, keys, values, strengths, decays, memory):
    def token(loss, weights, batch, decay):
        return sgd(loss, weights, batch, optax.chain(optax.add_decayed_weights(1 - decay), optax.sgd(1.0)))

    return scanned(queries, keys, values, strengths, decays, memory, token)


def decayed_afterwards(queries, keys, values, strengths, decays, memory):
    def token(loss, weights, batch, decay):
        return decay * sgd(loss, weights, batch, optax.sgd(1.0))

    return scanned(queries, keys, values, strengths, decays, memory, token)


claim = Claim(
    slug="gated-delta-rule",
    title="The gated delta rule decays, then descends",
    group="B",
    statement=r"""
From any memory $S_0$ the gated delta rule
$$S_t = a_tS_{t-1}\,(I - b_tk_tk_t^\top) + b_tv_tk_t^\top,\qquad o_t = S_tq_t$$
has the outputs $o_t = f_{W_t}(q_t)$ of a linear model that takes two descent steps a token, one on a ridge penalty and one, at the
weights that the first has left, on the squared error:
$$\tilde W_t = W_{t-1} - \nabla R_t(W_{t-1}),\qquad W_t = \tilde W_t - \nabla L_t(\tilde W_t),\qquad
R_t(W) = \tfrac{1-a_t}{2}\|W\|^2,\quad L_t(W) = \tfrac{b_t}2\|Wk_t - v_t\|^2 .$$
""",
    assumptions=("none on $a_t$, $b_t$", "the gradient is taken at the decayed weights"),
    proof=r"""
$\nabla R_t(W) = (1-a_t)W$, so $\tilde W_t = a_tW_{t-1}$. With $\nabla L_t(W) = b_t(Wk_t-v_t)k_t^\top$,
$W_t = a_tW_{t-1} - b_ta_tW_{t-1}k_tk_t^\top + b_tv_tk_t^\top$, the recursion of $S_t$. $\square$

The usual coupled weight decay, one step on $R_t + L_t$ at $W_{t-1}$, erases $b_tW_{t-1}k_tk_t^\top$ without the factor $a_t$: another rule,
unless $a_t = 1$ (a mutant below).
""",
    source="Yang et al. 2024, arXiv 2412.06464, section 3.1; the reading as two steps is elementary",
    arguments={
        "queries": "n d",
        "keys": "n d",
        "values": "n dv",
        "strengths": "n",
        "decays": "n",
        "memory": "dv d",
    },
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 4, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=attention,
    right=online,
    mutants=(
        Mutant("no decay", not_decayed),
        Mutant(
            "coupled weight decay: the gradient at the weights before the decay",
            coupled,
            quoted=Misquotation(
                says="The gated delta rule is S_t = a_t S_(t-1) + b_t (v_t - S_(t-1) k_t) k_t': the error is that of the old memory, before the decay.",
                source="apple/coreai-torch, documentation of GatedDeltaUpdate (main, read 2026-11); Edifice 0.2.0, Edifice.Recurrent.GatedDeltaNet (hexdocs); called the traditional formulation in fla-org/flash-linear-attention issue 885 (2026-05)",
                rather="The memory decays first, and the error is that of the decayed memory: S_t = a_t S_(t-1) (I - b_t k_t k_t') + b_t v_t k_t'. Both agree only where a_t = 1, b_t = 0 or S_(t-1) k_t = 0.",
            ),
        ),
        Mutant("the decay comes after the step and takes from the new value too", decayed_afterwards),
    ),
)
