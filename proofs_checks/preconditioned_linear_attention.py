"""Linear attention whose query is preconditioned by the keys' second moment is a delta rule with that metric."""

import jax
import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter


def assumed(ridge, gates):
    return {"ridge": 0.25 + ridge * ridge, "gates": 0.25 + gates * gates}


def solved(moment, vector):
    return jnp.linalg.solve(moment, vector)


def solved_by_the_diagonal(moment, vector):
    return vector / jnp.diagonal(moment)


def attention(queries, keys, values, gates, ridge, n, solve=solved):
    """Two gated sums, of v k' and of k k'; the query is solved for by the second, and read by the first."""
    moment = ridge * jnp.eye(keys.shape[1], dtype=keys.dtype)
    state, outputs = jnp.zeros((values.shape[1], keys.shape[1]), keys.dtype), []
    for t in range(n):
        state = gates[t] * state + jnp.outer(values[t], keys[t])
        moment = gates[t] * moment + jnp.outer(keys[t], keys[t])
        outputs.append(state @ solve(moment, queries[t]))
    return jnp.stack(outputs)


def squared_error(weights, key, value):
    error = weights @ key - value
    return error @ error / 2


def delta_rule(queries, keys, values, gates, ridge, n, solve=solved, forgetting=0, late=0):
    """Online steps in the metric of the moment. Only the moment is gated, unless `forgetting` gates weights too."""
    moment = ridge * jnp.eye(keys.shape[1], dtype=keys.dtype)
    weights, outputs = jnp.zeros((values.shape[1], keys.shape[1]), keys.dtype), []
    for t in range(n):
        before, moment = moment, gates[t] * moment + jnp.outer(keys[t], keys[t])
        metric = late * before + (1 - late) * moment
        weights = (forgetting * gates[t] + 1 - forgetting) * weights
        gradient = jax.grad(squared_error)(weights, keys[t], values[t])
        weights = weights - jax.vmap(lambda row, metric=metric: solve(metric, row))(gradient)
        outputs.append(weights @ queries[t])
    return jnp.stack(outputs)


claim = Claim(
    slug="preconditioned-linear-attention",
    title="Preconditioned linear attention is the delta rule in the metric of all keys",
    group="B",
    statement=r"""
Let $B_t = g_tB_{t-1} + v_tk_t^\top$ and $H_t = g_tH_{t-1} + k_tk_t^\top$ from $B_0 = 0$, $H_0 = \lambda I$. Gated linear attention whose query is preconditioned, $o_t = B_tH_t^{-1}q_t$, is the test output $W_tq_t$ of
$$W_t = W_{t-1} - \nabla\ell_t(W_{t-1})\,H_t^{-1},\qquad W_0 = 0,\qquad \ell_t(W) = \tfrac12\|Wk_t-v_t\|^2 .$$
The gate stands in the metric alone: the weights do not decay.
""",
    assumptions=("$\\lambda > 0$, $g_t > 0$",),
    proof=r"""
By induction $W_tH_t = B_t$: since $g_tH_{t-1} = H_t - k_tk_t^\top$, $B_t = g_tW_{t-1}H_{t-1} + v_tk_t^\top = W_{t-1}H_t - (W_{t-1}k_t-v_t)k_t^\top$. Multiply by $H_t^{-1}$ from the right. $\square$

Without gates this is recursive least squares (`recursive-least-squares`). A diagonal in place of $H_t$ on both sides breaks the induction, as $k_tk_t^\top$ is not diagonal: then the preconditioned attention and the preconditioned delta rule are two layers.
""",
    source="Tumma et al. 2026, arXiv 2604.21100, whose abstract states the equivalence in the exact case; with gates it is derived here",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "gates": "n", "ridge": ""},
    dimensions={"n": (1, 3), "d": (1, 2), "dv": (1, 2)},
    shapes=({"n": 2, "d": 2, "dv": 2}, {"n": 2, "d": 2, "dv": 1}),
    given=assumed,
    left=attention,
    right=delta_rule,
    mutants=(
        Mutant(
            "the diagonal of the moment in the delta rule",
            alter(delta_rule, solve=solved_by_the_diagonal),
        ),
        Mutant(
            "the weights decay as well",
            alter(delta_rule, forgetting=1),
            quoted=Misquotation(
                says="The gated form of a preconditioned delta rule decays the weights, as Gated DeltaNet does, and takes the step in the metric of the keys.",
                source="commonly read into Tumma et al. 2026, arXiv 2604.21100, whose exact equivalence is stated without gates and whose layers add them",
                rather="For gated least squares the gate belongs in the metric alone: W_t = W_(t-1) - grad H_t^-1, with H_t = g_t H_(t-1) + k_t k_t'. Decaying W, too, is another rule.",
            ),
        ),
        Mutant("the metric is one token late", alter(delta_rule, late=1)),
    ),
)
