"""Log-linear attention is a sum of a logarithm of dual models, one for each bucket of the tokens before."""

import jax.numpy as jnp

from lrgd_jax.claims import Claim, Misquotation, Mutant, alter
from lrgd_jax.dual import DualModel


def lowest_bit(t):
    return (t & -t).bit_length() - 1


def recurrent(queries, keys, values, weights, n, levels):
    """States that merge as a binary counter carries: token t alone at level 0, then the digits of t."""
    states, outputs = [jnp.zeros_like(jnp.outer(values[0], keys[0]))] * levels, []
    for t in range(n):
        if t:
            carry = lowest_bit(t) + 1
            merged = sum(states[1:carry], states[0])
            states = [jnp.zeros_like(merged)] * carry + [merged] + states[carry + 1 :]
        states = [jnp.outer(values[t], keys[t]), *states[1:]]
        outputs.append(sum(weights[t, level] * (states[level] @ queries[t]) for level in range(levels)))
    return jnp.stack(outputs)


def buckets(t):
    """The tokens of each level before and at t: t itself, then one interval for each binary digit of t that is one."""
    intervals, end = {0: [t]}, t
    for digit in range(t.bit_length()):
        if t >> digit & 1:
            intervals[digit + 1] = list(range(end - 2**digit, end))
            end -= 2**digit
    return intervals


def duals(queries, keys, values, weights, n, deeper=0, shared=0):
    """At every token the sum of the predictions of as many models, each trained on its bucket by one step."""
    outputs = []
    for t in range(n):
        parts = []
        for level, bucket in buckets(t).items():
            tokens = slice(bucket[0], bucket[-1] + 1)
            model = DualModel.untrained(keys[tokens], values[tokens])
            weight = weights[t, 0 if shared else min(level + deeper, weights.shape[1] - 1)]
            parts.append(weight * model.predict(model.train(), queries[t][None])[0])
        outputs.append(sum(parts[1:], parts[0]))
    return jnp.stack(outputs)


def own_token_left_out(queries, keys, values, weights, n):
    own = jnp.sum(keys * queries, axis=1, keepdims=True) * weights[:, :1] * values
    return duals(queries, keys, values, weights, n) - own


claim = Claim(
    slug="log-linear-attention",
    title="Log-linear attention is a sum of O(log t) dual models",
    group="A",
    statement=r"""
Log-linear attention keeps states that merge like the carries of a binary counter, $S_t^{(0)} = v_tk_t^\top$, and reads them with weights of the query's own, $o_t = \sum_\ell\lambda_t^{(\ell)}S_t^{(\ell)}q_t$. Let $B_t^{(0)} = \{t\}$, and let the binary digits of
$t$ (the number of tokens before) cut these into intervals, the lowest digit the nearest. Then
$$o_t = \sum_\ell\lambda_t^{(\ell)}f_{W_t^{(\ell)}}(q_t),\qquad W_t^{(\ell)} = 0-\eta\nabla L(0),\qquad L(W) = -\tfrac1\eta\sum_{s\in B_t^{(\ell)}}v_s^\top Wk_s :$$
at most $1+\lceil\log_2(t+1)\rceil$ models, each trained by one step on its own bucket.
""",
    assumptions=("tokens are counted from zero", "no decay within the states"),
    proof=r"""
Before token $t$ the counter goes from $t-1$ to $t$: with $r$ the lowest digit of $t$ that is one, the digits below $r$ were ones and become zero, and their buckets with token $t-1$ hold $1 + \sum_{j<r}2^j = 2^r$ neighbouring tokens, which are the new bucket of digit
$r$. So state $\ell$ is the sum of $v_sk_s^\top$ over $B_t^{(\ell)}$; that is the step of the model (`linear-attention`). $\square$

If all weights are equal it is linear attention. The weights belong to the query and its levels, not to the tokens: when buckets merge, old tokens are weighed anew.
""",
    source="Guo et al. 2025, arXiv 2506.04761 (as commonly stated); the reading as duals is ours",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "weights": "n levels"},
    dimensions={"n": (3, 5), "d": (1, 2), "dv": (1, 2), "levels": (4, 4)},
    shapes=({"n": 4, "d": 2, "dv": 1, "levels": 4}, {"n": 3, "d": 1, "dv": 2, "levels": 4}),
    left=recurrent,
    right=duals,
    mutants=(
        Mutant(
            "one weight for all levels",
            alter(duals, shared=1),
            quoted=Misquotation(
                says="Log-linear attention is linear attention whose state grows with the logarithm of the length.",
                source="commonly read into Guo et al. 2025, arXiv 2506.04761, from its title and complexity",
                rather="It is a sum of O(log t) linear attentions over disjoint buckets, each with a weight of the query's. Only if a query gives all levels one weight is it linear attention.",
            ),
        ),
        Mutant("the weight of the next level", alter(duals, deeper=1)),
        Mutant("the token itself is left out", own_token_left_out),
    ),
)
