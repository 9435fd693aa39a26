"""The WY form of the gated delta rule, one triangular inverse a chunk, is the same online descent."""

import jax
import jax.numpy as jnp

from lrgd_jax.attention import chunked_delta_rule, recurrent_delta_rule
from lrgd_jax.claims import Claim, Mutant, alter
from lrgd_jax.dual import DualModel, OnlineDescent, squared_error

FORMS = ("online dual", "recurrent")


def chunked(queries, keys, values, strengths, decays, chunk):
    outputs = chunked_delta_rule(queries, keys, values, strengths, decays, chunk=chunk)
    return dict.fromkeys(FORMS, outputs)


def token_by_token(queries, keys, values, strengths, decays):
    model = DualModel.untrained(keys, values, sample_weights=strengths, objective=squared_error)
    trajectory = OnlineDescent(model, decays).trajectory()
    dual = jax.vmap(lambda w, q: model.predict(w, q[None])[0])(trajectory, queries)
    recurrent, _ = recurrent_delta_rule(queries, keys, values, strengths, decays)
    return dict(zip(FORMS, (dual, recurrent), strict=True))


def wrong_chunks(queries, keys, values, strengths, decays, n, chunk, *, solved=True, fading=True, read_decayed=True):
    """The WY form written out with dense products, and what each mutant leaves out."""
    state, outputs = jnp.zeros((values.shape[1], keys.shape[1]), values.dtype), []
    for start in range(0, n, chunk):
        here = slice(start, min(start + chunk, n))
        q, k, v, b, a = (x[here] for x in (queries, keys, values, strengths, decays))
        c = a.shape[0]
        product = [
            [jnp.prod(a[i + 1 : t + 1]) if i <= t else jnp.zeros((), a.dtype) for i in range(c)] for t in range(c)
        ]
        left = jnp.stack([jnp.stack(row) for row in product])
        since = left[:, 0] * a[0]
        below = b[:, None] * jnp.tril(left * (k @ k.T), -1)
        inverse = term = jnp.eye(c, dtype=a.dtype)
        for _ in range(c if solved else 1):
            term = -term @ below
            inverse = inverse + term
        known = (since[:, None] * k if read_decayed else k) @ state.T
        written = inverse @ (b[:, None] * (v - known))
        outputs.append((since[:, None] * q) @ state.T + (left * (q @ k.T)) @ written)
        state = since[-1] * state + written.T @ (left[-1][:, None] * k if fading else k)
    return dict.fromkeys(FORMS, jnp.concatenate(outputs))


claim = Claim(
    slug="delta-rule-chunked",
    title="The delta rule by chunks: one triangular inverse each",
    group="B",
    statement=r"""
In a chunk of $C$ tokens that starts from the state $S$ let $D_{ti} = \prod_{i<s\le t}a_s$ ($i\le t$, else 0), $c_t = \prod_{s\le t}a_s$,
products over the chunk, and
$$U = \big(I + \mathrm{diag}(b)\,\mathrm{tril}_{-1}(D\odot KK^\top)\big)^{-1}\mathrm{diag}(b)\,(V - \mathrm{diag}(c)KS^\top).$$
Then the outputs and the next state
$$O = \mathrm{diag}(c)\,QS^\top + (D\odot QK^\top)\,U,\qquad S' = c_C\,S + U^\top\mathrm{diag}(D_{C\cdot})\,K$$
are those of the gated delta rule, token by token, and of its online dual (claim `gated-delta-rule`).
""",
    assumptions=("$C \\ge 1$; the last chunk may be shorter", "no $a_t$ need differ from zero: nothing is divided"),
    proof=r"""
Write the step as $S_t = a_tS_{t-1} + u_tk_t^\top$ with $u_t = b_t(v_t - a_tS_{t-1}k_t)$. By induction
$S_t = c_tS + \sum_{i\le t}D_{ti}\,u_ik_i^\top$, since $a_tD_{t-1,i} = D_{ti}$ and $D_{tt} = 1$. Hence
$a_tS_{t-1}k_t = c_tSk_t + \sum_{i<t}D_{ti}\,u_i\,k_i^\top k_t$, that is, in rows,
$U = \mathrm{diag}(b)\big(V - \mathrm{diag}(c)KS^\top - \mathrm{tril}_{-1}(D\odot KK^\top)U\big)$. The matrix
$I + \mathrm{diag}(b)\mathrm{tril}_{-1}(\cdot)$ is unit lower triangular, so it has an inverse, found by forward substitution; $O$ and $S'$ are the induction's
formula at $q_t$ and at $t = C$. $\square$
""",
    source="Yang et al. 2024, arXiv 2406.06484, section 3; with gates: Yang et al. 2024, arXiv 2412.06464, section 3.3",
    arguments={"queries": "n d", "keys": "n d", "values": "n dv", "strengths": "n", "decays": "n"},
    dimensions={"n": (1, 5), "d": (1, 3), "dv": (1, 2), "chunk": (1, 4)},
    shapes=(
        {"n": 5, "d": 3, "dv": 2, "chunk": 3},
        {"n": 4, "d": 2, "dv": 1, "chunk": 4},
        {"n": 3, "d": 1, "dv": 1, "chunk": 2},
    ),
    left=chunked,
    right=token_by_token,
    mutants=(
        Mutant("the inverse only to first order", alter(wrong_chunks, solved=False), "left"),
        Mutant("what a chunk writes does not fade within it", alter(wrong_chunks, fading=False), "left"),
        Mutant("the residuals are against the state undecayed", alter(wrong_chunks, read_decayed=False), "left"),
    ),
)
