"""The delta rule is online descent on the squared error."""

import jax

from lrgd_jax.attention import recurrent_delta_rule
from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel, OnlineDescent, alignment, squared_error


def attention(queries, keys, values, strengths, memory):
    return recurrent_delta_rule(queries, keys, values, strengths, state=memory)[0]


def online(queries, keys, values, strengths, memory, *, objective=squared_error, learning_rate=1.0, batch=1):
    model = DualModel(memory, keys, values, strengths, objective=objective, learning_rate=learning_rate)
    trajectory = OnlineDescent(model, batch=batch).trajectory()
    return jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)


def twice_the_squared_error(*batch):
    return 2 * squared_error(*batch)


def all_gradients_at_the_start(queries, keys, values, strengths, memory, n):
    return online(queries, keys, values, strengths, memory, batch=max(n, 1))


claim = Claim(
    slug="delta-rule",
    title="The delta rule is online descent on the squared error",
    group="B",
    statement=r"""
From any memory $S_0$ and with any write strengths $b_t$, the delta rule
$$S_t = S_{t-1}\,(I - b_t k_tk_t^\top) + b_t v_tk_t^\top,\qquad o_t = S_t q_t$$
has the outputs $o_t = f_{W_t}(q_t)$ of the dual model $f_W(x) = Wx$ trained online on the squared error,
$$W_0 = S_0,\qquad W_t = W_{t-1} - \nabla L_t(W_{t-1}),\qquad L_t(W) = \tfrac{b_t}{2}\,\|Wk_t - v_t\|^2 .$$
""",
    assumptions=("none on $b_t$; the error of token $t$ itself shrinks where $0 < b_t\\|k_t\\|^2 < 2$",),
    proof=r"""
$\nabla L_t(W) = b_t(Wk_t - v_t)k_t^\top$, so $W_t = W_{t-1} - b_tW_{t-1}k_tk_t^\top + b_tv_tk_t^\top$, which is the recursion of
$S_t$; both start from $S_0$. After the step $W_tk_t - v_t = (1 - b_t\|k_t\|^2)(W_{t-1}k_t - v_t)$, hence the assumption's remark. $\square$
""",
    source="Schlag et al. 2021, arXiv 2102.11174, section 4.2; Widrow and Hoff 1960; as descent: Yang et al. 2024, arXiv 2406.06484, section 2.2",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "strengths": "n", "memory": "dv d"},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 3)},
    shapes=({"n": 5, "d": 3, "dv": 2}, {"n": 3, "d": 4, "dv": 1}, {"n": 1, "d": 1, "dv": 1}),
    left=attention,
    right=online,
    mutants=(
        Mutant("the alignment loss: nothing is erased (Hebb's rule)", alter(online, objective=alignment())),
        Mutant("the step goes uphill", alter(online, learning_rate=-1.0)),
        Mutant("the squared error without its half", alter(online, objective=twice_the_squared_error)),
        Mutant(
            "all gradients are taken at the first weights",
            all_gradients_at_the_start,
            quoted=Misquotation(
                says="TTT-Linear, which takes the gradients of a chunk at the weights that the chunk begins with, has the update rule of DeltaNet.",
                source="both are one rule in ersteiger.com, A unifying view of linear attention, part 2 (read 2026-11); the minibatches are those of Sun et al. 2024, arXiv 2407.04620",
                rather="The delta rule takes each gradient at the weights that the token before has left. Taken together at the chunk's start it is minibatch descent: the same for chunks of one token, or where keys are orthogonal. So are the steps of a token in DeltaProduct online ones, and no batch.",
            ),
        ),
    ),
)
