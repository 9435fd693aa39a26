"""The gated Oja rule is the delta rule with keys and values exchanged: it learns to give keys back for values."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def layer(queries, keys, values, gates, strengths, memory, n):
    """The recurrence as it is run, on a memory of values by keys, with a gate for every channel of the values."""
    outputs = []
    for t in range(n):
        memory = gates[t][:, None] * memory
        memory = memory + strengths[t] * jnp.outer(values[t], keys[t] - values[t] @ memory)
        outputs.append(memory @ queries[t])
    return jnp.stack(outputs)


def squared_error(backward, key, value):
    """How far the map from values to keys is from this pair."""
    error = backward @ value - key
    return error @ error / 2


def online(queries, keys, values, gates, strengths, memory, n, late=0):
    """Decay and descent of a map from values to keys, which a query reads from the side of the keys."""
    backward, outputs = memory.T, []
    for t in range(n):
        faded = backward * gates[t][None]
        where = late * backward + (1 - late) * faded
        backward = faded - strengths[t] * jax.grad(squared_error)(where, keys[t], values[t])
        outputs.append(queries[t] @ backward)
    return jnp.stack(outputs)


def gated_delta_rule(queries, keys, values, gates, strengths, memory, n):
    outputs = []
    for t in range(n):
        faded = gates[t][:, None] * memory
        memory = faded - strengths[t] * jnp.outer(faded @ keys[t] - values[t], keys[t])
        outputs.append(memory @ queries[t])
    return jnp.stack(outputs)


claim = Claim(
    slug="oja-rule",
    title="The Oja rule of linear attention is the delta rule from values to keys",
    group="B",
    statement=r"""
With a gate $g_t$ for every channel of the values and strengths $b_t$, let
$$\tilde S_t = \operatorname{diag}(g_t)\,S_{t-1},\qquad S_t = \tilde S_t + b_t\,v_t\,\big(k_t - \tilde S_t^\top v_t\big)^\top,\qquad o_t = S_tq_t .$$
Then $M_t = S_t^\top$ is a map from values to keys that decays and takes an online step at the decayed weights,
$$M_t = \tilde M_t - b_t\nabla\ell_t(\tilde M_t),\qquad \tilde M_t = M_{t-1}\operatorname{diag}(g_t),\qquad \ell_t(M) = \tfrac12\,\|Mv_t - k_t\|^2 .$$
The error that is corrected is one of keys. A query reads the map backwards, $o_t = M_t^\top q_t$.
""",
    assumptions=("none on $g_t$ and $b_t$",),
    proof=r"""
$\nabla\ell_t(M) = (Mv_t-k_t)v_t^\top$, so $M_t^\top = \tilde M_t^\top - b_tv_t(\tilde M_tv_t-k_t)^\top$, which is the recursion of $S_t$. $\square$

With $v_t = \tilde S_tk_t$, the memory's own output, and no gate it is Oja's subspace rule $S + b\,(vk^\top - vv^\top S)$: hence the name. That one, whose $v$ depends on the memory, is the gradient of no loss. A step with $b_t\|v_t\|^2 = 1$ makes
$S_t^\top v_t = k_t$; $S_tk_t$ need not be $v_t$.
""",
    source="fla-org/flash-linear-attention, fla/ops/gated_oja_rule/fused_recurrent.py (commit 0781576); Oja 1989; the reading as a delta rule is elementary",
    arguments={
        "queries": "n d",
        "keys": "n d",
        "values": "n dv",
        "gates": "n dv",
        "strengths": "n",
        "memory": "dv d",
    },
    dimensions={"n": (1, 3), "d": (1, 3), "dv": (1, 2)},
    shapes=({"n": 2, "d": 3, "dv": 2}, {"n": 1, "d": 2, "dv": 1}),
    left=layer,
    right=online,
    mutants=(
        Mutant(
            "the gated delta rule from keys to values",
            gated_delta_rule,
            quoted=Misquotation(
                says="The gated Oja rule is the gated delta rule with the gate on the values in place of the keys: it, too, corrects what the memory answers to a key.",
                source="commonly read into fla-org/flash-linear-attention, fla/ops/gated_oja_rule, whose functions are named and shaped like those of the gated delta rule",
                rather="It corrects the key that the memory gives back for a value: an online step on |M v - k|^2 / 2 of the map M = S' from values to keys.",
            ),
        ),
        Mutant("the error of the map before the gate", alter(online, late=1)),
        Mutant("no gate", alter(online, gates=jnp.ones_like)),
    ),
)
